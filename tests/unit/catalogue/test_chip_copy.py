"""The chip's copy of the list: it grows, and nothing that contradicts it is taken or forgotten."""

import json
from datetime import timedelta

import msgspec
import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.commands import catalogue as cli
from edge.contracts.catalogue import CatalogueReader, Copy
from edge.contracts.listed import Contracts
from edge.identity.enrolment import signer_of
from edge.vault.catalogue import ALARMS_KEPT, AlarmKind
from edge.vault.vault import Vault
from protocol.catalogue import PAGE_ENTRIES, Segment, next_entry, segments_of
from protocol.contract import Signed
from protocol.envelope import ALL, Address, seal_message
from protocol.errors import MessageRefused, Reason
from protocol.topics import PublicKind, listed_topic, page_topic
from tests.support.chip_bench import PLATFORM_KEY, BenchClock, make_identity
from tests.support.listing import NOW, TODAY, Provider, Publisher

IDENTITY = make_identity()
COLLECTIVITY = IDENTITY.collectivity


class World:
    """A platform that may lie, and one chip that listens to it."""

    def __init__(self, directory) -> None:
        directory.mkdir(exist_ok=True)
        self.directory = directory
        self.clock = BenchClock(NOW)
        self.vault = None
        self.start()

    def start(self) -> None:
        if self.vault is not None:
            self.vault.close()
        self.vault = Vault.open(self.directory, signer_of(IDENTITY))
        self.reader = CatalogueReader(
            self.vault, self.clock, COLLECTIVITY, PLATFORM_KEY.public_key()
        )

    def page(self, entries, number=0, *, at=None, key=PLATFORM_KEY, collectivity=COLLECTIVITY):
        """Publish a signed page."""
        address = Address(collectivity, ALL, PublicKind.LIST)
        payload = seal_message(address, Segment(number, tuple(entries)), key)
        self.reader.take(page_topic(COLLECTIVITY, number if at is None else at), payload)

    def document(self, signed, *, at=None):
        """Publish a document, under its hash or another one."""
        name = signed.hash if at is None else at
        self.reader.take(listed_topic(COLLECTIVITY, name), msgspec.msgpack.encode(signed))

    @property
    def copy(self):
        return self.reader.copy

    @property
    def alarms(self):
        return [(alarm.kind, alarm.entry) for alarm in self.vault.catalogue.alarms()]


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path / "chip")
    yield world
    world.vault.close()


def listing(*documents, days=None):
    """List documents one after the other."""
    previous, entries = None, []
    for number, signed in enumerate(documents):
        day = TODAY if days is None else TODAY + timedelta(days=days[number])
        previous = next_entry(previous, signed, day)
        entries.append(previous)
    return entries


PROVIDER = Provider()
OFFERS = [PROVIDER.offer(product=f"p{n}") for n in range(6)]


def test_the_copy_grows_with_the_list_and_outlives_a_restart(world):
    entries = listing(*OFFERS)
    world.page(entries[:2])
    world.page(entries[:2])  # the same page again
    for offer in OFFERS[:2]:
        world.document(offer)
    assert world.copy.is_complete
    world.page(entries)
    assert world.copy.head == entries[-1].head
    assert world.copy.missing() == [offer.hash for offer in OFFERS[2:]]
    world.document(OFFERS[4])  # in any order
    world.start()
    for offer in OFFERS[2:]:
        world.document(offer)
    assert world.copy.is_complete
    assert list(world.copy.catalogue.offers) == [offer.hash for offer in OFFERS]
    assert len(world.copy.at(entries[1].head).offers) == 2
    assert world.copy.at(bytes(32)) is None
    assert world.alarms == []


def test_only_what_is_missing_is_listened_to(world):
    assert world.reader.topics(0.0) == {page_topic(COLLECTIVITY, 0)}
    world.page(listing(*OFFERS[:2]))
    wanted = {
        page_topic(COLLECTIVITY, 0),
        *(listed_topic(COLLECTIVITY, o.hash) for o in OFFERS[:2]),
    }
    assert world.reader.topics(1.0) == wanted
    assert world.reader.topics(200.0) == wanted
    assert world.reader.topics(400.0) == {page_topic(COLLECTIVITY, 0)}  # let go, to ask anew
    assert world.reader.topics(401.0) == wanted
    for offer in OFFERS[:2]:
        world.document(offer)
    assert world.reader.topics(402.0) == {page_topic(COLLECTIVITY, 0)}


