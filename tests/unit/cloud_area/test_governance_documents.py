"""Which documents the collectivity takes: signed by whom they must be, in order, with notice."""

from datetime import timedelta

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.governance import documents as governance
from cloud.store.sqlite.store import SqliteStore
from protocol.area_cipher import Shape
from protocol.calendar import day_of_number
from protocol.errors import DocumentRefused
from protocol.governance import CosignedDocument, draw_up
from tests.support.area_town import FIRST_DAY, AreaTown, public, transform_bytes

TODAY = day_of_number(FIRST_DAY)


@pytest.fixture
def area(tmp_path):
    store = SqliteStore.open(tmp_path)
    yield store.area
    store.close()


@pytest.fixture
def town(area):
    town = AreaTown()
    area.put_blob(town.transform)
    return town


def add(area, town, *copies, today=TODAY):
    return governance.add_document(area, copies, town.collectivity, today)


@pytest.fixture
def settled(area, town):
    add(area, town, town.signed_trustees)
    add(area, town, town.signed_measures)
    return town


def second_set(town, **changes):
    fields = {
        "version": 2,
        "previous": town.signed_trustees.hash,
        "effective": FIRST_DAY + 10,
    } | changes
    return draw_up(msgspec.structs.replace(town.trustees, **fields))


def next_measures(town, **changes):
    fields = {
        "version": 2,
        "previous": town.signed_measures.hash,
        "effective": FIRST_DAY + 10,
    } | changes
    return draw_up(town.measures_of(town.signed_trustees.hash, **fields))


def test_copies_signed_by_some_each_are_joined(area, town):
    bare = draw_up(town.trustees)
    copies = [town.signed(bare, (n,), collectivity=n == 2) for n in range(4)]
    for missing in range(4):
        with pytest.raises(DocumentRefused, match="signed"):
            add(area, town, *copies[:missing], *copies[missing + 1 :])
    assert area.cosigned_documents("TrusteeSet") == ()
    add(area, town, *copies)
    assert len(area.cosigned_documents("TrusteeSet")[0].signatures) == 5


def test_signatures_that_come_later_are_added_to_those_kept(area, settled):
    cosigned = settled.signed(next_measures(settled), (0, 1, 2))
    add(area, settled, cosigned)
    # The notice was given when it came first.
    late = TODAY + timedelta(days=30)
    add(area, settled, settled.signed(next_measures(settled), (3,)), today=late)
    assert len(area.cosigned(cosigned.hash).signatures) == 5


def test_copies_of_two_documents_are_refused(area, settled):
    with pytest.raises(DocumentRefused, match="one at a time"):
        add(area, settled, settled.signed_trustees, settled.signed_measures)


def test_measures_need_a_quorum_and_the_collectivity(area, settled):
    bare = next_measures(settled)
    with pytest.raises(DocumentRefused, match="signed by 2 trustees"):
        add(area, settled, settled.signed(bare, (0, 1)))
    with pytest.raises(DocumentRefused, match="not signed by the collectivity"):
        add(area, settled, settled.signed(bare, collectivity=False))
    strangers = AreaTown()
    with pytest.raises(DocumentRefused, match="signed"):
        add(area, settled, strangers.signed(bare))
    add(area, settled, settled.signed(bare, (0, 1, 3)))
    assert len(governance.listed(area)) == 3


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"version": 3}, "the next one is 2"),
        ({"effective": FIRST_DAY + 2}, "3 days"),
        ({"previous": None}, "--follows"),
        ({"previous": bytes(32)}, "--follows"),
        ({"end": FIRST_DAY + 10}, "end before they take effect"),
        ({"effective": FIRST_DAY - 1}, "before their trustees"),
        ({"collectivity": "otherville"}, "are otherville's"),
        ({"trustees": bytes(32)}, "add that set first"),
        ({"measures": ()}, "measure nothing"),
    ],
)
def test_measures_that_do_not_follow_are_refused_with_the_reason(area, settled, changes, words):
    with pytest.raises(DocumentRefused, match=words):
        add(area, settled, settled.signed(next_measures(settled, **changes)))
    assert len(area.cosigned_documents("Measures")) == 1


