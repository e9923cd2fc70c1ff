"""What a household has lived through whose page has something to show on each route."""

from pathlib import Path

import msgspec

from edge.privacy.ledger import Spend
from protocol.calendar import day_number, legal_day
from protocol.contract import Contract
from protocol.envelope import decode_body
from protocol.letters import Letter, write_letter
from protocol.topics import Kind
from tests.support.billing_home import PROVIDER_KEY, BillingHome, signed_offer

# Two bills, and a third that repeats the first one's days.
BILLS = {b"1" * 16: (0, 30), b"2" * 16: (30, 60), b"3" * 16: (0, 30)}
DAYS = 62
LETTER = "Bonjour,\nvotre prochaine facture part le 5 mai.\n\nVille Énergie"


def write_to(home: BillingHome, text: str, letter_id: bytes = b"l" * 16) -> None:
    """Write to a household as its provider."""
    terms = decode_body(home.contract.body, Contract)
    written_on = day_number(legal_day(home.clock.at))
    signed = write_letter(text, letter_id, home.contract, terms, PROVIDER_KEY, written_on)
    letter = Letter(home.identity.household_key, letter_id, msgspec.msgpack.encode(signed))
    home.send_to_chip(Kind.LETTER, letter, letter_id.hex())


def lived(directory: Path, letter: str = LETTER, **changes) -> BillingHome:
    """Return a household of some weeks in the town at `directory`; `changes` are of its tariff."""
    home = BillingHome(directory / "town", offer=signed_offer(**changes))
    home.start()
    home.live(DAYS)
    for statement, (start, end) in BILLS.items():
        home.ask(start, end, statement)
    write_to(home, letter)
    last = day_number(legal_day(home.clock.at)) - 1
    with home.vault.area_change() as area:
        area.put_spends(tuple(Spend(last - 7 * week, "curve", 0.1) for week in range(4)))
    return home
