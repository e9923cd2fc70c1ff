"""What becomes of contributions and seed letters: stored once, acknowledged, or refused."""

import secrets
from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest

from cloud.ingest.contributions import AreaIngest
from cloud.ingest.pipeline import Ingest
from cloud.store.area import Figure, FigureKey, FigureStage
from cloud.store.sqlite.area import SqliteArea
from cloud.store.sqlite.store import SqliteStore
from protocol.area_messages import AreaAck, Document, Part, Terms
from protocol.calendar import day_number
from protocol.envelope import Address, open_message
from protocol.errors import Reason, StoreBusy
from protocol.governance import CosignedDocument, draw_up
from protocol.measures import PROFILE_SLOTS
from protocol.topics import Kind
from system.mqtt.message import Incoming
from tests.support.area_household import AreaHousehold
from tests.support.area_town import FIRST_DAY, AreaTown
from tests.support.fake_chip import FakeChip

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = day_number(date(2026, 11, 23))


@pytest.fixture
def store(tmp_path):
    store = SqliteStore.open(tmp_path)
    yield store
    store.close()


@pytest.fixture
def town(store):
    town = AreaTown()
    town.settle(store)
    return town


@pytest.fixture
def ingest(store, town):
    return Ingest(store, town.collectivity, town.platform_key, lambda: NOW)


@pytest.fixture
def home(store, town, ingest):
    home = town.join(store, AreaHousehold())
    ingest.process([letters(home, town)])
    return home


def letters(home, town, generation=1, **changes):
    body = home.letters(generation, town.signed_trustees.hash)
    return home.chip.message(Kind.KEY, msgspec.structs.replace(body, **changes))


def contribution(home, town, day=DAY, **changes):
    fields = {"parts": town.parts()} | changes
    made = home.contribution(day, town.signed_measures.hash, fields.pop("parts"))
    return home.chip.message(Kind.AREA, msgspec.structs.replace(made, **fields))


def opened(home, town, processed, kind, body_type):
    address = Address(town.collectivity, home.chip.device, kind)
    return [
        open_message(address, message.payload, town.platform_key.public_key(), body_type)
        for message in processed
        if message.topic == home.chip.topic(kind)
    ]


def told(home, town, processed):
    """Return (stored days, refused days) of the one ack for a household."""
    (ack,) = opened(home, town, processed.outgoing, Kind.AREA_ACK, AreaAck)
    assert ack.household_key == home.chip.household_key
    return ack.stored, dict(ack.refused)


def reasons(store):
    return {Reason(one.label): one.count for one in store.figures().dead_letters}


def rows(store, town, day=DAY):
    return store.area.rows(FigureKey(town.signed_measures.hash, "curve", "75101", day))


# what is stored is acknowledged after the commit


def test_a_contribution_is_stored_and_acknowledged_once_for_each_device(ingest, store, town, home):
    other = town.join(store, AreaHousehold())
    processed = ingest.process(
        [
            contribution(other, town),  # before its seeds, in one batch
            letters(other, town),
            contribution(home, town),
            contribution(home, town, DAY - 1),
        ]
    )
    assert told(home, town, processed) == ((DAY - 1, DAY), {})
    assert told(other, town, processed) == ((DAY,), {})
    assert processed.stored[Kind.AREA] == 3
    assert [row.entry for row in rows(store, town)] == [home.entry, other.entry]
    assert store.dead_letters() == ()


def test_the_same_message_again_is_acknowledged_again(ingest, store, town, home):
    message = contribution(home, town)
    assert told(home, town, ingest.process([message, message])) == ((DAY,), {})
    processed = ingest.process([message])
    assert told(home, town, processed) == ((DAY,), {})
    assert (processed.stored[Kind.AREA], processed.again) == (0, 1)
    assert len(rows(store, town)) == 1


def test_what_was_stored_is_still_acknowledged_when_its_figure_is_fixed(ingest, store, town, home):
    message = contribution(home, town)
    ingest.process([message])
    key = FigureKey(town.signed_measures.hash, "curve", "75101", DAY)
    store.area.put_figure(Figure(key, FigureStage.FIXED, NOW))
    assert told(home, town, ingest.process([message])) == ((DAY,), {})
    late = town.join(store, AreaHousehold())
    processed = ingest.process([letters(late, town), contribution(late, town)])
    assert told(late, town, processed) == ((), {DAY: Reason.LATE})
    assert processed.refused_by_kind == {(Kind.AREA, Reason.LATE): 1}
    assert store.area.figure(key).late == 1