def test_measures_need_their_transforms(area, settled):
    settled.transform = transform_bytes(5)
    with pytest.raises(DocumentRefused, match="--blob"):
        add(area, settled, settled.signed(next_measures(settled)))
    area.put_blob(settled.transform)
    other = AreaTown(slots=4)
    other.transform = settled.transform
    settled.slots = 4
    with pytest.raises(DocumentRefused, match="another number of slots"):
        add(area, settled, settled.signed(next_measures(settled)))


def test_the_first_documents_may_take_effect_at_once_and_later_ones_need_notice(area, settled):
    soon = settled.signed(second_set(settled, effective=FIRST_DAY + 2))
    with pytest.raises(DocumentRefused, match="3 days"):
        add(area, settled, soon)
    add(area, settled, settled.signed(second_set(settled, effective=FIRST_DAY + 3)))
    assert [each.version for each in governance.listed(area) if each.kind == "TrusteeSet"] == [1, 2]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"version": 3}, "does not follow"),
        ({"previous": bytes(32)}, "does not follow"),
        ({"effective": FIRST_DAY - 1}, "before the one"),
        ({"collectivity": "otherville"}, "another collectivity's"),
        ({"registrar_key": b"r" * 32}, "another registrar"),
        ({"shape": Shape(2, 3)}, "must name 3"),
    ],
)
def test_a_set_that_does_not_follow_is_refused(area, settled, changes, words):
    with pytest.raises(DocumentRefused, match=words):
        add(area, settled, settled.signed(second_set(settled, **changes)))


def test_a_later_set_is_signed_by_the_set_before(area, settled):
    takeover = AreaTown(platform_key=settled.platform_key)
    bare = second_set(settled, trustees=takeover.trustees.trustees)
    with pytest.raises(DocumentRefused, match="signed by 0 trustees"):
        add(area, settled, takeover.signed(bare))
    add(area, settled, settled.signed(bare, (1, 2, 3)))


def test_other_kinds_are_refused(area, town):
    with pytest.raises(DocumentRefused, match="no document of the area lane"):
        add(area, town, CosignedDocument("Tariff", b"", ()))


def test_without_the_check_of_signatures_strangers_would_rule(area, settled, monkeypatch):
    """Sabotage: what holds strangers off is the check of signatures."""
    forged = AreaTown().signed(next_measures(settled))
    with pytest.raises(DocumentRefused):
        add(area, settled, forged)
    monkeypatch.setattr(governance, "check_signed_by_trustees", lambda *_: None)
    add(area, settled, forged)
    assert area.cosigned(forged.hash)


def test_the_next_set_is_drawn_up_after_the_last(area, settled):
    drawn = governance.next_set(
        area, "testville", Shape(3, 4), settled.trustees.trustees, FIRST_DAY + 9
    )
    assert (drawn.version, drawn.previous) == (2, settled.signed_trustees.hash)
    with pytest.raises(DocumentRefused, match="takes 3 trustees, 4 are named"):
        governance.next_set(area, "testville", Shape(2, 3), settled.trustees.trustees, FIRST_DAY)


def test_files_that_are_something_else_are_named(tmp_path):
    path = tmp_path / "some.json"
    path.write_text("{}")
    with pytest.raises(DocumentRefused, match=r"some\.json is not a document"):
        governance.read_cosigned_file(path)
    with pytest.raises(DocumentRefused, match="not the description of a trustee"):
        governance.read_trustee(path)
    with pytest.raises(DocumentRefused, match="not offered"):
        governance.parse_shape("4-of-5")
    key = Ed25519PrivateKey.generate()
    cosigned = CosignedDocument("Measures", b"x", ()).signed("trustee-a", key)
    path.write_bytes(governance.cosigned_file(cosigned))
    assert governance.read_cosigned_file(path) == cosigned
    assert cosigned.is_signed_by("trustee-a", public(key))