def test_pages_fill_one_after_the_other(world):
    documents = [Signed("Offer", n.to_bytes(4, "big"), bytes(64)) for n in range(PAGE_ENTRIES + 2)]
    entries = listing(*documents)
    first, second = segments_of(entries)
    world.page(second.entries, 1)  # before the first: not yet of use
    assert world.copy.entries == []
    world.page(first.entries)
    assert page_topic(COLLECTIVITY, 1) in world.reader.topics(0.0)
    world.page(second.entries, 1)
    world.start()
    assert world.copy.entries == entries
    assert world.alarms == []


def forked(entries, at):
    """Return the list with another document at `at`, chained and signed as it should be."""
    documents = list(OFFERS[: len(entries)])
    documents[at] = PROVIDER.offer(product="for somebody else")
    return listing(*documents)


@pytest.mark.parametrize("at", [0, 2, 3])
def test_a_forked_list_is_refused_kept_as_proof_and_told(world, at):
    entries = listing(*OFFERS[:4])
    world.page(entries)
    with pytest.raises(MessageRefused) as caught:
        world.page(forked(entries, at))
    assert caught.value.reason is Reason.CONFLICT
    assert world.alarms == [(AlarmKind.FORKED, at)]
    assert world.copy.entries == entries
    world.start()
    assert world.copy.entries == entries
    assert world.alarms == [(AlarmKind.FORKED, at)]


def test_a_fork_in_an_earlier_page_shows_in_the_next_one(world):
    documents = [Signed("Offer", n.to_bytes(4, "big"), bytes(64)) for n in range(PAGE_ENTRIES + 2)]
    world.page(segments_of(listing(*documents))[0].entries)
    documents[3] = Signed("Offer", b"another", bytes(64))
    with pytest.raises(MessageRefused):
        world.page(segments_of(listing(*documents))[1].entries, 1)
    assert world.alarms == [(AlarmKind.FORKED, PAGE_ENTRIES)]


@pytest.mark.parametrize("length", [1, 3])
def test_a_list_that_shrinks_is_refused_kept_as_proof_and_told(world, length):
    entries = listing(*OFFERS[:4])
    world.page(entries)
    with pytest.raises(MessageRefused):
        world.page(entries[:length])
    assert world.alarms == [(AlarmKind.SHRUNK, length)]
    assert world.copy.entries == entries


def test_an_entry_dated_before_the_one_above_it_is_refused(world):
    world.page(listing(*OFFERS[:1]))
    with pytest.raises(MessageRefused):
        world.page(listing(*OFFERS[:2], days=[0, -1]))
    assert len(world.copy.entries) == 1


def test_what_the_platform_did_not_sign_for_this_place_changes_nothing(world):
    entries = listing(*OFFERS[:2])
    with pytest.raises(MessageRefused) as caught:
        world.page(entries, key=Ed25519PrivateKey.generate())
    assert caught.value.reason is Reason.SIGNATURE
    with pytest.raises(MessageRefused):
        world.page(entries, collectivity="elsewhere")
    with pytest.raises(MessageRefused):
        world.page(entries, at=1)
    with pytest.raises(MessageRefused):
        world.reader.take("volet/v1/elsewhere/catalogue/list/0", b"x")
    assert world.reader.take(page_topic(COLLECTIVITY, 0), b"")  # cleared: nothing is lost
    assert (world.copy.entries, world.alarms) == ([], [])


def test_a_document_that_is_not_the_listed_one_is_not_kept(world):
    world.page(listing(*OFFERS[:1]))
    for wrong in (OFFERS[1], Signed("Offer", b"junk", bytes(64))):
        with pytest.raises(MessageRefused):
            world.document(wrong, at=OFFERS[0].hash)
    with pytest.raises(MessageRefused):
        world.reader.take(listed_topic(COLLECTIVITY, OFFERS[0].hash), b"junk")
    world.document(OFFERS[3])  # not listed: nobody asked
    assert not world.copy.is_complete
    assert world.vault.catalogue.document_sizes() == {}