def test_another_version_of_a_day_conflicts_and_leaves_the_first(ingest, store, town, home):
    ingest.process([contribution(home, town)])
    before = rows(store, town)
    processed = ingest.process([contribution(home, town)])
    assert told(home, town, processed) == ((), {DAY: Reason.CONFLICT})
    assert rows(store, town) == before
    assert reasons(store) == {Reason.CONFLICT: 1}


def test_a_store_that_is_busy_costs_a_resend_and_nothing_else(
    ingest, store, town, home, monkeypatch
):
    message = contribution(home, town)

    def busy(*_):
        raise StoreBusy("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(SqliteArea, "put_contributions", busy)
        with pytest.raises(StoreBusy):
            ingest.process([message])
    assert told(home, town, ingest.process([message])) == ((DAY,), {})
    assert len(rows(store, town)) == 1


def test_days_of_92_and_100_quarter_hours_are_days_like_others(ingest, store, town, home):
    days = [day_number(date(2026, 3, 29)), day_number(date(2026, 10, 25))]
    processed = ingest.process([contribution(home, town, day) for day in days])
    assert told(home, town, processed) == (tuple(days), {})
    assert all(len(rows(store, town, day)) == 1 for day in days)


@pytest.mark.parametrize(
    ("now", "is_taken"),
    [
        (datetime(2026, 10, 24, 21, 59, 59, tzinfo=UTC), False),
        (datetime(2026, 10, 24, 22, 0, 0, tzinfo=UTC), True),
        (datetime(2026, 10, 25, 22, 59, 59, tzinfo=UTC), True),
    ],
)
def test_a_day_comes_at_local_midnight_of_the_day_of_100(store, town, home, now, is_taken):
    ingest = Ingest(store, town.collectivity, town.platform_key, lambda: now)
    day = day_number(date(2026, 10, 25))
    processed = ingest.process([contribution(home, town, day)])
    expected = ((day,), {}) if is_taken else ((), {day: Reason.BOUNDS})
    assert told(home, town, processed) == expected


# what is refused is told, counted and dead-lettered


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"day": DAY + 2}, Reason.BOUNDS),
        ({"day": FIRST_DAY - 1}, Reason.DOCUMENT),
        ({"measures": bytes(32)}, Reason.DOCUMENT),
        ({"parts": (("curve", "75102", 4),)}, Reason.PARTITION),
        ({"parts": (("curve", "nowhere", 4),)}, Reason.PARTITION),
        ({"parts": (("temperature", "75101", 4),)}, Reason.PARTITION),
        ({"parts": (("curve", "75101", 5),)}, Reason.BOUNDS),
        ({"parts": (("curve", "75101", 3),)}, Reason.BOUNDS),
        ({"parts": (("curve", "75101", 4), ("curve", "75101", 4))}, Reason.BOUNDS),
        ({"parts": (("profile", "75", PROFILE_SLOTS + 1),)}, Reason.BOUNDS),
    ],
)
def test_what_does_not_fit_is_refused_with_its_reason(ingest, store, town, home, changes, reason):
    day = changes.get("day", DAY)
    processed = ingest.process([contribution(home, town, **changes)])
    assert told(home, town, processed) == ((), {day: reason})
    assert reasons(store) == {reason: 1}
    assert store.area.days(town.signed_measures.hash) == ()


def test_words_that_are_no_whole_slots_are_refused_and_told(ingest, store, town, home):
    parts = (Part("curve", "75101", secrets.token_bytes(33)),)
    made = home.contribution(DAY, town.signed_measures.hash)
    message = home.chip.message(Kind.AREA, msgspec.structs.replace(made, parts=parts))
    assert told(home, town, ingest.process([message])) == ((), {DAY: Reason.BOUNDS})
    assert reasons(store) == {Reason.BOUNDS: 1}


def test_the_profile_is_taken_on_its_days_only(ingest, town, home):
    days = [d for d in range(FIRST_DAY, DAY) if town.measures.is_profile_counted(d)]
    parts = (*town.parts(), ("profile", "75", PROFILE_SLOTS + 1))
    processed = ingest.process([contribution(home, town, d, parts=parts) for d in days])
    assert days
    assert told(home, town, processed) == (tuple(days), {})


