"""One household's history with its chip, and copies of the chip's directory in every state.

Everything happens in one process with a real vault and the cloud's own ingest. Changes that another
program would make to the directory meanwhile (a command, a lost card) are made here.
"""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from cloud.registry.key_files import load_key_list, load_root, load_signed_list
from edge.area.settings import AreaChoices, save_choices
from edge.bills.release_token import release_receipts
from edge.chip.confirming import leave_confirmation
from edge.contracts.signed import CONTRACT, OFFER, read_agreement
from edge.identity.enrolment import signer_of
from edge.identity.platform_keys import FORK, keep_key_list
from edge.metering.events import DayClosed
from edge.metering.meter import Meter
from edge.metering.state import MeterState
from edge.metering.unconfirmed import quarantine_in, unconfirmed_in
from edge.moving.departure import leave_order as order_to_leave
from edge.moving.erasing import erase
from edge.moving.transfer import pack, take_in
from edge.mqtt.message import Arrived
from edge.mqtt.moments import at_once
from edge.quotes.asking import leave_order as order_quotes
from edge.simulate.host import host_time_at
from edge.tic.decoder import Decoder
from edge.tic.frame import Frame
from edge.vault.database import _UPGRADES, FILE_NAME, SCHEMA_VERSION
from edge.vault.epochs import NO_KEYS
from edge.vault.keyring import files_in
from edge.vault.vault import Vault
from protocol.area_messages import AreaAck
from protocol.calendar import day_number, day_start, legal_day
from protocol.catalogue import Entry, Segment, next_entry
from protocol.contract import Consent, Contract
from protocol.envelope import ALL, Address, decode_body, open_message, seal_message
from protocol.errors import Reason
from protocol.governance import CosignedDocument, draw_up
from protocol.key_list import sign_key_list
from protocol.letters import Letter, write_letter
from protocol.messages import Statement
from protocol.quotes import QuoteAnswer, QuotePart
from protocol.socio import Profile
from protocol.topics import Kind, PublicKind, listed_topic, page_topic, parse_device_topic
from system.files import write_secret
from tests.support.area_household import AreaHousehold
from tests.support.area_town import FIRST_DAY, AreaTown
from tests.support.billing_home import ONE_DAY, PROVIDER_KEY, BillingHome, day
from tests.support.broker import COLLECTIVITY
from tests.support.chip_bench import SERIAL, BenchMeter
from tests.support.fake_chip import FakeChip
from tests.support.listing import Provider

QUARTER_HOURS_OF_A_DAY = 96
OTHER_SERIAL = "041969999999"
# By then the chip has fetched the cloud's state, and requested the first page of it.
ROUNDS_TO_A_RECOVERY = 2
PROVIDER = Provider()

# In the order of the story.
STATES = (
    "enrolled",
    "begun_without_a_network",
    "a_day_in_the_clear",
    "caught_up",
    "contribution_unsent",
    "block_superseded",
    "contribution_stored",
    "contribution_refused",
    "contribution_missed",
    "quotes_ordered",
    "quotes_ordered_for_later",
    "quotes_wait_for_the_list",
    "list_without_its_documents",
    "quotes_asked",
    "list_contradicted",
    "quotes_answered",
    "letter_kept",
    "statement_not_judged",
    "bill_without_a_receipt",
    "statement_refused",
    "receipt_waits_for_blocks",
    "judged_before_meters_counted",
    "judged_before_the_meter_was_known",
    "receipt_unsent",
    "receipt_leaves_later",
    "receipt_stored",
    "year_keys_lost",
    "year_keys_came_back",
    "key_list_taken",
    "key_list_contradicted",
    "index_in_quarantine",
    "index_confirmed",
    "other_meter_on_the_line",
    "other_meter_confirmed",
    "bill_corrected",
    "vault_lost",
    "recovery_under_way",
    "metering_to_be_restored",
    "judgement_postponed",
    "receipt_in_doubt",
    "word_said",
    "metering_restored",
    "statement_differs",
    "two_statements_differ",
    "statement_agrees_after_all",
    "household_is_asked",
    "leave_ordered",
    "left_and_not_told",
    "left_and_told",
    "last_receipt_unsent",
    "last_bill",
    "come_to_another_chip",
    "goes_on_on_another_chip",
    "erased_for_others",
    *(f"vault_of_version_{version}" for version in range(1, SCHEMA_VERSION)),
    "offer_beside_its_contract",
)


