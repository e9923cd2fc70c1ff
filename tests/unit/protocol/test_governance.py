"""Who may say who the trustees are."""

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol.area_cipher import Shape
from protocol.errors import DocumentRefused
from protocol.governance import (
    CosignedDocument,
    Signature,
    TrusteeSet,
    check_signed_by_trustees,
    draw_up,
    fingerprint,
    open_first_set,
    open_next_set,
    read_cosigned,
)
from protocol.measures import Measures
from tests.support.trustee_area import DAY, TrusteeArea

AREA = TrusteeArea(homes=0, far=0)
FIRST = AREA.signed_set


def following(**changes):
    fields = {"version": 2, "previous": FIRST.hash, "effective": DAY}
    return msgspec.structs.replace(AREA.set, **(fields | changes))


def test_first_set_is_signed_by_all_it_names_and_the_collectivity():
    assert open_first_set(FIRST) == AREA.set
    for missing in AREA.identities:
        signers = [each for each in AREA.identities if each is not missing]
        with pytest.raises(DocumentRefused, match=missing.name):
            open_first_set(AREA.signed(draw_up(AREA.set), signers))
    unsigned = msgspec.structs.replace(FIRST, signatures=FIRST.signatures[:-1])
    with pytest.raises(DocumentRefused, match="collectivity"):
        open_first_set(unsigned)
    with pytest.raises(DocumentRefused, match="follows another"):
        open_first_set(AREA.signed(draw_up(following())))


@pytest.mark.parametrize("count", [0, 1, 2])
def test_next_set_needs_as_many_of_the_set_before_as_open_a_sum(count):
    cosigned = draw_up(following())
    with pytest.raises(DocumentRefused, match=f"signed by {count} trustees"):
        open_next_set(AREA.signed(cosigned, AREA.identities[:count]), FIRST)
    assert open_next_set(AREA.signed(cosigned, AREA.identities[1:]), FIRST) == following()


def test_trustees_of_the_new_set_cannot_appoint_themselves():
    others = TrusteeArea(homes=0, far=0)
    new = following(trustees=others.set.trustees)
    cosigned = draw_up(new)
    for each in others.identities:
        cosigned = cosigned.signed(each.name, each.signing_key)
    cosigned = cosigned.signed("collectivity", AREA.platform_key)
    with pytest.raises(DocumentRefused, match="signed by 0 trustees"):
        open_next_set(cosigned, FIRST)


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 3},
        {"previous": bytes(32)},
        {"previous": None},
        {"collectivity": "elsewhere"},
        {"effective": DAY - 100},
    ],
    ids=str,
)
def test_next_set_follows_the_one_that_is_known(changes):
    with pytest.raises(DocumentRefused):
        open_next_set(AREA.signed(draw_up(following(**changes))), FIRST)


@pytest.mark.parametrize(
    "changes",
    [
        {"shape": Shape(1, 4)},
        {"shape": Shape(2, 3)},
        {"trustees": AREA.set.trustees[:3]},
        {"trustees": (AREA.set.trustees[0], *AREA.set.trustees[:3])},
    ],
    ids=["shape", "count", "three", "twice"],
)
def test_a_set_has_the_shape_that_it_says(changes):
    with pytest.raises(DocumentRefused):
        open_first_set(AREA.signed(draw_up(msgspec.structs.replace(AREA.set, **changes))))


def test_a_signature_counts_for_its_signer_kind_and_body_only():
    key = AREA.identities[0].signing_key
    signed = draw_up(AREA.set).signed("trustee-a", key)
    public = AREA.set.trustees[0].signing_key
    assert signed.is_signed_by("trustee-a", public)
    assert not signed.is_signed_by("trustee-b", public)
    assert not CosignedDocument("Measures", signed.body, signed.signatures).is_signed_by(
        "trustee-a", public
    )
    other = CosignedDocument(signed.kind, draw_up(following()).body, signed.signatures)
    assert not other.is_signed_by("trustee-a", public)
    twice = signed.signed("trustee-a", key)
    assert len(twice.signatures) == 1


def test_one_trustee_under_two_names_counts_once():
    name = AREA.identities[0]
    cosigned = draw_up(following()).signed("collectivity", AREA.platform_key)
    for each in ("trustee-a", "trustee-b", "trustee-c"):
        cosigned = cosigned.signed(each, name.signing_key)
    with pytest.raises(DocumentRefused, match="signed by 1 trustees"):
        check_signed_by_trustees(cosigned, AREA.set)


def test_a_bad_signature_beside_a_good_one_does_no_harm():
    stranger = Ed25519PrivateKey.generate()
    bad = Signature("trustee-a", stranger.sign(b"anything"))
    cosigned = msgspec.structs.replace(FIRST, signatures=(bad, *FIRST.signatures))
    assert open_first_set(cosigned) == AREA.set


def test_documents_are_read_as_what_they_are_in_their_one_form():
    with pytest.raises(DocumentRefused, match="no Measures"):
        read_cosigned(FIRST, Measures)
    loose = msgspec.structs.replace(FIRST, body=FIRST.body + b"\0")
    with pytest.raises(DocumentRefused, match="cannot be read"):
        read_cosigned(loose, TrusteeSet)


def test_fingerprint_is_that_of_the_body_whoever_signed():
    text = fingerprint(FIRST)
    assert text == fingerprint(draw_up(AREA.set))
    assert text != fingerprint(draw_up(following()))
    assert [len(each) for each in text.split()] == [4] * 6


def test_number_of_a_trustee_is_its_place():
    assert [AREA.set.number_of(each.name) for each in AREA.identities] == [0, 1, 2, 3]
    with pytest.raises(DocumentRefused):
        AREA.set.number_of("trustee-z")
