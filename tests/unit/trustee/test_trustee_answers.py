"""A trustee answers once, for sets that the rules allow, with the same bytes if asked again."""

import sqlite3

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloud.release.pages import roster_pages
from protocol.area_cipher import SHAPES, from_bytes
from protocol.errors import Reason, StoreError
from protocol.roster import COUNTS_AFTER_DAYS, SEEN_LATE_DAYS
from protocol.trustee_messages import Answer, Ask, Refused, bitmap_of, sign_request
from tests.support.trustee_area import (
    COLLECTIVITY,
    DAY,
    FAR,
    NEAR,
    SLOTS,
    THRESHOLD,
    Home,
    TrusteeArea,
    ask,
)
from trustee.log import TrusteeLog
from trustee.words import check_chain


@pytest.fixture(scope="module")
def area():
    return TrusteeArea()


@pytest.fixture
def trustee(area):
    return area.trustee()


def refusal(trustee, request):
    answer = ask(trustee, request)
    assert isinstance(answer, Refused), answer
    return answer.reason


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_any_quorum_opens_the_sum_and_fewer_do_not_have_every_seed(shape):
    area = TrusteeArea(shape, far=0)
    expected = np.sum([each.values for each in area.near], axis=0)
    answers = {n: ask(area.trustee(n), area.request()) for n in range(shape.trustees)}
    for away in range(shape.trustees):
        present = {n: each for n, each in answers.items() if n != away}
        if len(present) >= shape.threshold:
            assert (area.opened(area.near, present) == expected).all()
        fewer = dict(list(present.items())[: shape.threshold - 1])
        held = {number for each in fewer.values() for number, _ in each.sums}
        assert held < set(range(len(shape.seed_sets)))
    copies = {}
    for each in answers.values():
        for number, data in each.sums:
            assert copies.setdefault(number, data) == data


@settings(deadline=None, max_examples=15, suppress_health_check=list(HealthCheck))
@given(chosen=st.sets(st.integers(0, 9), min_size=THRESHOLD))
def test_sum_of_masked_opens_to_the_sum_for_any_set(area, chosen):
    homes = [area.near[n] for n in sorted(chosen)]
    answers = {n: ask(area.trustee(n), area.request(homes)) for n in (0, 1, 3)}
    assert (area.opened(homes, answers) == np.sum([each.values for each in homes], axis=0)).all()


def test_asked_twice_gives_the_same_bytes_and_one_entry(area, trustee):
    first = ask(trustee, area.request())
    assert isinstance(first, Answer)
    assert ask(trustee, area.request()) == first
    assert trustee.known().log_length == 1


def test_check_gives_each_household_s_mask_of_the_check_slot_only(area):
    answers = [ask(area.trustee(n), area.request(ask=Ask.CHECK)) for n in (0, 1, 2)]
    masks = {n: from_bytes(data) for each in answers for n, data in each.sums}
    assert all(len(each) == len(area.near) for each in masks.values())
    last = np.array([each.masked(area.signed_measures.hash)[SLOTS - 1] for each in area.near])
    assert (last - sum(masks.values()) == 1).all()


def test_check_then_sum_of_fewer_is_the_usual_course(area, trustee):
    assert isinstance(ask(trustee, area.request(ask=Ask.CHECK)), Answer)
    assert isinstance(ask(trustee, area.request(area.near[1:])), Answer)


def test_second_set_for_a_figure_is_refused_whether_it_overlaps_or_not(area, trustee):
    assert isinstance(ask(trustee, area.request(area.near[:6])), Answer)
    assert refusal(trustee, area.request(area.near[:7])) == Reason.CONFLICT
    assert refusal(trustee, area.request(area.near[1:7])) == Reason.CONFLICT
    assert trustee.known().log_length == 1


def test_a_nonce_once_bound_stays_bound(area, trustee):
    ask(trustee, area.request(ask=Ask.CHECK))
    other = Home(area.shape, key=area.near[0].key, device=area.near[0].device)
    other.entry = area.near[0].entry
    changed = [other, *area.near[1:]]
    assert refusal(trustee, area.request(changed, ask=Ask.CHECK)) == Reason.ANSWERED
    assert refusal(trustee, area.request(changed)) == Reason.ANSWERED


