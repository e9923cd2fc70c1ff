"""The demo's report on the commune: figures beside the truth, and what an attacker gets."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.rule import Rule
from rich.table import Table

from cloud.audit.attacks import AttackResult
from protocol.privacy import epsilon_replaced
from protocol.transform import Curve
from trustee.commands.status import TrusteeStatus
from volet.demo.area_findings import ReleasedDay
from volet.demo.area_play import Verified
from volet.demo.picture import bars, relative_error, save_picture, scale_wh, show

# Characters beside the three curves of a row, and the most bars of a curve.
_BESIDE, _BARS_MAX = 43, 32
_KW_PER_WH = 4 / 1000
_REFERENCE, _BROKEN, _TOO_FEW = "reference", "broken", "too few"


class TownReport:
    """Prints the commune's part of the demo."""

    def __init__(self, console: Console) -> None:
        """Print to `console`."""
        self._console = console

    def chapter(self, title: str) -> None:
        """Begin a part."""
        self._console.print()
        self._console.print(Rule(title, align="left"))

    def paragraph(self, text: str) -> None:
        """Print a paragraph."""
        self._console.print(text, highlight=False)

    def figures(self, measured: Sequence[ReleasedDay]) -> None:
        """Print every released day beside the plain sum and beside pure local noise."""
        self.chapter("9  What the city learns of a neighbourhood (`volet provider area`)")
        for code in sorted({released.picture.group for released in measured}):
            self._group([released for released in measured if released.picture.group == code])
        show(measured[-1].picture, self._console)
        self.errors(measured)

    def _group(self, days: Sequence[ReleasedDay]) -> None:
        terms = days[-1].release.terms
        self.paragraph(
            f"{days[0].picture.group}: epsilon {epsilon_replaced(terms.epsilon, terms.delta):.1f} "
            f"between any two days of a household, delta {terms.delta:g}; noise cut for {terms.crowd}, of whom {terms.gamma:.0%} may add none."
        )
        table = Table("day", "homes", "plain sum", "released", "off", "crowd = 1", "off", box=None)
        count = max(1, min(_BARS_MAX, (self._console.width - _BESIDE) // 3))
        for released in days:
            day, own = released.picture, released.release.terms
            top = scale_wh(day)
            table.add_row(
                str(day.day),
                f"{own.households}/{own.roster}",
                bars(day.plain_wh, top, count),
                bars(day.released_wh, top, count),
                f"{relative_error(day.released_wh, day.plain_wh):.1%}",
                bars(day.local_wh, top, count),
                f"{relative_error(day.local_wh, day.plain_wh):.1%}",
            )
        self._console.print(table)
        coverage = float(np.concatenate([day.is_in_band for day in days]).mean())
        band_kw = float(np.mean([day.picture.band_wh.mean() for day in days])) * _KW_PER_WH
        mean_kw = float(np.mean([day.picture.plain_wh.mean() for day in days])) * _KW_PER_WH
        self.paragraph(
            f"The 90 % band is ±{band_kw:.1f} kW about a mean of {mean_kw:.0f} kW; it held the plain "
            f"sum in {coverage:.0%} of the quarter-hours.\n"
        )

    def errors(self, measured: Sequence[ReleasedDay]) -> None:
        """Print the median errors of all days, with and without the public model."""
        plain = [day.picture.plain_wh for day in measured]

        def off(curves: Iterable[Curve]) -> str:
            errors = [relative_error(curve, own) for curve, own in zip(curves, plain, strict=True)]
            return f"{np.median(errors):.1%}"

        table = Table("median error of the curve", "filtered", "unfiltered", box=None)
        table.add_row(
            "released, noise shared by a crowd",
            off(day.picture.released_wh for day in measured),
            off(np.array(day.release.raw) for day in measured),
        )
        table.add_row(
            "crowd = 1, each home alone",
            off(day.picture.local_wh for day in measured),
            off(day.picture.local_raw_wh for day in measured),
        )
        table.add_row("the public profile, nobody asked", off(day.profile_wh for day in measured))
        self._console.print(table)
        self.paragraph(
            "The demo's homes come from the simulation from which the public profile was derived, so "
            "the profile alone is close to them; real homes are further from it."
        )

    def picture(self, measured: Sequence[ReleasedDay], path: Path) -> None:
        """Draw the last day of each group."""
        last = {day.picture.group: day.picture for day in measured}
        save_picture([last[code] for code in sorted(last)], path)
        self.paragraph(f"The last day of each IRIS in one picture: {path}")

    def trustees(
        self,
        lost: str,
        waiting: int,
        measured: Sequence[ReleasedDay],
        statuses: Sequence[TrusteeStatus],
    ) -> None:
        """Print what became of the figures while a trustee was gone."""
        self.chapter("10  A trustee is gone")
        witnessed = sum(released.release.terms.is_witnessed for released in measured)
        answered = ", ".join(
            f"{status.name.removeprefix('trustee-')} {status.answered}" for status in statuses
        )
        self.paragraph(
            f"{lost} was stopped, and {waiting} figures waited: three trustees can open them, but "
            "one of them that lies could shift what nobody else can confirm. It was started again, "
            f"and {witnessed} of {len(measured)} figures were released with a witness for each "
            f"mask. Sets answered: {answered}. "
            f"Alarms: {sum(len(status.alarms) for status in statuses)}."
        )

    def audit(self, findings: Sequence[AttackResult], messages: int) -> bool:
        """Print what attackers get; return whether nothing is broken."""
        self.chapter("11  What an attacker gets (`volet cloud audit`)")
        plain = {finding.attack: finding for finding in findings if finding.verdict == _REFERENCE}
        others = [finding for finding in findings if finding.verdict != _REFERENCE]
        self.paragraph(f"The same attacks on plain curves and on {messages:,} captured messages:")
        table = Table("attack", "on", "score", "plain", "chance", "may reach", "verdict", box=None)
        for finding in others:
            if finding.attack in plain:
                table.add_row(
                    finding.attack,
                    finding.on,
                    f"{finding.score:.3f}",
                    f"{plain[finding.attack].score:.3f}",
                    f"{finding.chance:.3f}",
                    f"{finding.limit:.3f}",
                    finding.verdict,
                )
        self._console.print(table)
        words = [finding for finding in others if finding.attack not in plain]
        if words:
            worst = max(words, key=lambda finding: finding.score)
            self.paragraph(
                f"All words that left the chips against uniform numbers: {worst.score:.1f} standard "
                f"deviations at most ({worst.attack}, {worst.on}; {worst.limit:.0f} would tell)."
            )
        broken = [finding for finding in others if finding.verdict == _BROKEN]
        few = sum(finding.verdict == _TOO_FEW for finding in others)
        self.paragraph(
            f"{len(others) - len(broken) - few} of {len(others)} kept, {len(broken)} broken, "
            f"{few} with too few cases to tell."
        )
        return not broken

    def verified(self, result: Verified) -> bool:
        """Print whether recomputed releases are the same; return whether all are."""
        self.chapter("12  Worked out again (`volet cloud release verify`)")
        same = result.releases - len(result.differ)
        self.paragraph(f"{same} of {result.releases} releases are the same again, bit for bit.")
        return not result.differ
