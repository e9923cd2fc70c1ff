"""Letters, documents and pages as a trustee takes them."""

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.release.pages import cosigned_pages, roster_pages
from protocol.area_cipher import month_number
from protocol.errors import MessageRefused
from protocol.governance import (
    COLLECTIVITY_SIGNER,
    NOTICE_DAYS,
    CosignedDocument,
    draw_up,
    fingerprint,
)
from protocol.seeds import commitment, draw_seeds
from protocol.trustee_messages import AnswerPage, RequestPage, ToTrustee
from tests.support.trustee_area import DAY, NEAR, Home, TrusteeArea, ask
from trustee.pages import Assembly


@pytest.fixture(scope="module")
def area():
    return TrusteeArea(homes=6, far=0)


@pytest.fixture
def trustee(area):
    trustee = area.trustee(teaches=False)
    area.teach(trustee)
    return trustee


def refused(trustee):
    return {
        name.removeprefix("refused_"): count
        for name, count in trustee._log.counters().items()
        if name.startswith("refused_")
    }


def test_retained_letters_that_come_again_are_neither_new_nor_refused(area, trustee):
    home = area.near[0]
    payload = area.letters(home)
    assert trustee.take_key_shares(home.topic, payload)
    assert not trustee.take_key_shares(home.topic, payload)
    assert trustee.households == 1
    assert refused(trustee) == {}


def test_generation_must_rise(area, trustee):
    home = area.near[0]
    first, second = area.letters(home, generation=1), area.letters(home, generation=2)
    assert trustee.take_key_shares(home.topic, second)
    assert not trustee.take_key_shares(home.topic, first)
    assert not trustee.take_key_shares(home.topic, area.letters(home, generation=2))
    assert refused(trustee) == {"conflict": 2}


def test_a_chip_has_few_generations_a_quarter_and_new_ones_in_the_next():
    area = TrusteeArea(homes=6, far=0)
    trustee = area.trustee(teaches=False)
    area.teach(trustee)
    home, other = area.near[:2]
    taken = [
        trustee.take_key_shares(home.topic, area.letters(home, generation=generation))
        for generation in range(1, 101)
    ]
    kept = taken.count(True)
    assert kept < 40
    assert len(trustee._log.seeds()) == kept
    assert refused(trustee) == {"over_quota": 100 - kept}
    assert trustee.take_key_shares(other.topic, area.letters(other))
    area.today += 92
    area.sealing.learn("trustee-a", trustee.notices())
    month = month_number(area.today)
    assert trustee.take_key_shares(home.topic, area.letters(home, generation=101, month=month))


def test_letters_that_do_not_open_are_tried_a_few_times_a_day_only(area, trustee):
    home = area.near[0]
    for generation in range(1, 101):
        letters = area.letters(home, generation=generation, letters=(b"x",) * 4)
        assert not trustee.take_key_shares(home.topic, letters)
    assert refused(trustee)["unknown_seeds"] < 40


def test_letters_that_wait_have_a_bound_in_bytes(area, trustee):
    strangers = [Home(area.shape) for _ in range(40)]
    for stranger in strangers:
        assert not trustee.take_key_shares(stranger.topic, bytes(60_000))
    assert trustee._letters.waiting() == ()


def test_letters_signed_by_another_or_under_another_topic_are_refused(area, trustee):
    home, other = area.near[:2]
    real = home.signing_key
    home.signing_key = Ed25519PrivateKey.generate()
    payload = area.letters(home)
    home.signing_key = real
    assert not trustee.take_key_shares(home.topic, payload)
    assert not trustee.take_key_shares(other.topic, area.letters(home))
    assert not trustee.take_key_shares(home.topic, area.letters(home, household_key=other.key))
    assert not trustee.take_key_shares("elsewhere", payload)
    assert refused(trustee) == {
        "bad_signature": 2,
        "unknown_household": 1,
        "topic_does_not_fit": 1,
    }