def name(number: int) -> bytes:
    """Return the id of a statement, letter or request."""
    return bytes([number]) * 16


class Image(msgspec.Struct, frozen=True):
    """A chip's directory, and the time of its meter's last frame."""

    directory: Path
    at: datetime


class Story(BillingHome):
    """A household's history.

    Attributes:
        images: the chip's directory in each state.
        entries: the entries of the transparency log.
    """

    def __init__(self, directory: Path, consent: Consent) -> None:
        super().__init__(directory, consent)
        self._shots = directory / "images"
        self.images: dict[str, Image] = {}
        self.town = AreaTown(COLLECTIVITY, platform_key=self.cloud.key)
        self.town.signed_measures = self._measures(1, profile_days_a_year=366)
        self.retained = self.town.sealing.retained
        self.entries: list[Entry] = []

    def shoot(self, state: str) -> None:
        """Copy the card in its current state."""
        assert state not in self.images, state
        image = self._shots / state
        shutil.copytree(self.directory, image)
        self.images[state] = Image(image, self.clock.at)

    def play(self) -> None:
        """Play the whole history."""
        self.shoot("enrolled")
        self._begin()
        self._take_part_in_the_area()
        self._follow_the_list()
        self._ask_for_quotes()
        self._get_bills()
        self._lose_keys()
        self._follow_the_keys()
        self._lose_the_vault()
        self._disagree()
        self._leave()
        self._come_to_another_chip()
        self._keep_older_versions()

    # Metering and the area.

    def _begin(self) -> None:
        self.town.settle(self.cloud.store)
        self.town.enter(self.cloud.store, self._in_the_roster())
        confirmed = self.town.signed_trustees.hash.hex()
        save_choices(
            self.directory, AreaChoices(trustees=confirmed, profile=Profile((0, 1, 1, 0, 0, 0), 2))
        )
        self.is_online = False
        self.begin()
        self.run(2)
        self.shoot("begun_without_a_network")
        self.run(QUARTER_HOURS_OF_A_DAY)
        self.shoot("a_day_in_the_clear")
        self.connect(is_online=True)
        self.settle()
        self.shoot("caught_up")

    def _measures(self, version: int, **changes) -> CosignedDocument:
        trustees = self.town.signed_trustees.hash
        measures = self.town.measures_of(trustees, version=version, **changes)
        return self.town.signed(draw_up(measures))

    def _in_the_roster(self) -> AreaHousehold:
        identity = self.identity
        chip = FakeChip(COLLECTIVITY, identity.device, identity.signing_key, identity.household_key)
        return AreaHousehold(chip)

    def _take_part_in_the_area(self) -> None:
        with self.losing(Kind.ACK, Kind.AREA_ACK):
            self.run(QUARTER_HOURS_OF_A_DAY)
            self.shoot("contribution_unsent")
            self._supersede("contribution_unsent", "block_superseded")
        self._go_on()
        self.shoot("contribution_stored")
        with self.losing(Kind.AREA):
            self.run(QUARTER_HOURS_OF_A_DAY)
            refused = tuple((number, Reason.LATE) for number, _ in self.vault.area.unsent())
            self.send_to_chip(Kind.AREA_ACK, AreaAck(self.identity.household_key, (), refused))
            self.shoot("contribution_refused")
            first = self.town.signed_measures.hash
            second = self._measures(2, effective=FIRST_DAY + 60, previous=first)
            self.cloud.store.area.put_cosigned(second)
            self.run(QUARTER_HOURS_OF_A_DAY)
            self.live(3)
            self.shoot("contribution_missed")
        self._go_on()

    def _supersede(self, of: str, state: str) -> None:
        """Supersede a block in a copy, as a chip does if the cloud has other coefficients."""
        vault = Vault.open(self._copy(of, state), signer_of(self.identity))
        vault.supersede(vault.unsent(1)[-1])
        vault.close()

    # The transparency log and quotes.

    def _follow_the_list(self) -> None:
        self.kill()
        order_quotes(self.directory, self.clock.now(), at_once)
        self.shoot("quotes_ordered")
        image = self._copy("quotes_ordered", "quotes_ordered_for_later")
        order_quotes(image, self.clock.now(), lambda at: at + timedelta(days=40_000))
        self.begin()
        self.wait()
        self.shoot("quotes_wait_for_the_list")
        offers = [PROVIDER.offer(product=f"p{number}") for number in range(3)]
        for offer in offers:
            previous = self.entries[-1] if self.entries else None
            self.entries.append(next_entry(previous, offer, day(0)))
        with self.losing(Kind.QUOTE):
            self._show_page(self.entries[:2])
            self.shoot("list_without_its_documents")
            for offer in offers[:2]:
                topic = listed_topic(COLLECTIVITY, offer.hash)
                self.chip.take(Arrived(topic, msgspec.msgpack.encode(offer)))
            self.wait()
            self.shoot("quotes_asked")
        self._show_page(self.entries[:1])
        self._show_page([self.entries[0], next_entry(self.entries[0], offers[2], day(0))])
        self.shoot("list_contradicted")

    def _show_page(self, entries: list[Entry]) -> None:
        address = Address(COLLECTIVITY, ALL, PublicKind.LIST)
        payload = seal_message(address, Segment(0, tuple(entries)), self.cloud.key)
        self.chip.take(Arrived(page_topic(COLLECTIVITY, 0), payload))

    def _ask_for_quotes(self) -> None:
        (row,) = self.vault.catalogue.quotes()
        start, end = day_number(row.start), day_number(row.end)
        answer = QuoteAnswer(self.entries[1].head, start, end, (), (), b"")
        data = msgspec.msgpack.encode(answer)
        part = QuotePart(self.identity.household_key, row.id, 0, 1, data)
        self.send_to_chip(Kind.QUOTES, part, f"{row.id.hex()}/0")
        self.shoot("quotes_answered")

    # Bills, receipts, letters.

    def _get_bills(self) -> None:
        terms = decode_body(self.contract.body, Contract)
        written_on = day_number(legal_day(self.clock.at))
        signed = write_letter("Bonjour.", name(1), self.contract, terms, PROVIDER_KEY, written_on)
        letter = Letter(self.identity.household_key, name(1), msgspec.msgpack.encode(signed))
        self.send_to_chip(Kind.LETTER, letter, name(1).hex())
        self.shoot("letter_kept")
        (message,) = self.compute(0, 7, name(2))
        self.vault.save_statement(name(2), self.clock.at, message.payload, None)
        self.shoot("statement_not_judged")
        self.deliver([message])
        self.shoot("bill_without_a_receipt")
        self.ask(0, 7, name(3))
        self.shoot("statement_refused")
        self.live(28)
        with self.losing(Kind.ACK):
            self.live(6)
            with self.losing(Kind.RECEIPT, Kind.RECEIPT_ACK):
                self.ask(7, 38, name(4))
                self.shoot("receipt_waits_for_blocks")
        of = "receipt_waits_for_blocks"
        self._judge_by_an_older_version(of, "judged_before_meters_counted", OTHER_SERIAL)
        image = self._judge_by_an_older_version(of, "judged_before_the_meter_was_known", "")
        with closing(sqlite3.connect(image / FILE_NAME)) as database, database:
            database.execute("UPDATE meter SET state = NULL")
        with self.losing(Kind.RECEIPT, Kind.RECEIPT_ACK):
            self._go_on()
            self.shoot("receipt_unsent")
        image = self._copy("receipt_unsent", "receipt_leaves_later")
        with closing(sqlite3.connect(image / FILE_NAME)) as database, database:
            database.execute("UPDATE receipt_moments SET leaves_at_s = leaves_at_s + 4000000000")
        self._go_on()
        self.shoot("receipt_stored")
        self._doubt_the_meter()
        self.ask(7, 38, name(5), corrects=name(4))
        self.shoot("bill_corrected")

    def _doubt_the_meter(self) -> None:
        """Make copies read a meter that was reset to zero, and another household's meter."""
        zero = BenchMeter(self.clock.at, serial=SERIAL)
        other = BenchMeter(self.clock.at, serial="041661524299")
        zero.base_wh = (0, 0)
        assert quarantine_in(self._read_in("index_in_quarantine", zero.frame)) is not None
        assert self._read_in("other_meter_on_the_line", other.frame).other is not None
        # The wire shows the confirmed state: a lower index than was read before, or another meter.
        self._confirm_in("index_confirmed", more_wh=5_000_000)
        self._confirm_in("other_meter_confirmed", serial=OTHER_SERIAL)

    def _confirm_in(self, state: str, more_wh: int = 0, serial: str = SERIAL) -> None:
        """Make a copy read the wire after it has read something else, and confirm the change."""
        read = self._read_in(state, self._frame_at, more_wh, serial)
        confirmed = unconfirmed_in(read)
        assert confirmed is not None
        leave_confirmation(self.images[state].directory, confirmed)

    def _frame_at(self, at: datetime) -> Frame:
        return Decoder().feed(self.wire.frame_at(at))[0]

    def _read_in(
        self,
        state: str,
        frame_at: Callable[[datetime], Frame],
        more_wh: int = 0,
        serial: str = SERIAL,
    ) -> MeterState:
        """Make a copy read three frames after all registers of its meter had `more_wh` more."""
        image = self._copy("receipt_stored", state)
        with closing(Vault.open(image, signer_of(self.identity))) as vault:
            begun = vault.values.state()
            last = begun.account.last
            last = msgspec.structs.replace(
                last,
                serial=serial,
                total_wh=last.total_wh + more_wh,
                registers_wh=tuple([wh and wh + more_wh for wh in last.registers_wh]),
            )
            account = msgspec.structs.replace(begun.account, last=last)
            meter = Meter(msgspec.structs.replace(begun, account=account))
            events = []
            for second in range(3):
                at = self.clock.at + timedelta(seconds=second)
                events += meter.observe(frame_at(at), host_time_at(at))
            vault.record(events, meter.state)
            return meter.state

    def _judge_by_an_older_version(self, of: str, state: str, serial: str) -> Path:
        """Set another meter for a copy's days, as an older version, which did not compare them."""
        image = self._copy(of, state)
        with closing(sqlite3.connect(image / FILE_NAME)) as database, database:
            for number, closed in database.execute("SELECT day, closed FROM days").fetchall():
                counted = msgspec.msgpack.decode(closed, type=DayClosed)
                counted = msgspec.structs.replace(counted, meter_serial=serial)
                database.execute(
                    "UPDATE days SET closed = ? WHERE day = ?",
                    (msgspec.msgpack.encode(counted), number),
                )
        return image

    def _copy(self, of: str, state: str) -> Path:
        """Copy an image as another state, to be changed."""
        image = self._shots / state
        shutil.copytree(self.images[of].directory, image)
        self.images[state] = msgspec.structs.replace(self.images[of], directory=image)
        return image

    def _lose_keys(self) -> None:
        """Take a year's keys from a copy, and let them come back to another."""
        image = self._copy("receipt_stored", "year_keys_lost")
        for path in files_in(image / "keys"):
            path.unlink()
        image = self._copy("receipt_stored", "year_keys_came_back")
        with closing(sqlite3.connect(image / FILE_NAME)) as database, database:
            database.execute("UPDATE epoch_keys SET keys = ?", (NO_KEYS,))

    def _follow_the_keys(self) -> None:
        """Leave the collectivity's list of keys on copies, and a second one that contradicts it."""
        cloud = self.cloud.directory
        for state in ("key_list_taken", "key_list_contradicted"):
            image = self._copy("receipt_stored", state)
            keep_key_list(image, load_signed_list(cloud))
        other = msgspec.structs.replace(load_key_list(cloud), registrar=())
        keep_key_list(image, sign_key_list(other, load_root(cloud / "root").key), FORK)

    def _lose_the_vault(self) -> None:
        self.live(28)
        self.settle()
        self.kill()
        for path in self.directory.glob(f"{FILE_NAME}*"):
            path.unlink()
        self.shoot("vault_lost")
        self.has_meter = False
        self.start()
        self.pump(ROUNDS_TO_A_RECOVERY)
        self.shoot("recovery_under_way")
        self._go_on()
        self.shoot("metering_to_be_restored")
        self.ask(38, 66, name(6))
        self.shoot("judgement_postponed")
        self.kill()
        self.has_meter = True
        self.begin()
        self.live(2)
        self._go_on()
        self.shoot("receipt_in_doubt")
        self.kill()
        release_receipts(self.directory)
        self.shoot("word_said")
        self.begin()
        self._go_on()
        self.shoot("metering_restored")

    def _disagree(self) -> None:
        self.live(4)
        true = self.compute(66, 70, name(7))
        self.deliver(map(self._altered, true))
        self.shoot("statement_differs")
        self.deliver(map(self._altered, self.compute(66, 70, name(8))))
        self.shoot("two_statements_differ")
        self.deliver(true)
        self.shoot("statement_agrees_after_all")
        self.ask(70, 72, name(9))
        self.shoot("household_is_asked")

    def _altered(self, message: Arrived) -> Arrived:
        """Alter the first sum of a statement, as a faulty cloud would."""
        address = Address(COLLECTIVITY, self.identity.device, Kind.STATEMENT)
        body = open_message(address, message.payload, self.identity.platform_key, Statement)
        (line, *lines), replace = body.lines, msgspec.structs.replace
        (month, *months) = line.months
        wrong = replace(month, quantity=(month.quantity + (1 << 30)) % (1 << 59))
        body = replace(body, lines=(replace(line, months=(wrong, *months)), *lines))
        return Arrived(message.topic, seal_message(address, body, self.cloud.key))

    # Moving.

    def _leave(self) -> None:
        release_receipts(self.directory)
        self.kill()
        order_to_leave(self.directory, self.clock.now())
        self.shoot("leave_ordered")
        with self.losing(Kind.LEAVE):
            self.begin()
            self._go_on()
            self.run(2)
            self._go_on()
            self.shoot("left_and_not_told")
        self._go_on()
        self.shoot("left_and_told")
        with self.losing(Kind.RECEIPT, Kind.RECEIPT_ACK):
            self.ask(72, self.days_lived(), name(10))
            self.shoot("last_receipt_unsent")
        self._go_on()
        self.shoot("last_bill")

    def _come_to_another_chip(self) -> None:
        bundle = pack(self.directory)
        self.kill()
        old, self.directory = self.directory, self.directory.with_name("other_chip")
        take_in(self.directory, bundle, legal_day(self.clock.at))
        self.enrol()
        self.clock.at = day_start(legal_day(self.clock.at) + ONE_DAY)
        self.shoot("come_to_another_chip")
        self.begin()
        self.settle()
        self.live(2)
        self.shoot("goes_on_on_another_chip")
        self.kill()
        self.directory = old
        erase(self.directory)
        self.enrol()
        self.shoot("erased_for_others")

    # Files of other versions.

    def _keep_older_versions(self) -> None:
        for version in range(1, SCHEMA_VERSION):
            image = self._copy("receipt_stored", f"vault_of_version_{version}")
            make_older(image / FILE_NAME, version)
        image = self._copy("receipt_stored", "offer_beside_its_contract")
        signed = read_agreement(image)
        assert signed is not None
        write_secret(image / OFFER, msgspec.json.encode(signed.offer))
        write_secret(image / CONTRACT, msgspec.json.encode(signed.contract))

    # Control.

    @contextmanager
    def losing(self, *kinds: Kind) -> Iterator[None]:
        """Lose every message of these kinds while the block runs."""
        before = self.drop
        self.drop = lambda message: (
            parse_device_topic(message.topic).kind in kinds or before(message)
        )
        try:
            yield
        finally:
            self.drop = before

    def _go_on(self) -> None:
        """Let half a day pass without readings, longer than the longest pause."""
        for _ in range(24):
            self.clock.seconds += 1_800
            self.wait()


def make_older(path: Path, version: int) -> None:
    """Turn a vault into one of an older version, which lacks the later tables."""
    with closing(sqlite3.connect(path)) as database:
        for later in range(version, SCHEMA_VERSION):
            for table, *_ in _UPGRADES[later]:
                database.execute(f"DROP TABLE {table}")
        database.execute(f"PRAGMA user_version = {version}")
