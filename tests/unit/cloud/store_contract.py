"""What every `Store` must do, written once; a store's own test file subclasses `StoreContract`."""

from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest

from cloud.store import (
    BlockItem,
    Count,
    Device,
    EpochItem,
    IngestBatch,
    PublishedStatement,
    Put,
    RefusedRequest,
    RequestState,
    SeenStatement,
    StatementOrder,
    StoredContract,
    dead_letter,
)
from protocol.calendar import day_number, month_of
from protocol.contract import Signed
from protocol.errors import Reason
from protocol.ids import HouseholdKeyId, Incarnation, new_device_id, new_incarnation
from protocol.messages import Block, Epoch, IncarnationState
from tests.support.fake_chip import FakeChip, coefficients

AT = datetime(2026, 10, 20, 12, tzinfo=UTC)
DAY = date(2026, 10, 5)
MONTH = day_number(date(2026, 10, 1))


def epoch_item(chip, day=DAY, **changes):
    message = chip.epoch(day, **changes)
    fields = {
        "household_key": chip.household_key,
        "month": day_number(month_of(day)),
        "incarnation": chip.incarnation,
        "seed": bytes(64),
        "mac": bytes(32),
    }
    return EpochItem(chip.device, message.topic, Epoch(**(fields | changes)), message.payload)


def block_item(chip, sequence, day=DAY, j0=0, count=128, **changes):
    fields = {
        "household_key": chip.household_key,
        "day": day_number(day),
        "incarnation": chip.incarnation,
        "sequence": sequence,
        "j0": j0,
        "coefficients": coefficients(count),
    } | changes
    block = Block(**fields)
    message = chip.block(
        day, sequence, j0, count, **(changes | {"coefficients": block.coefficients})
    )
    return BlockItem(chip.device, message.topic, block, message.payload)


def put(store, *items):
    """Put items of both kinds as one batch; outcomes of headers come first."""
    outcome = store.put_batch(
        IngestBatch(
            AT,
            [item for item in items if isinstance(item, EpochItem)],
            [item for item in items if isinstance(item, BlockItem)],
        )
    )
    return [*outcome.epochs, *outcome.blocks]


def state_of(store, chip):
    (held,) = store.holdings([chip.household_key])
    return {state.incarnation: state for state in held.states}.get(chip.incarnation)


def signed(word):
    return Signed(word, word.encode(), bytes(64))