def test_seed_that_does_not_fit_its_commitment_is_refused(area, trustee):
    home = area.near[0]
    kept = home.seeds
    home.seeds = draw_seeds(area.shape)
    other = area.letters(home)
    commitments = _commitments(home)
    home.seeds = kept
    assert not trustee.take_key_shares(home.topic, area.letters(home, commitments=commitments))
    assert refused(trustee) == {"unknown_seeds": 1}
    assert trustee.take_key_shares(home.topic, other)


def test_letters_of_other_sets_and_shapes_are_refused(area, trustee):
    home = area.near[0]
    assert not trustee.take_key_shares(home.topic, area.letters(home, letters=(b"x",)))
    assert not trustee.take_key_shares(home.topic, area.letters(home, letters=(b"x",) * 4))
    assert refused(trustee) == {"out_of_bounds": 1, "unknown_seeds": 1}


def test_letters_before_the_roster_entry_wait_for_it():
    area = TrusteeArea(homes=6, far=0)
    trustee = area.trustee(teaches=False)
    early = Home(area.shape, sealing_key=area.sealing.public)
    assert not trustee.take_key_shares(early.topic, area.letters(early))
    area.join(NEAR, home=early)
    area.teach(trustee)
    assert trustee.households == 1


def test_letters_to_a_set_that_is_still_to_come_wait_for_it(area, trustee):
    following = msgspec.structs.replace(
        area.set, version=2, previous=area.signed_set.hash, effective=DAY + NOTICE_DAYS
    )
    cosigned = area.signed(draw_up(following))
    home = area.near[0]
    assert not trustee.take_key_shares(home.topic, home.letters(following, cosigned.hash))
    assert _take(trustee, cosigned)
    assert trustee.households == 1
    assert refused(trustee) == {}


def test_seeds_outlive_the_process(area, tmp_path):
    trustee = area.stored(tmp_path / "a")
    trustee._log.close()
    again = area.stored(tmp_path / "a", teaches=False)
    assert again.households == len(area.homes)
    assert again.known().roster_length == len(area.roster)
    assert set(again.known().documents) == {area.signed_set.hash, area.signed_measures.hash}
    again._log.close()


def test_first_set_waits_for_the_operator(area):
    trustee = area.trustee(teaches=False)
    (page,) = cosigned_pages(area.signed_set)
    (known,) = trustee.take(page)
    assert known.message.documents == ()
    trustee.confirm("AAAA " * 6)
    trustee.take(page)
    assert trustee.documents.trustees is None
    trustee.confirm(fingerprint(area.signed_set).lower())
    (known,) = trustee.take(page)
    assert known.message.documents == (area.signed_set.hash,)


def test_first_set_that_waited_is_taken_once_confirmed_without_being_sent_again(area):
    trustee = area.trustee(teaches=False)
    trustee.take(cosigned_pages(area.signed_set)[0])
    trustee.check_confirmation()
    assert trustee.documents.trustees is None
    trustee.confirm(fingerprint(area.signed_set))
    trustee.check_confirmation()
    assert trustee.documents.trustees == area.set


def test_first_set_without_all_signatures_is_refused(area):
    trustee = area.trustee(teaches=False)
    trustee.confirm(fingerprint(area.signed_set))
    cosigned = area.signed(draw_up(area.set), area.identities[:3])
    trustee.take(cosigned_pages(cosigned)[0])
    assert trustee.documents.trustees is None


def _take(trustee, cosigned):
    for page in cosigned_pages(cosigned):
        (known,) = trustee.take(page)
    return cosigned.hash in known.message.documents


def following(area, **changes):
    fields = {"version": 2, "previous": area.signed_measures.hash, "effective": DAY + 5}
    return area.measures_of(**(fields | changes))