def test_too_few_households_are_refused(area, trustee):
    assert refusal(trustee, area.request(area.near[: THRESHOLD - 1])) == Reason.TOO_FEW
    assert (
        refusal(trustee, area.request(area.near[: THRESHOLD - 1], ask=Ask.CHECK)) == Reason.TOO_FEW
    )


def test_newcomers_do_not_count_towards_the_threshold():
    area = TrusteeArea(homes=THRESHOLD - 1)
    area.near.append(area.join(NEAR, start=DAY - 29))
    assert refusal(area.trustee(), area.request()) == Reason.TOO_FEW
    area = TrusteeArea(homes=THRESHOLD - 1)
    area.near.append(area.join(NEAR, start=DAY - 30))
    assert isinstance(ask(area.trustee(), area.request()), Answer)


def test_household_of_another_group_is_refused(area, trustee):
    mixed = [*area.near[:7], area.far[0]]
    assert refusal(trustee, area.request(mixed)) == Reason.PARTITION
    assert refusal(trustee, area.request(group="93")) == Reason.PARTITION
    assert refusal(trustee, area.request(measure="curve")) == Reason.PARTITION


def test_unknown_households_and_odd_bitmaps_are_refused(area):
    request = area.request().request
    length = len(area.roster)
    beyond = bytearray(request.bitmap)
    beyond[-1] |= 0x80
    draws = request.nonces + bytes(20)
    assert (
        refusal(area.trustee(), area.request(bitmap=bytes(beyond), nonces=draws))
        == Reason.HOUSEHOLD
    )
    assert refusal(area.trustee(), area.request(bitmap=request.bitmap + b"\0")) == Reason.BOUNDS
    assert refusal(area.trustee(), area.request(nonces=request.nonces[:-1])) == Reason.BOUNDS
    assert (
        refusal(
            area.trustee(),
            area.request(bitmap=bitmap_of(range(length), length), nonces=bytes(20) * length),
        )
        == Reason.PARTITION
    )


def test_old_entry_of_a_household_that_moved_is_refused():
    area = TrusteeArea()
    mover = area.near[0]
    old = mover.entry
    area.join(FAR, start=DAY - 1, home=mover)
    mover.entry = old
    trustee = area.trustee()
    assert refusal(trustee, area.request()) == Reason.HOUSEHOLD


def test_moving_with_hindsight_does_not_open_a_household_twice():
    """The registrar moves a household back in time, after its figure was opened."""
    area = TrusteeArea()
    trustee = area.trustee()
    assert isinstance(ask(trustee, area.request()), Answer)
    mover = area.join(FAR, start=DAY - 1, home=area.near[0])
    trustee.take(_roster_page(area))
    request = area.request([*area.far, mover], group="92")
    assert refusal(trustee, request) == Reason.ANSWERED


def _roster_page(area):
    (page,) = roster_pages(len(area.entries) - 1, area.entries[-1:])
    return page


def test_forged_roster_and_wrong_head_are_refused(area, trustee):
    forger = TrusteeArea(far=0)
    known = trustee.known()
    page = _roster_page(forger)
    trustee.take(page)
    assert trustee.known() == known
    assert refusal(trustee, area.request(head=bytes(32))) == Reason.ROSTER
    longer = area.request(length=len(area.roster), bitmap=bytes(9)).request
    longer = msgspec.structs.replace(longer, length=70)
    signed = sign_request(longer, COLLECTIVITY, area.platform_key)
    assert refusal(area.trustee(), signed) == Reason.ROSTER


def test_document_that_does_not_hold_on_the_day_is_refused(area, trustee):
    assert refusal(trustee, area.request(measures=bytes(32))) == Reason.DOCUMENT
    assert refusal(trustee, area.request(day=DAY - 6)) == Reason.DOCUMENT


def test_sum_without_all_seeds_is_refused_and_check_names_them(area):
    trustee = area.trustee(teaches=False)
    area.teach(trustee)
    for home in area.near[1:]:
        trustee.take_key_shares(home.topic, area.letters(home))
    assert refusal(trustee, area.request()) == Reason.SEEDS
    answer = ask(trustee, area.request(ask=Ask.CHECK))
    assert answer.unknown == (area.near[0].entry,)
    assert all(from_bytes(data)[0] == 0 for _, data in answer.sums)
    trustee.take_key_shares(area.near[0].topic, area.letters(area.near[0]))
    assert ask(trustee, area.request(ask=Ask.CHECK)).unknown == ()