class StoreContract:
    """The tests; a subclass gives the fixtures `reopen` and `store`.

    `reopen()` closes the store, if it is open, and opens it again.
    """

    @pytest.fixture
    def chip(self, store):
        chip = FakeChip()
        store.enrol(chip.enrolment)
        return chip

    # who may send

    def test_an_enrolment_is_found_by_device_and_by_household_key(self, store, chip):
        assert store.devices({chip.device}) == (chip.enrolment,)
        assert store.device_of(chip.household_key) == chip.enrolment
        assert store.devices({new_device_id()}) == store.devices(set()) == ()
        assert store.device_of(HouseholdKeyId(bytes(16))) is None

    def test_a_revoked_device_speaks_for_nobody_and_is_still_told_apart(self, store, chip):
        assert store.revoke(chip.device)
        assert store.devices({chip.device})[0].is_revoked
        assert store.device_of(chip.household_key) is None
        assert not store.revoke(new_device_id())

    def test_a_device_has_one_enrolment_at_a_time(self, store, chip):
        moved = msgspec.structs.replace(
            chip.enrolment, household_key=HouseholdKeyId(bytes(16)), since=AT
        )
        store.enrol(moved)
        assert store.devices() == (moved,)
        assert store.device_of(chip.household_key) is None

    def test_a_household_key_that_moved_to_another_chip_is_spoken_for_by_the_newer(
        self, store, chip
    ):
        newer = Device(new_device_id(), bytes(32), chip.household_key, AT)
        store.enrol(newer)
        assert store.device_of(chip.household_key) == newer

    def test_a_contract_is_kept_with_its_offer_and_the_same_again_changes_nothing(self, store):
        contract = StoredContract(
            b"h" * 32, HouseholdKeyId(b"k" * 16), "Prov", b"p" * 32, signed("O"), signed("C")
        )
        other = msgspec.structs.replace(contract, hash=b"a" * 32)
        for one in (contract, other, contract):
            store.put_contract(one)
        assert store.contract(contract.hash) == contract
        assert store.contracts() == (contract, other)
        assert store.contract(bytes(32)) is None

    def test_a_contract_keeps_its_first_acceptance(self, store):
        contract = StoredContract(
            b"h" * 32, HouseholdKeyId(b"k" * 16), "Prov", b"p" * 32, signed("O"), signed("C")
        )
        store.put_contract(contract)
        assert store.accept(contract.hash, signed("A"))
        assert store.accept(contract.hash, signed("B"))
        assert store.contract(contract.hash).acceptance == signed("A")
        assert not store.accept(bytes(32), signed("A"))

    # what chips send

    def test_a_block_is_given_back_byte_for_byte(self, store, chip):
        header, block = epoch_item(chip), block_item(chip, 1, j0=3, count=5)
        assert put(store, header, block) == [Put.STORED, Put.STORED]
        (stored,) = store.blocks_of_days(chip.household_key, DAY, DAY + timedelta(days=1))
        assert stored.payload == block.payload
        assert stored.coefficients == block.block.coefficients
        assert (stored.device, stored.incarnation) == (chip.device, chip.incarnation)
        assert (stored.sequence, stored.day, stored.j0) == (1, DAY, 3)
        (kept,) = store.epochs(chip.household_key, Incarnation(chip.incarnation))
        assert (kept.payload, kept.month) == (header.payload, date(2026, 10, 1))
        assert store.epochs(chip.household_key) == (kept,)

    def test_what_is_stored_outlives_the_store_object(self, store, reopen, chip):
        put(store, epoch_item(chip), block_item(chip, 1))
        generation, held = store.generation, store.holdings([chip.household_key])
        store = reopen()
        assert store.generation == generation
        assert len(generation) == 8
        assert store.holdings([chip.household_key]) == held

    def test_the_same_bytes_again_are_acknowledged_again_in_one_batch_or_in_two(self, store, chip):
        header, block = epoch_item(chip), block_item(chip, 1)
        assert put(store, header, header, block, block) == [
            Put.STORED,
            Put.AGAIN,
            Put.STORED,
            Put.AGAIN,
        ]
        assert put(store, header, block) == [Put.AGAIN, Put.AGAIN]
        assert store.figures().blocks == 1

    def test_the_same_sequence_with_other_bytes_conflicts_and_changes_nothing(self, store, chip):
        first = block_item(chip, 1)
        put(store, epoch_item(chip), first)
        assert put(store, block_item(chip, 1), epoch_item(chip)) == [
            Reason.CONFLICT,
            Reason.CONFLICT,
        ]
        assert store.blocks(chip.household_key, chip.incarnation, 1, 9)[0].payload == first.payload

    @pytest.mark.parametrize(("j0", "count"), [(0, 128), (9, 2), (11, 1), (12, 4), (10, 5)])
    def test_a_coefficient_that_another_block_carries_conflicts(self, store, chip, j0, count):
        put(store, epoch_item(chip), block_item(chip, 1, j0=10, count=5))
        assert put(store, block_item(chip, 2, j0=j0, count=count)) == [Reason.CONFLICT]
        other = FakeChip(chip.collectivity, chip.device, chip.signing_key, chip.household_key)
        assert put(store, epoch_item(other), block_item(other, 1, j0=j0, count=count)) == [
            Put.STORED,
            Reason.CONFLICT,
        ]
        assert state_of(store, other).stored_through == 0

    def test_neighbouring_coefficients_days_and_households_do_not_conflict(self, store, chip):
        other = FakeChip()
        results = put(
            store,
            epoch_item(chip),
            epoch_item(other),
            block_item(chip, 1, j0=10, count=5),
            block_item(chip, 2, j0=0, count=10),
            block_item(chip, 3, j0=15, count=113),
            block_item(chip, 4, day=DAY + timedelta(days=1)),
            block_item(other, 1),
        )
        assert set(results) == {Put.STORED}

    def test_an_incarnation_belongs_to_one_device_and_one_household_key(self, store, chip):
        put(store, epoch_item(chip))
        thief = FakeChip(household_key=chip.household_key, incarnation=chip.incarnation)
        assert put(store, epoch_item(thief), block_item(thief, 1)) == [Reason.CONFLICT] * 2
        moved = FakeChip(
            chip.collectivity, chip.device, chip.signing_key, incarnation=chip.incarnation
        )
        assert put(store, epoch_item(moved)) == [Reason.CONFLICT]
        assert put(store, block_item(moved, 1)) == [Reason.NO_EPOCH]
        assert state_of(store, moved) is None

    def test_a_block_without_the_header_of_its_month_is_not_stored(self, store, chip):
        november = date(2026, 11, 1)
        assert put(store, block_item(chip, 1)) == [Reason.NO_EPOCH]
        assert put(store, epoch_item(chip), block_item(chip, 1, day=november)) == [
            Put.STORED,
            Reason.NO_EPOCH,
        ]
        assert put(store, epoch_item(chip, november), block_item(chip, 1, day=november)) == [
            Put.STORED,
            Put.STORED,
        ]
        assert state_of(store, chip).months == (MONTH, day_number(november))

    def test_states_tell_what_is_stored_without_a_gap_and_beyond(self, store, chip):
        def days(n):
            return DAY + timedelta(days=n)

        put(store, epoch_item(chip), *(block_item(chip, n, days(n)) for n in (7, 2, 1, 5, 6, 9)))
        assert state_of(store, chip) == IncarnationState(
            chip.incarnation, 2, ((5, 8), (9, 10)), (MONTH,)
        )
        put(store, *(block_item(chip, n, days(n)) for n in (3, 4, 8)))
        assert state_of(store, chip) == IncarnationState(chip.incarnation, 9, (), (MONTH,))

    def test_more_gaps_than_an_ack_can_tell_are_refused(self, store, chip):
        items = [
            block_item(chip, 2 * n, j0=n % 128, count=1, day=DAY + timedelta(n // 128))
            for n in range(1, 515)
        ]
        assert put(store, epoch_item(chip), *items)[1:] == [Put.STORED] * 512 + [Reason.BOUNDS] * 2
        assert put(store, block_item(chip, 1, day=DAY + timedelta(20))) == [Put.STORED]

    def test_holdings_come_in_the_order_asked_and_incarnations_sorted(self, store, chip):
        put(store, epoch_item(chip))
        other = FakeChip(chip.collectivity, chip.device, chip.signing_key, chip.household_key)
        put(store, epoch_item(other))
        nobody = HouseholdKeyId(bytes(16))
        first, second = store.holdings([nobody, chip.household_key])
        assert (first.household_key, first.states) == (nobody, ())
        assert [s.incarnation for s in second.states] == sorted(
            [chip.incarnation, other.incarnation]
        )

    def test_blocks_of_an_incarnation_come_from_a_sequence_on_in_order(self, store, chip):
        put(store, epoch_item(chip), *(block_item(chip, n, j0=n, count=1) for n in (4, 1, 3, 2)))
        found = store.blocks(chip.household_key, chip.incarnation, 2, 2)
        assert [block.sequence for block in found] == [2, 3]
        assert store.blocks(chip.household_key, new_incarnation(), 1, 9) == ()
        assert store.blocks(HouseholdKeyId(bytes(16)), chip.incarnation, 1, 9) == ()

    def test_blocks_of_days_are_half_open_and_ordered(self, store, chip):
        days = [DAY + timedelta(days=n) for n in range(4)]
        put(
            store,
            epoch_item(chip),
            block_item(chip, 1, days[2], 64, 64),
            block_item(chip, 2, days[3]),
            block_item(chip, 3, days[1]),
            block_item(chip, 4, days[2], 0, 64),
            block_item(chip, 5, days[0]),
        )
        found = store.blocks_of_days(chip.household_key, days[1], days[3])
        assert [(b.day, b.j0) for b in found] == [(days[1], 0), (days[2], 0), (days[2], 64)]

    def test_a_batch_that_fails_leaves_nothing(self, store, chip):
        broken = msgspec.structs.replace(block_item(chip, 2, j0=64, count=64), payload=b"other")
        with pytest.raises(ValueError, match="not found"):
            put(store, epoch_item(chip), block_item(chip, 1, j0=0, count=64), broken)
        assert state_of(store, chip) is None
        assert store.figures().blocks == store.figures().epochs == 0
        assert put(store, epoch_item(chip), block_item(chip, 1)) == [Put.STORED] * 2

    # what was refused

    def test_refused_messages_are_counted_by_reason_and_kept_without_payload(self, store, chip):
        letters = [
            dead_letter("a/topic", b"payload" * n, Reason.MALFORMED, AT, f"no {n}")
            for n in range(3)
        ]
        conflicting = block_item(chip, 1)
        put(store, epoch_item(chip), block_item(chip, 1))
        store.put_batch(IngestBatch(AT, blocks=[conflicting], refused=letters))
        latest, *earlier = store.dead_letters()
        assert (latest.topic, latest.reason) == (conflicting.topic, Reason.CONFLICT)
        assert earlier == letters[::-1]
        assert store.dead_letters(1) == (latest,)
        assert store.figures().dead_letters == (Count("conflict", 1), Count("malformed", 3))

    def test_a_flood_of_refused_messages_fills_counters_only(self, store):
        letter = dead_letter("t", b"", Reason.SIGNATURE, AT)
        for _ in range(3):
            store.put_batch(IngestBatch(AT, refused=[letter] * 4_000))
        assert len(store.dead_letters(20_000)) == 10_000
        assert store.figures().dead_letters == (Count("bad_signature", 12_000),)

    # statements

    @pytest.fixture
    def order(self, chip):
        return StatementOrder(b"i" * 16, b"c" * 32, chip.household_key, b"the request")

    def test_a_request_is_pending_then_published_then_seen(self, store, chip, order):
        later = AT + timedelta(hours=1)
        assert store.put_request(order, AT) is Put.STORED
        assert [r.order for r in store.requests(RequestState.PENDING)] == [order]
        store.settle([PublishedStatement(order.id, chip.device, b"the statement")], [], later)
        (published,) = store.requests(RequestState.PUBLISHED)
        assert (published.device, published.statement) == (chip.device, b"the statement")
        assert (published.requested_at, published.published_at) == (AT, later)
        seen = SeenStatement(chip.household_key, order.id)
        assert store.mark_seen([seen, seen], later) == (True, True)
        assert store.request(order.id).state is RequestState.SEEN
        assert store.request(order.id).seen_at == later
        assert store.requests(RequestState.PENDING) == ()
        assert store.figures().requests == (Count("seen", 1),)

    def test_the_same_request_again_changes_nothing_and_other_bytes_conflict(
        self, store, chip, order
    ):
        store.put_request(order, AT)
        store.settle([PublishedStatement(order.id, chip.device, b"s")], [], AT)
        assert store.put_request(order, AT) is Put.AGAIN
        other = msgspec.structs.replace(order, request=b"another")
        assert store.put_request(other, AT) is Reason.CONFLICT
        assert [r.state for r in store.requests()] == [RequestState.PUBLISHED]
        assert store.requests(limit=0) == ()
        assert store.requests(after=order.id) == ()

    def test_a_refused_request_says_why_and_cannot_be_published(self, store, chip, order):
        store.put_request(order, AT)
        store.settle([], [RefusedRequest(order.id, "No such contract.")], AT)
        store.settle([PublishedStatement(order.id, chip.device, b"s")], [], AT)
        stored = store.request(order.id)
        assert (stored.state, stored.detail) == (RequestState.REFUSED, "No such contract.")
        assert stored.statement is None

    def test_a_statement_is_not_seen_before_it_is_published_nor_by_another_household(
        self, store, chip, order
    ):
        seen = SeenStatement(chip.household_key, order.id)
        assert store.mark_seen([seen], AT) == (False,)
        store.put_request(order, AT)
        assert store.mark_seen([seen], AT) == (False,)
        store.settle([PublishedStatement(order.id, chip.device, b"s")], [], AT)
        assert store.mark_seen([SeenStatement(HouseholdKeyId(bytes(16)), order.id)], AT) == (False,)
        assert store.request(order.id).state is RequestState.PUBLISHED
        assert store.request(bytes(16)) is None

    # retention

    def test_days_with_blocks_are_counted_once_for_all_chips(self, store, chip):
        other = FakeChip()
        store.enrol(other.enrolment)
        days = [DAY + timedelta(days=n) for n in (0, 1, 5)]
        for each in (chip, other):
            put(store, epoch_item(each))
            put(store, *(block_item(each, n, day) for n, day in enumerate(days, 1)))
        assert store.metered_days(DAY, DAY + timedelta(days=6)) == 3
        assert store.metered_days(DAY + timedelta(days=1), DAY + timedelta(days=5)) == 1
        assert store.metered_days(DAY + timedelta(days=6), DAY + timedelta(days=900)) == 0

    def test_an_incarnation_of_which_nothing_is_kept_is_forgotten(self, store, chip):
        old, new = date(2025, 8, 31), date(2025, 9, 1)
        names = [Incarnation(bytes([n]) * 8) for n in range(3)]
        for day, name in zip([old, old, new], names, strict=True):
            put(store, epoch_item(chip, day, incarnation=name))
        put(store, block_item(chip, 1, old, incarnation=names[0]))
        assert [store.expire(new, 3) for _ in range(2)] == [1, 0]
        (holdings,) = store.holdings([chip.household_key])
        assert [state.incarnation for state in holdings.states] == [names[2]]
        assert put(store, block_item(chip, 1, old, incarnation=names[0])) == [Reason.NO_EPOCH]

    def test_retention_deletes_old_blocks_then_their_headers_and_states_stay(self, store, chip):
        old, new = date(2025, 8, 31), date(2025, 9, 1)
        items = [epoch_item(chip, old), epoch_item(chip, new)]
        items += [block_item(chip, n + 1, old, j0=n, count=1) for n in range(5)]
        items += [block_item(chip, 6, new)]
        put(store, *items)
        held = store.holdings([chip.household_key])
        assert [store.expire(new, 3) for _ in range(3)] == [3, 2, 0]
        assert [b.sequence for b in store.blocks(chip.household_key, chip.incarnation, 1, 9)] == [6]
        assert [e.month for e in store.epochs(chip.household_key)] == [new]
        assert store.holdings([chip.household_key]) == held
        assert put(store, items[2]) == [Put.AGAIN]