def test_next_measures_need_notice_signatures_and_their_place(area, trustee):
    good = following(area, effective=DAY + NOTICE_DAYS)
    early = following(area, effective=DAY + NOTICE_DAYS - 1)
    assert not _take(trustee, area.signed(draw_up(early)))
    assert not _take(trustee, area.signed(draw_up(good), area.identities[:2]))
    unsigned = draw_up(good)
    for each in area.identities:
        unsigned = unsigned.signed(each.name, each.signing_key)
    assert not _take(trustee, unsigned)
    assert not _take(trustee, area.signed(draw_up(following(area, version=3))))
    assert not _take(trustee, area.signed(draw_up(following(area, previous=bytes(32)))))
    assert _take(trustee, area.signed(draw_up(good), area.identities[:3]))
    assert trustee.documents.measures_on(DAY)[1].version == 1
    assert trustee.documents.measures_on(DAY + NOTICE_DAYS)[1].version == 2


def test_measures_that_break_a_rule_are_refused(area, trustee):
    crowded = msgspec.structs.replace(area.measures.measures[0].groups[0], crowd=50)
    measure = msgspec.structs.replace(area.measures.measures[0], groups=(crowded,))
    bad = following(area, measures=(measure,))
    assert not _take(trustee, area.signed(draw_up(bad)))


def test_next_set_of_trustees_is_signed_by_the_one_before(area, trustee):
    following = msgspec.structs.replace(
        area.set, version=2, previous=area.signed_set.hash, effective=DAY + NOTICE_DAYS
    )
    own = draw_up(following).signed(COLLECTIVITY_SIGNER, area.platform_key)
    assert not _take(trustee, own)
    other_registrar = msgspec.structs.replace(following, registrar_key=bytes(32))
    assert not _take(trustee, area.signed(draw_up(other_registrar)))
    assert not _take(
        trustee, area.signed(draw_up(msgspec.structs.replace(following, effective=DAY)))
    )
    assert _take(trustee, area.signed(draw_up(following), area.identities[1:]))


def test_roster_comes_in_any_overlap_and_never_out_of_order(area):
    trustee = area.trustee(teaches=False)
    trustee.confirm(fingerprint(area.signed_set))
    trustee.take(cosigned_pages(area.signed_set)[0])
    for first, end in ((1, 3), (0, 2), (0, 2), (1, 6)):
        (page,) = roster_pages(first, area.entries[first:end])
        trustee.take(page)
    assert trustee.known().roster_head == area.roster.head
    assert refused(trustee) == {"roster_does_not_fit": 1}


def test_pages_in_any_order_and_twice_make_one_whole_and_a_forged_one_none(area):
    trustee = area.trustee()
    request = area.request()
    data = msgspec.msgpack.encode(request)
    name = request.request.id
    pages = [RequestPage(name, n, 3, data[n * 100 : (n + 1) * 100]) for n in range(2)]
    pages.append(RequestPage(name, 2, 3, data[200:]))
    out = [trustee.take(ToTrustee(pages[n])) for n in (2, 0, 2, 1)]
    assert [len(each) for each in out[:3]] == [0, 0, 0]
    assert isinstance(out[3][0].message, AnswerPage)
    (refusal,) = trustee.take(ToTrustee(RequestPage(bytes(32), 0, 1, data)))
    assert refusal.message.reason == "malformed"
    (refusal,) = trustee.take(ToTrustee(RequestPage(bytes(32), 0, 1, b"\x01")))
    assert refusal.message.reason == "malformed"


def test_memory_for_parts_is_bounded():
    assembly = Assembly(bytes_max=1_000, wholes_max=3)
    for number in range(50):
        assert assembly.add(bytes([number]), 0, 2, bytes(400)) is None
        assert assembly._size_bytes <= 1_000
    assert assembly.add(bytes([49]), 1, 2, b"end") == bytes(400) + b"end"
    assert assembly.add(bytes([0]), 1, 2, b"end") is None
    with pytest.raises(MessageRefused):
        assembly.add(bytes([0]), 1, 2, b"other")


def test_request_asked_through_pages_is_the_request_itself(area):
    assert ask(area.trustee(), area.request()).request == area.request().request.id


def _commitments(home):
    return tuple(commitment(seed, n) for n, seed in enumerate(home.seeds))


def test_unknown_kind_of_document_is_refused(trustee):
    assert not _take(trustee, CosignedDocument("Something", b"\x90", ()))