def test_a_listed_document_that_breaks_a_rule_counts_for_nothing(world):
    good, forged = OFFERS[0], Signed("Offer", OFFERS[1].body, bytes(64))
    loose = PROVIDER.offer(extends=Provider().offer())
    world.page(listing(good, forged, loose, OFFERS[2]))
    for signed in (good, forged, loose, OFFERS[2]):
        world.document(signed)
    for _ in range(2):
        assert list(world.copy.catalogue.offers) == [good.hash, OFFERS[2].hash]
        assert world.copy.is_complete
        assert set(world.vault.catalogue.document_sizes()) == {good.hash, OFFERS[2].hash}
        world.start()


def test_proofs_are_bounded_and_the_first_ones_stay(world):
    entries = listing(*OFFERS[:2])
    world.page(entries)
    for number in range(ALARMS_KEPT + 5):
        other = PROVIDER.offer(product=f"fork {number}")
        for _ in range(2):
            with pytest.raises(MessageRefused):
                world.page(listing(OFFERS[0], other))
    alarms = world.vault.catalogue.alarms()
    assert len(alarms) == ALARMS_KEPT
    assert len({alarm.payload for alarm in alarms}) == ALARMS_KEPT


def test_a_chip_that_believes_any_page_is_noticed(world, monkeypatch):
    """Sabotage: without the comparison a fork would be taken."""

    def believe(reader, page, _payload):
        reader.copy.entries[:] = page.entries

    monkeypatch.setattr(CatalogueReader, "_take_page", believe)
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        test_a_forked_list_is_refused_kept_as_proof_and_told(world, 2)


@pytest.mark.parametrize(("lang", "words"), [("fr", "SIGNÉE AUTREMENT"), ("en", "OTHER ENTRIES")])
def test_the_household_is_told_of_a_fork_and_sees_the_head(world, monkeypatch, lang, words):
    monkeypatch.setattr(cli, "load_identity", lambda _directory: IDENTITY)
    entries = listing(*OFFERS[:2])
    world.page(entries)
    world.document(OFFERS[0])
    arguments = ["--dir", str(world.directory)]
    good = CliRunner().invoke(cli.catalogue, [*arguments, "--lang", lang])
    assert good.exit_code == 0
    assert entries[-1].head.hex() in good.output
    with pytest.raises(MessageRefused):
        world.page(forked(entries, 1))
    told = CliRunner().invoke(cli.catalogue, [*arguments, "--lang", lang])
    assert told.exit_code == cli.EXIT_CONTRADICTED
    assert words in told.output
    report = json.loads(CliRunner().invoke(cli.catalogue, [*arguments, "--json"]).output)
    assert [alarm["kind"] for alarm in report["alarms"]] == ["forked"]
    assert [entry["is_here"] for entry in report["entries"]] == [True, False]
    assert (report["head"], report["missing"]) == (entries[-1].head.hex(), 1)


def test_the_judge_finds_what_the_contract_follows_and_the_schedules(world):
    publisher, former = Publisher(), OFFERS[0]
    calendar = publisher.sign(publisher.calendar(TODAY, TODAY + timedelta(days=9)))
    later = PROVIDER.tariff(name="later", valid_from=TODAY)
    grown = PROVIDER.offer(PROVIDER.tariff(), later, product="p0", extends=former)
    world.page(listing(former, calendar, grown))
    for signed in (former, calendar, grown):
        world.document(signed)
    agreement = _Agreement(former.hash, follows=True)
    contracts = Contracts({}, bytes(32), world.copy.catalogue)
    listed = contracts.listed_for(agreement)
    assert list(listed.extensions) == [grown.hash]
    assert listed.schedules is world.copy.catalogue.schedules()
    assert contracts.listed_for(_Agreement(former.hash, follows=False)).extensions == {}


class _Agreement:
    """What is looked at of an agreement."""

    def __init__(self, offer, *, follows) -> None:
        self.contract = type("Contract", (), {"offer": offer, "follows": follows})


def test_the_copy_of_another_collectivity_is_not_taken_for_this_one(world):
    world.page(listing(*OFFERS[:2]))
    other = Copy(world.vault, "elsewhere", PLATFORM_KEY.public_key())
    assert other.entries == []
