"""What a household has lived through whose page has something to show on each route."""

from pathlib import Path

import msgspec

from cloud.catalogue.log import Publisher as ListPublisher
from cloud.catalogue.log import listed_in
from edge.area.settings import AreaChoices, save_choices
from edge.area.trust import TRUSTEE_SET
from edge.mqtt.message import Arrived
from edge.mqtt.moments import at_once
from edge.privacy.ledger import Spend
from edge.quotes.asking import leave_order
from protocol.calendar import day_number, legal_day
from protocol.contract import Contract
from protocol.envelope import decode_body
from protocol.letters import Letter, write_letter
from protocol.socio import Profile
from protocol.topics import Kind
from tests.support.billing_home import PROVIDER_KEY, BillingHome, signed_offer
from tests.support.broker import COLLECTIVITY
from tests.support.chip_area import Trustees
from tests.support.listing import Provider, register, register_line

# Two bills, and a third that repeats the first one's days.
BILLS = {b"1" * 16: (0, 30), b"2" * 16: (30, 60), b"3" * 16: (0, 30)}
DAYS = 62
ASKING_LOOKS = 30
LETTER = "Bonjour,\nvotre prochaine facture part le 5 mai.\n\nVille Énergie"


def write_to(home: BillingHome, text: str, letter_id: bytes = b"l" * 16) -> None:
    """Write to a household as its provider."""
    terms = decode_body(home.contract.body, Contract)
    written_on = day_number(legal_day(home.clock.at))
    signed = write_letter(text, letter_id, home.contract, terms, PROVIDER_KEY, written_on)
    letter = Letter(home.identity.household_key, letter_id, msgspec.msgpack.encode(signed))
    home.send_to_chip(Kind.LETTER, letter, letter_id.hex())


def compare_offers(home: BillingHome, product: str) -> None:
    """List the household's own offer and others, and let its chip ask what they would have cost."""
    other, listed = Provider("Autre Énergie"), listed_in(home.cloud.store)
    offers = [home.offer] + [
        other.offer(other.tariff(name=name, energy=energy, **changes), product=name)
        for name, energy, changes in (
            (product, (register_line((1, 2), "0.17"),), {}),
            ("Nuits", (register_line((1,), "0.09"), register_line((2,), "0.26")), {}),
            ("Petit", (register_line((1, 2), "0.15"),), {"valid_to": home.first}),
        )
    ]
    for offer in offers:
        register(home.cloud.store, offer)
        listed.add(offer, legal_day(home.clock.at))
    messages = ListPublisher(listed, COLLECTIVITY, home.cloud.key).messages(0)[0]
    retained = {message.topic: message.payload for message in messages}
    leave_order(home.directory, home.clock.now(), at_once)
    for _ in range(2):  # the page first, then what it names
        for topic in home.chip.topics() & retained.keys():
            home.chip.take(Arrived(topic, retained[topic]))
    home.wait(ASKING_LOOKS)
    assert any(row.answer for row in home.vault.catalogue.quotes())


def meet_trustees(home: BillingHome) -> None:
    """Let a set of trustees arrive, and say who lives here."""
    trustees = Trustees(home.cloud.key)
    signed = trustees.sign(trustees.set(collectivity=COLLECTIVITY))
    with home.vault.area_change() as area:
        area.put_document(signed.hash, TRUSTEE_SET, msgspec.msgpack.encode(signed), 0)
    save_choices(home.directory, AreaChoices(profile=Profile((0, 1, 1, 0, 0, 0), 2)))


def lived(
    directory: Path, letter: str = LETTER, product: str = "Tout doux", **changes
) -> BillingHome:
    """Return a household of some weeks in the town at `directory`; `changes` are of its tariff."""
    home = BillingHome(directory / "town", offer=signed_offer(**changes))
    home.start()
    home.live(DAYS)
    for statement, (start, end) in BILLS.items():
        home.ask(start, end, statement)
    write_to(home, letter)
    compare_offers(home, product)
    meet_trustees(home)
    last = day_number(legal_day(home.clock.at)) - 1
    with home.vault.area_change() as area:
        area.put_spends(tuple(Spend(last - 7 * week, "curve", 0.1) for week in range(4)))
    return home