def test_wrong_generation_is_an_unknown_seed(area, trustee):
    home = area.near[0]
    other = Home(area.shape, home.key, home.device, home.signing_key, home.nonce, home.entry, 2)
    request = area.request([other, *area.near[1:]], ask=Ask.CHECK)
    assert ask(trustee, request).unknown == (home.entry,)


def test_killed_between_writing_and_answering_gives_the_same_bytes_later(area, tmp_path):
    expected = ask(area.trustee(), area.request())
    trustee = area.stored(tmp_path / "a")

    def killed(*_):
        raise KeyboardInterrupt

    trustee._answerer._compute = killed
    with pytest.raises(KeyboardInterrupt):
        ask(trustee, area.request())
    trustee._log.close()
    again = area.stored(tmp_path / "a", teaches=False)
    assert again.known().log_length == 1
    assert refusal(again, area.request(area.near[1:])) == Reason.CONFLICT
    assert ask(again, area.request()) == expected
    assert again.known().log_length == 1
    again._log.close()


def test_sabotage_a_log_that_is_not_kept_lets_a_second_set_through(area, tmp_path):
    """What the test before rests on: without the entry on the disk both sets are answered."""
    trustee = area.stored(tmp_path / "a")
    trustee._answerer._log_answer = lambda *_: None
    trustee._log.put_asked_set = lambda *_: None
    assert isinstance(ask(trustee, area.request()), Answer)
    assert isinstance(ask(trustee, area.request(area.near[1:])), Answer)
    trustee._log.close()


def test_log_is_chained_append_only_and_its_damage_is_found(area, tmp_path):
    trustee = area.stored(tmp_path / "a")
    ask(trustee, area.request(ask=Ask.CHECK))
    ask(trustee, area.request())
    kept, name = trustee._log, trustee.identity.name
    entries = kept.entries(name)
    assert [each.number for each in check_chain(entries, trustee.identity)] == [0, 1]
    with pytest.raises(StoreError):
        check_chain(entries[1:], trustee.identity)
    with pytest.raises(StoreError):
        check_chain(list(reversed(entries)), trustee.identity)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        kept._rows("DELETE FROM entry")
    assert (tmp_path / "a" / "trustee.db").stat().st_mode & 0o777 == 0o600
    kept.close()


def test_database_of_something_else_is_refused(tmp_path):
    (tmp_path / "trustee.db").write_bytes(b"not a database" * 100)
    with pytest.raises(StoreError):
        TrusteeLog.open(tmp_path)


def test_who_is_entered_late_counts_from_when_it_was_seen():
    """A registrar that dates newcomers back cannot fill a group with them."""
    area = TrusteeArea()
    trustee = area.trustee()
    founders = area.near[: THRESHOLD - 1]
    assert isinstance(ask(trustee, area.request(area.near, day=DAY + 1)), Answer)
    area.today = DAY + 1
    late = area.join(NEAR, start=DAY - 90)
    trustee.take_key_shares(late.topic, area.letters(late))
    trustee.take(_roster_page(area))
    counted = DAY + 1 - SEEN_LATE_DAYS + COUNTS_AFTER_DAYS
    area.today = counted
    refusal = ask(trustee, area.request([*founders, late], day=counted - 1))
    assert refusal.reason is Reason.TOO_FEW
    assert isinstance(ask(trustee, area.request([*founders, late], day=counted)), Answer)


def test_when_a_household_was_seen_outlives_a_restart(tmp_path):
    area = TrusteeArea()
    trustee = area.stored(tmp_path)
    assert isinstance(ask(trustee, area.request()), Answer)
    late = area.join(NEAR, start=DAY - 90)
    trustee.take_key_shares(late.topic, area.letters(late))
    trustee.take(_roster_page(area))
    again = area.trustee(0, TrusteeLog.open(tmp_path), teaches=False)
    homes = [*area.near[: THRESHOLD - 1], late]
    assert ask(again, area.request(homes, day=DAY + 1)).reason is Reason.TOO_FEW