def test_a_day_that_was_not_drawn_is_refused(store, home, town):
    measures = town.measures_of(town.signed_trustees.hash, version=2, days_a_week=2)
    cosigned = town.signed(draw_up(measures))
    store.area.put_cosigned(cosigned)
    ingest = Ingest(store, town.collectivity, town.platform_key, lambda: NOW)
    days = range(DAY - 20, DAY + 1)
    processed = ingest.process([contribution(home, town, d, measures=cosigned.hash) for d in days])
    counted = {day for day in days if measures.is_counted(day)}
    stored, refused = told(home, town, processed)
    assert set(stored) == counted
    assert refused == {day: Reason.BOUNDS for day in days if day not in counted}
    assert counted
    assert refused


def test_the_measures_before_are_taken_until_chips_had_time_to_learn(ingest, store, town, home):
    ingest.process([contribution(home, town, DAY - 20)])
    start = DAY - 15
    measures = town.measures_of(town.signed_trustees.hash, version=2, effective=start)
    new = town.signed(draw_up(measures))
    store.area.put_cosigned(new)  # the worker that runs learns of it by itself
    days = {start - 1: new.hash, start: new.hash, start + 13: None, start + 14: None}
    processed = ingest.process(
        [
            contribution(home, town, day, measures=found or town.signed_measures.hash)
            for day, found in days.items()
        ]
    )
    assert told(home, town, processed) == (
        (start, start + 13),
        {start - 1: Reason.DOCUMENT, start + 14: Reason.DOCUMENT},
    )


# who stands where


def test_a_household_counts_where_it_stood_that_day_and_by_that_entry(ingest, store, town, home):
    first = home.entry
    home.cell = "751020101"
    town.enter(store, home, start=DAY)
    second = home.entry
    processed = ingest.process(
        [
            contribution(home, town, DAY - 1, entry=first),
            contribution(home, town, DAY, entry=second, parts=town.parts("75102")),
            contribution(home, town, DAY - 2, entry=second, parts=town.parts("75102")),
        ]
    )
    assert told(home, town, processed) == ((DAY - 1, DAY), {DAY - 2: Reason.ROSTER})
    processed = ingest.process([contribution(home, town, DAY - 3, entry=first)])
    assert told(home, town, processed) == ((DAY - 3,), {})


def test_who_left_or_has_not_come_yet_is_refused(ingest, store, town, home):
    town.enter(store, home, cell=None, start=DAY)
    gone = contribution(home, town, DAY)
    newcomer = town.join(store, AreaHousehold(), start=DAY)
    ingest.process([letters(newcomer, town)])
    processed = ingest.process([gone, contribution(newcomer, town, DAY - 1)])
    assert told(home, town, processed) == ((), {DAY: Reason.ROSTER})
    assert told(newcomer, town, processed) == ((), {DAY - 1: Reason.ROSTER})
    assert told(newcomer, town, ingest.process([contribution(newcomer, town)])) == ((DAY,), {})


def test_an_entry_that_names_another_device_does_not_hold(ingest, store, town):
    other = AreaHousehold()
    home = town.join(store, AreaHousehold(), device=other.chip.device)
    processed = ingest.process([letters(home, town), contribution(home, town)])
    assert told(home, town, processed) == ((), {DAY: Reason.ROSTER})


def test_anothers_entry_does_not_hold(ingest, store, town, home):
    other = town.join(store, AreaHousehold())
    processed = ingest.process([contribution(home, town, entry=other.entry)])
    assert told(home, town, processed) == ((), {DAY: Reason.ROSTER})


def test_anothers_provider_is_another_group(ingest, store, town):
    home = town.join(store, AreaHousehold(provider="green"))
    processed = ingest.process([letters(home, town), contribution(home, town)])
    assert told(home, town, processed) == ((), {DAY: Reason.PARTITION})
    parts = town.parts(with_classes=False)
    assert told(home, town, ingest.process([contribution(home, town, parts=parts)])) == ((DAY,), {})


