"""The demo's report on the terminal."""

import shlex
from datetime import timedelta

from rich.console import Console
from rich.rule import Rule
from rich.table import Table

from edge.bills.judgement import Judgement, Verdict
from protocol.bill import Bill
from protocol.provider_api import StatementState
from system.shell import quoted
from volet.demo.commune import NEIGHBOURS, TRUSTEES
from volet.demo.findings import Departed, Indices
from volet.demo.town import COLLECTIVITY, DemoTown

KILOBYTE = 1000


class DemoReport:
    """Prints the five parts of the demo, and how to continue."""

    def __init__(self, console: Console) -> None:
        """Print to `console`."""
        self._console = console

    def quote(self, printed: str) -> None:
        """Print the output of a command unchanged."""
        self._console.print(printed.strip("\n"))

    def chapter(self, title: str) -> None:
        """Begin a part."""
        self._console.print()
        self._console.print(Rule(title, align="left"))

    def paragraph(self, text: str) -> None:
        """Print a paragraph."""
        self._console.print(text, highlight=False)

    def meter(self, counted: Indices) -> None:
        """Print the indices of the first home's meter."""
        self.chapter("1  What the meter said (only the home knows)")
        table = Table("register", "first of month", "end of month", "billed", box=None)
        for register, name in ((1, "EASF01 heures creuses"), (2, "EASF02 heures pleines")):
            start_wh, end_wh = counted.start_wh[register - 1], counted.end_wh[register - 1]
            kwh = counted.kwh(register)
            table.add_row(name, f"{start_wh:,} Wh", f"{end_wh:,} Wh", f"{kwh} kWh")
        self._console.print(table)

    def departed(self, left: Departed, sample: bytes) -> None:
        """Print what left the home, and what it reveals."""
        self.chapter("2  What left the home")
        self.paragraph(
            f"{left.messages} messages, {left.size_bytes / KILOBYTE:.1f} kB in the month with MQTT "
            f"headers and signatures, without acks, status and TLS, for {left.readings} readings and "
            f"the registers.\n"
            f"A day's first readings as anyone on the broker sees them: {sample.hex(' ', 8)} …\n"
            f"Ciphertexts against uniform numbers: chi-square {left.chi_square_z:+.1f} standard "
            f"deviations off (random data stays within ±4).\n"
            f"Ciphertext against consumption in the same quarter-hour: correlation "
            f"{left.correlation:+.3f} (random: within ±0.07)."
        )

    def computed(self, request: StatementState, seconds: float) -> None:
        """Print what the cloud did and the provider sees."""
        self.chapter("3  What the cloud computed, and the provider sees")
        self.paragraph(
            f"`volet provider bill`: {request.state}; {request.values} encrypted values of 8 bytes, "
            f"{seconds:.1f} s from the request until the chip had them. No reading, no amount."
        )

    def opened(self, judgement: Judgement) -> None:
        """Print what the chip opened."""
        self.chapter("4  What the chip opened (`volet edge bills`)")
        last = judgement.end - timedelta(days=1)
        self.paragraph(f"Statement for {judgement.start} to {last}: {judgement.verdict}")
        for finding in judgement.findings:
            self.paragraph(f"  ! {finding}")
        if judgement.bill is not None:
            self._bill(judgement.bill)

    def _bill(self, bill: Bill) -> None:
        table = Table("line", "kWh", "€/kWh", "€ before tax", box=None)
        for line in bill.lines:
            kwh = "" if line.kwh is None else str(line.kwh)
            table.add_row(line.name, kwh, str(line.eur_per_kwh or ""), str(line.ht))
        for part in bill.vat:
            table.add_row(f"VAT {part.rate:.0%}", "", "", str(part.amount))
        table.add_row("total", "", "", str(bill.total_ttc), style="bold")
        self._console.print(table)

    def checks(self, results: list[tuple[str, Bill, Judgement | None]]) -> bool:
        """Print the plain-text check of every home; return whether all agree."""
        self.chapter("5  The check in plain text")
        right = [
            judgement is not None
            and (judgement.verdict, judgement.bill) == (Verdict.CORRECT, plain)
            for _, plain, judgement in results
        ]
        name, plain, judgement = results[0]
        chip = judgement.bill.total_ttc if judgement and judgement.bill else "nothing"
        self.paragraph(
            f"Home {name}: meter and tariff give {plain.total_ttc} €, its chip opened {chip} €."
        )
        self.paragraph(f"{sum(right)} of {len(right)} homes: bill equal to the cent, line by line.")
        return all(right)

    def keeping(self, town: DemoTown, port: int) -> None:
        """Print commands that inspect the running demo."""
        pki = town.cloud / "pki"
        command = shlex.join(
            [
                *("mosquitto_sub", "-h", "127.0.0.1", "-p", str(port), "-V", "5", "-v"),
                *("--cafile", str(pki / "ca.pem"), "--cert", str(pki / "monitor.pem")),
                *("--key", str(pki / "monitor.key"), "-t", f"volet/v1/{COLLECTIVITY}/d/+/status"),
            ]
        )
        self.chapter("Still running; Ctrl-C ends it")
        lines = [
            command,
            f".venv/bin/volet cloud status --dir {quoted(town.cloud)}",
            f".venv/bin/volet edge bills --lang en --dir {quoted(town.households[0].directory)}",
        ]
        if town.area.is_dir():
            neighbour = min((town.area / NEIGHBOURS).iterdir())
            lines += [
                f".venv/bin/volet cloud release list --dir {quoted(town.cloud)}",
                f".venv/bin/volet trustee status --dir {quoted(town.area / TRUSTEES[0])}",
                f".venv/bin/volet edge budget --lang en --dir {quoted(neighbour)}",
            ]
        for line in lines:
            self._console.print(line, soft_wrap=True, highlight=False)
