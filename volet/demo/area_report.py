"""The demo's words on the commune: figures beside the truth, what held, what an attacker gets."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.rule import Rule
from rich.table import Table

from cloud.audit.attacks import AttackResult
from protocol.transform import Curve
from trustee.commands.status import TrusteeStatus
from volet.demo.area_findings import ReleasedDay
from volet.demo.area_play import Verified
from volet.demo.picture import bars, relative_error, save_picture, scale_wh, show

# So many characters stand beside three curves of so many bars at most.
_BESIDE, _BARS_MAX = 43, 32
_KW_PER_WH = 4 / 1000
_REFERENCE, _BROKEN, _TOO_FEW = "reference", "broken", "too few"


class TownReport:
    """Prints what the commune's part of the demo shows."""

    def __init__(self, console: Console) -> None:
        """Print to `console`."""
        self._console = console

    def chapter(self, title: str) -> None:
        """Begin a part."""
        self._console.print()
        self._console.print(Rule(title, align="left"))

    def say(self, text: str) -> None:
        """Print a paragraph."""
        self._console.print(text, highlight=False)

    def figures(self, measured: Sequence[ReleasedDay]) -> None:
        """Print every released day beside the plain sum and beside pure local noise."""
        self.chapter("9  What the city learns of a neighbourhood (`volet provider area`)")
        for code in sorted({each.picture.group for each in measured}):
            self._group([each for each in measured if each.picture.group == code])
        show(measured[-1].picture, self._console)
        self.errors(measured)

    def _group(self, days: Sequence[ReleasedDay]) -> None:
        terms = days[-1].release.terms
        self.say(
            f"{days[0].picture.group}: epsilon {terms.epsilon:g}, delta {terms.delta:g} for a "
            f"household-day; noise cut for {terms.crowd}, of whom {terms.gamma:.0%} may add none."
        )
        table = Table("day", "homes", "plain sum", "released", "off", "crowd = 1", "off", box=None)
        count = max(1, min(_BARS_MAX, (self._console.width - _BESIDE) // 3))
        for each in days:
            day, own = each.picture, each.release.terms
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
        held = float(np.concatenate([each.is_in_band for each in days]).mean())
        band_kw = float(np.mean([each.picture.band_wh.mean() for each in days])) * _KW_PER_WH
        mean_kw = float(np.mean([each.picture.plain_wh.mean() for each in days])) * _KW_PER_WH
        self.say(
            f"The 90 % band is ±{band_kw:.1f} kW about a mean of {mean_kw:.0f} kW; it held the plain "
            f"sum in {held:.0%} of the quarter-hours.\n"
        )

    def errors(self, measured: Sequence[ReleasedDay]) -> None:
        """Print the median errors of all days, with and without the public model."""
        plain = [each.picture.plain_wh for each in measured]

        def off(curves: Iterable[Curve]) -> str:
            errors = [relative_error(curve, own) for curve, own in zip(curves, plain, strict=True)]
            return f"{np.median(errors):.1%}"

        table = Table("median error of the curve", "filtered", "unfiltered", box=None)
        table.add_row(
            "released, noise shared by a crowd",
            off(each.picture.released_wh for each in measured),
            off(np.array(each.release.raw) for each in measured),
        )
        table.add_row(
            "crowd = 1, each home alone",
            off(each.picture.local_wh for each in measured),
            off(each.picture.local_raw_wh for each in measured),
        )
        table.add_row("the public profile, nobody asked", off(each.profile_wh for each in measured))
        self._console.print(table)
        self.say(
            "The demo's homes come from the simulation from which the public profile was derived, so "
            "the profile alone is close to them; real homes are further from it."
        )

    def picture(self, measured: Sequence[ReleasedDay], path: Path) -> None:
        """Draw the last day of each group."""
        last = {each.picture.group: each.picture for each in measured}
        save_picture([last[code] for code in sorted(last)], path)
        self.say(f"The last day of each IRIS in one picture: {path}")

    def trustees(
        self,
        lost: str,
        middle: str,
        measured: Sequence[ReleasedDay],
        found: Sequence[TrusteeStatus],
    ) -> None:
        """Print what became of the figures when a trustee was gone."""
        self.chapter("10  A trustee is gone")
        after = sum(each.release.day >= middle for each in measured)
        answered = ", ".join(
            f"{each.name.removeprefix('trustee-')} {each.answered}" for each in found
        )
        self.say(
            f"{lost} was stopped before the figures from {middle} on were opened: "
            f"{after} of {len(measured)} were released without it. Sets answered: {answered}. "
            f"Alarms: {sum(len(each.alarms) for each in found)}."
        )

    def audit(self, findings: Sequence[AttackResult], messages: int) -> bool:
        """Print what attackers get; returns whether nothing is broken."""
        self.chapter("11  What an attacker gets (`volet cloud audit`)")
        plain = {each.attack: each for each in findings if each.verdict == _REFERENCE}
        others = [each for each in findings if each.verdict != _REFERENCE]
        self.say(f"The same attacks on plain curves and on {messages:,} captured messages:")
        table = Table("attack", "on", "score", "plain", "chance", "may reach", "verdict", box=None)
        for each in others:
            if each.attack in plain:
                table.add_row(
                    each.attack,
                    each.on,
                    f"{each.score:.3f}",
                    f"{plain[each.attack].score:.3f}",
                    f"{each.chance:.3f}",
                    f"{each.limit:.3f}",
                    each.verdict,
                )
        self._console.print(table)
        words = [each for each in others if each.attack not in plain]
        if words:
            worst = max(words, key=lambda each: each.score)
            self.say(
                f"All words that left the chips against uniform numbers: {worst.score:.1f} standard "
                f"deviations at most ({worst.attack}, {worst.on}; {worst.limit:.0f} would tell)."
            )
        broken = [each for each in others if each.verdict == _BROKEN]
        few = sum(each.verdict == _TOO_FEW for each in others)
        self.say(
            f"{len(others) - len(broken) - few} of {len(others)} kept, {len(broken)} broken, "
            f"{few} with too few cases to tell."
        )
        return not broken

    def verified(self, found: Verified) -> bool:
        """Print whether releases are the same when worked out again; returns whether all are."""
        self.chapter("12  Worked out again (`volet cloud release verify`)")
        same = found.releases - len(found.differ)
        self.say(f"{same} of {found.releases} releases are the same again, bit for bit.")
        return not found.differ
