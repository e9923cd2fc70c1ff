"""Parts of the story of restarts: metering, the area, the transparency log, quotes, the own curve."""

from datetime import timedelta

import msgspec

from edge.area.settings import AreaChoices, save_choices
from edge.home.choice import CHOICE, HomeChoice
from edge.home.energies import DRAWN, Series
from edge.home.record import new_record, write_record
from edge.identity.enrolment import signer_of
from edge.mqtt.message import Arrived
from edge.mqtt.moments import at_once
from edge.quotes.asking import leave_order as order_quotes
from edge.stage import CONFIG_NAME
from edge.tic.repeater.choice import turn_on
from edge.vault.kept_curve import KeptCurve, save_kept_curve
from edge.vault.vault import Vault
from protocol.area_messages import AreaAck
from protocol.calendar import day_number
from protocol.catalogue import Entry, Segment, next_entry
from protocol.envelope import ALL, Address, seal_message
from protocol.errors import Reason
from protocol.quotes import QuoteAnswer, QuotePart
from protocol.socio import Profile
from protocol.topics import Kind, PublicKind, listed_topic, page_topic
from tests.support.area_household import AreaHousehold
from tests.support.area_town import FIRST_DAY
from tests.support.billing_home import day
from tests.support.broker import COLLECTIVITY
from tests.support.fake_chip import FakeChip
from tests.support.listing import Provider
from tests.support.restart_recorder import Recorder

QUARTER_HOURS_OF_A_DAY = 96
PROVIDER = Provider()


def begin(story: Recorder) -> None:
    """Start the chip without a network, meter a day, and catch up."""
    story.town.settle(story.cloud.store)
    story.town.enter(story.cloud.store, _in_the_roster(story))
    confirmed = story.town.signed_trustees.hash.hex()
    save_choices(
        story.directory, AreaChoices(trustees=confirmed, profile=Profile((0, 1, 1, 0, 0, 0), 2))
    )
    story.is_online = False
    story.begin()
    story.run(2)
    story.shoot("begun_without_a_network")
    story.run(QUARTER_HOURS_OF_A_DAY)
    story.shoot("a_day_in_the_clear")
    story.connect(is_online=True)
    story.settle()
    story.shoot("caught_up")


def keep_a_year(story: Recorder) -> None:
    """Let the household of a copy keep its curve for a year."""
    image = story.copy("receipt_stored", "curve_kept_for_a_year")
    save_kept_curve(image, KeptCurve(12))


def tell_a_smart_home(story: Recorder) -> None:
    """Let the household of a copy tell its smart home, to which the chip's counter was another meter's."""
    image = story.copy("receipt_stored", "smart_home_told")
    series = {DRAWN: Series(2, "0" * 16, 123_456_789)}
    told = msgspec.structs.replace(new_record(), series=series, entities=(DRAWN,))
    write_record(image, told)
    CHOICE.leave(image, HomeChoice(story.identity.household_key))
    (image / CONFIG_NAME).write_text('[home]\nbroker = "home.invalid"\n')


def repeat_the_line(story: Recorder) -> None:
    """Let the household of a copy have its line repeated, which nobody serves."""
    turn_on(story.copy("receipt_stored", "line_repeated"), has_true_numbers=False)


def take_part_in_the_area(story: Recorder) -> None:
    """Contribute days, of which one is refused and one misses its deadline."""
    with story.losing(Kind.ACK, Kind.AREA_ACK):
        story.run(QUARTER_HOURS_OF_A_DAY)
        story.shoot("contribution_unsent")
        _supersede(story, "contribution_unsent", "block_superseded")
    story.go_on()
    story.shoot("contribution_stored")
    with story.losing(Kind.AREA):
        story.run(QUARTER_HOURS_OF_A_DAY)
        refused = tuple((number, Reason.LATE) for number, _ in story.vault.area.unsent())
        story.send_to_chip(Kind.AREA_ACK, AreaAck(story.identity.household_key, (), refused))
        story.shoot("contribution_refused")
        first = story.town.signed_measures.hash
        second = story.measures(2, effective=FIRST_DAY + 60, previous=first)
        story.cloud.store.area.put_cosigned(second)
        story.run(QUARTER_HOURS_OF_A_DAY)
        story.live(3)
        story.shoot("contribution_missed")
    story.go_on()


def _in_the_roster(story: Recorder) -> AreaHousehold:
    identity = story.identity
    chip = FakeChip(COLLECTIVITY, identity.device, identity.signing_key, identity.household_key)
    return AreaHousehold(chip)


def _supersede(story: Recorder, of: str, state: str) -> None:
    """Supersede a block in a copy, as a chip does if the cloud has other coefficients."""
    vault = Vault.open(story.copy(of, state), signer_of(story.identity))
    vault.supersede(vault.unsent(1)[-1])
    vault.close()


def follow_the_list(story: Recorder) -> None:
    """Order quotes, and follow a log that is first incomplete and then contradicts itself."""
    story.kill()
    order_quotes(story.directory, story.clock.now(), at_once)
    story.shoot("quotes_ordered")
    image = story.copy("quotes_ordered", "quotes_ordered_for_later")
    order_quotes(image, story.clock.now(), lambda at: at + timedelta(days=40_000))
    story.begin()
    story.wait()
    story.shoot("quotes_wait_for_the_list")
    offers = [PROVIDER.offer(product=f"p{number}") for number in range(3)]
    for offer in offers:
        previous = story.entries[-1] if story.entries else None
        story.entries.append(next_entry(previous, offer, day(0)))
    with story.losing(Kind.QUOTE):
        _show_page(story, story.entries[:2])
        story.shoot("list_without_its_documents")
        for offer in offers[:2]:
            topic = listed_topic(COLLECTIVITY, offer.hash)
            story.chip.take(Arrived(topic, msgspec.msgpack.encode(offer)))
        story.wait()
        story.shoot("quotes_asked")
    _show_page(story, story.entries[:1])
    _show_page(story, [story.entries[0], next_entry(story.entries[0], offers[2], day(0))])
    story.shoot("list_contradicted")


def _show_page(story: Recorder, entries: list[Entry]) -> None:
    address = Address(COLLECTIVITY, ALL, PublicKind.LIST)
    payload = seal_message(address, Segment(0, tuple(entries)), story.cloud.key)
    story.chip.take(Arrived(page_topic(COLLECTIVITY, 0), payload))


def ask_for_quotes(story: Recorder) -> None:
    """Answer the chip's question for quotes."""
    (row,) = story.vault.catalogue.quotes()
    start, end = day_number(row.start), day_number(row.end)
    answer = QuoteAnswer(story.entries[1].head, start, end, (), (), b"")
    data = msgspec.msgpack.encode(answer)
    part = QuotePart(story.identity.household_key, row.id, 0, 1, data)
    story.send_to_chip(Kind.QUOTES, part, f"{row.id.hex()}/0")
    story.shoot("quotes_answered")