# what may fit later is not refused to the chip


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"generation": 2}, Reason.SEEDS), ({"entry": 99}, Reason.ROSTER)],
)
def test_what_has_not_come_yet_is_counted_and_not_told(ingest, store, town, home, changes, reason):
    message = contribution(home, town, **changes)
    assert ingest.process([message]).outgoing == ()
    assert reasons(store) == {reason: 1}
    assert rows(store, town) == ()


def test_a_contribution_is_taken_when_its_seeds_have_come(ingest, store, town, home):
    message = contribution(home, town, generation=2)
    ingest.process([message])
    processed = ingest.process([letters(home, town, 2), message])
    assert told(home, town, processed) == ((DAY,), {})
    assert rows(store, town)[0].generation == 2


# forged and foreign


def test_foreign_and_forged_contributions_are_refused_and_nobody_is_told(ingest, store, town, home):
    other = town.join(store, AreaHousehold())
    good = contribution(home, town)
    impostor = FakeChip(device=home.chip.device, household_key=home.chip.household_key)
    made = home.contribution(DAY, town.signed_measures.hash, town.parts())
    elsewhere = FakeChip(collectivity="otherville", device=home.chip.device)
    messages = [
        Incoming(other.chip.topic(Kind.AREA), good.payload),
        impostor.message(Kind.AREA, made),
        other.chip.message(Kind.AREA, made),
        Incoming(elsewhere.topic(Kind.AREA), good.payload),
        Incoming(home.chip.topic(Kind.ASK), good.payload),
        Incoming(home.chip.topic(Kind.KEY), good.payload),
        Incoming(home.chip.topic(Kind.AREA), b""),
    ]
    # A retained key that is cleared, as by a household that has moved out, is no message.
    processed = ingest.process([*messages, Incoming(home.chip.topic(Kind.KEY), b"")])
    assert processed.outgoing == ()
    assert sum(reasons(store).values()) == len(messages)
    assert rows(store, town) == ()


def test_no_dead_letter_holds_anything_of_a_payload(ingest, store, town, home):
    ingest.process([contribution(home, town, generation=2), contribution(home, town, day=DAY + 2)])
    for letter in store.dead_letters():
        assert set(msgspec.structs.asdict(letter)) == {
            "topic",
            "reason",
            "detail",
            "size_bytes",
            "sha256",
            "at",
        }
        assert home.chip.household_key.hex() not in letter.detail


# seed letters


def test_a_retained_key_that_comes_again_changes_nothing_and_an_old_one_is_refused(
    ingest, store, town, home
):
    key = home.chip.household_key
    third, second = letters(home, town, 3), letters(home, town, 2)
    ingest.process([third])
    processed = ingest.process([third, second, third])
    assert processed.outgoing == ()
    assert store.area.generations([key]) == {key: 3}
    assert reasons(store) == {Reason.CONFLICT: 1}


def test_letters_to_other_trustees_are_refused(ingest, store, town, home):
    body = home.letters(2, town.signed_trustees.hash)
    changes = [
        {"trustees": bytes(32)},
        {"letters": body.letters[:3]},
        {"commitments": body.commitments[:5]},
    ]
    ingest.process([letters(home, town, 2, **change) for change in changes])
    key = home.chip.household_key
    assert store.area.generations([key]) == {key: 1}
    assert reasons(store) == {Reason.DOCUMENT: 1, Reason.BOUNDS: 2}


def test_anothers_letters_are_refused(ingest, store, town, home):
    other = town.join(store, AreaHousehold())
    stolen = home.letters(9, town.signed_trustees.hash)
    ingest.process([other.chip.message(Kind.KEY, stolen)])
    key = home.chip.household_key
    assert store.area.generations([key, other.chip.household_key]) == {key: 1}


# asked and answered


def answers(ingest, home, ask):
    (request,) = ingest.process([home.chip.message(Kind.ASK, ask)]).requests
    return ingest.answer(request)


def test_terms_name_the_latest_entry_and_the_documents_in_order(ingest, store, town, home):
    later = town.signed(
        draw_up(town.measures_of(town.signed_trustees.hash, version=2, effective=DAY + 9))
    )
    store.area.put_cosigned(later)
    town.enter(store, home, provider="green", start=DAY)
    (terms,) = opened(home, town, answers(ingest, home, home.ask()), Kind.TERMS, Terms)
    (entry,) = store.area.roster(home.entry)
    assert terms == Terms(
        home.chip.household_key,
        (entry.body, entry.signature),
        (town.signed_trustees.hash,),
        (town.signed_measures.hash, later.hash),
    )


