"""The household's papers: its bill as a page, and quotes that nobody else could read."""

import json
from datetime import timedelta
from pathlib import Path

from edge.contracts.agreement import load_agreement
from edge.mqtt.moments import at_once
from edge.quotes.asking import leave_order
from protocol.calendar import day_start
from protocol.errors import ConfigError
from volet.demo.processes import Programs
from volet.demo.report import DemoReport
from volet.demo.town import DemoTown

BILL, BILL_PAGE, QUOTES = "facture.pdf", "facture.html", "offres.svg"
LETTER = """Bonjour,
votre chèque énergie de 150 € est enregistré ; il sera déduit de votre prochain prélèvement.
"""
POLL_S = 0.5


def show_papers(town: DemoTown, programs: Programs, report: DemoReport, out: Path) -> bool:
    """Compare offers, check the receipt and write the papers to `out`; return whether all exist."""
    out.mkdir(parents=True, exist_ok=True)
    chip = ("--dir", str(town.households[0].directory))
    report.chapter("6  What the provider gets of it (`volet provider receipts`)")
    provider = ("--dir", str(town.provider), "--cloud", str(town.cloud))

    def receipts() -> list[dict[str, object]]:
        printed = programs.finish("receipts", "provider", "receipts", *provider, "--json")
        opened: list[dict[str, object]] = json.loads(printed)["receipts"]
        return opened

    programs.wait(lambda: bool(receipts()), "the receipt", poll_s=POLL_S)
    report.quote(programs.finish("receipts", "provider", "receipts", *provider))

    report.chapter("7  Which offer is the cheapest (`volet edge quotes`)")
    noon = day_start(town.month_end) + timedelta(hours=12)
    leave_order(town.households[0].directory, noon, at_once)

    def is_answered() -> bool:
        answer = json.loads(programs.finish("quotes", "edge", "quotes", *chip, "--json"))
        return bool(answer["quotes"])

    programs.wait(is_answered, "the quotes", poll_s=POLL_S)
    picture = ("--svg", str(out / QUOTES))
    report.quote(programs.finish("quotes", "edge", "quotes", *chip, *picture))

    report.chapter("8  The household's papers")
    text = town.directory / "letter.txt"
    text.write_text(LETTER, "utf-8")
    agreement = load_agreement(town.households[0].directory)
    if agreement is None:
        raise ConfigError("The first home of the demo has no contract.")
    contract = agreement.contract_hash.hex()
    programs.finish("letter", "provider", "letter", *provider, contract, str(text))

    def is_delivered() -> bool:
        inbox = json.loads(programs.finish("letters", "edge", "letters", *chip, "--json"))
        return bool(inbox["letters"])

    programs.wait(is_delivered, "the letter", poll_s=POLL_S)
    report.quote(programs.finish("letters", "edge", "letters", *chip))
    pages = ("--pdf", str(out / BILL), "--html", str(out / BILL_PAGE))
    report.quote(programs.finish("bills", "edge", "bills", *chip, *pages))
    report.paragraph(f"Wrote {out / QUOTES}.")
    return all((out / name).stat().st_size > 0 for name in (BILL, BILL_PAGE, QUOTES))