def sent_terms(ingest, home, town, **fields):
    """Return the terms that come unasked with the answer to a contribution."""
    processed = ingest.process([contribution(home, town, **fields)])
    return opened(home, town, processed.outgoing, Kind.TERMS, Terms)


def test_an_ack_brings_terms_if_the_contribution_names_older_measures(ingest, store, town, home):
    assert sent_terms(ingest, home, town) == []
    new = draw_up(town.measures_of(town.signed_trustees.hash, version=2, effective=DAY + 9))
    store.area.put_cosigned(town.signed(new))
    message = contribution(home, town, DAY - 1)
    for _ in range(2):  # an answer may be lost
        processed = ingest.process([message])
        assert told(home, town, processed) == ((DAY - 1,), {})
        (terms,) = opened(home, town, processed.outgoing, Kind.TERMS, Terms)
        assert terms.measures == (town.signed_measures.hash, new.hash)


def test_an_ack_brings_terms_if_the_contribution_names_an_older_entry(ingest, store, town, home):
    first = home.entry
    town.enter(store, home, provider="green", start=DAY)
    (terms,) = sent_terms(ingest, home, town, day=DAY - 1, entry=first)
    (entry,) = store.area.roster(home.entry)
    assert terms.entry == (entry.body, entry.signature)


def test_a_refused_contribution_brings_no_terms(ingest, store, town, home):
    """The chip asks by itself if they may explain it."""
    new = draw_up(town.measures_of(town.signed_trustees.hash, version=2, effective=DAY + 9))
    store.area.put_cosigned(town.signed(new))
    assert sent_terms(ingest, home, town, entry=home.entry + 9) == []
    assert sent_terms(ingest, home, town, measures=bytes(32)) == []


def test_measures_that_were_replaced_are_not_named_any_more(ingest, store, town, home):
    new = town.signed(draw_up(town.measures_of(town.signed_trustees.hash, version=2)))
    store.area.put_cosigned(new)
    (terms,) = opened(home, town, answers(ingest, home, home.ask()), Kind.TERMS, Terms)
    assert terms.measures == (new.hash,)


def test_who_stands_on_no_roster_has_terms_without_an_entry(ingest, store, town):
    home = AreaHousehold()
    store.enrol(home.chip.enrolment)
    (terms,) = opened(home, town, answers(ingest, home, home.ask()), Kind.TERMS, Terms)
    assert terms.entry is None


def test_a_document_comes_in_parts_that_join_to_its_bytes(ingest, store, town, home):
    data = secrets.token_bytes(100_000)
    ask = home.ask(store.area.put_blob(data))
    parts = opened(home, town, answers(ingest, home, ask), Kind.DOCUMENT, Document)
    assert [(part.part, part.parts) for part in parts] == [(0, 3), (1, 3), (2, 3)]
    assert b"".join(part.data for part in parts) == data
    (whole,) = opened(
        home,
        town,
        answers(ingest, home, home.ask(town.signed_measures.hash)),
        Kind.DOCUMENT,
        Document,
    )
    assert msgspec.msgpack.decode(whole.data, type=CosignedDocument) == town.signed_measures
    assert answers(ingest, home, home.ask(bytes(32))) == ()
    assert answers(ingest, home, home.ask(store.area.put_blob(bytes(65 * 48 * 1024)))) == ()


def test_a_worker_that_starts_anew_knows_documents_and_roster(store, town, home):
    ingest = Ingest(store, town.collectivity, town.platform_key, lambda: NOW + timedelta(days=1))
    assert told(home, town, ingest.process([contribution(home, town)])) == ((DAY,), {})


def test_without_the_check_of_the_entry_a_foreign_one_would_be_stored(
    ingest, store, town, home, monkeypatch
):
    """Sabotage: the tests above rest on these checks."""
    other = town.join(store, AreaHousehold())
    message = contribution(home, town, entry=other.entry)
    with monkeypatch.context() as patch:
        patch.setattr(
            AreaIngest,
            "_entry",
            lambda _, contribution, __: town.roster.entry(contribution.entry),
        )
        assert told(home, town, ingest.process([message])) == ((DAY,), {})
