"""What every `AreaStore` must do; a store's own test file subclasses `AreaStoreContract`."""

import secrets
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.store import Put
from cloud.store.area import Figure, FigureKey, FigureStage, LettersItem
from protocol.errors import Reason, StoreError
from protocol.governance import CosignedDocument
from protocol.roster import Roster
from tests.support.area_household import AreaHousehold

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
LATER = AT + timedelta(days=40)
DAY = 20_780
DOCUMENT = b"d" * 32
PARTS = (("curve", "c1", 4), ("classes", "76-blue", 3))
CURVE = FigureKey(DOCUMENT, "curve", "c1", DAY)
CLASSES = FigureKey(DOCUMENT, "classes", "76-blue", DAY)


def figure(key=CURVE, stage=FigureStage.FIXED, at=AT, **more):
    return Figure(key, stage, at, **more)


class AreaStoreContract:
    """The tests; a subclass gives the fixtures `store` and `reopen`."""

    @pytest.fixture
    def area(self, store):
        return store.area

    @pytest.fixture
    def home(self):
        return AreaHousehold(entry=7)

    # contributions

    def test_rows_come_by_roster_entry_with_each_parts_words(self, area):
        homes = [AreaHousehold(entry=n) for n in (9, 2, 300)]
        made = [home.contribution(DAY, DOCUMENT, PARTS) for home in homes]
        items = [home.item(one) for home, one in zip(homes, made, strict=True)]
        assert area.put_contributions(items, AT) == (Put.STORED,) * 3
        for key, place in ((CURVE, 0), (CLASSES, 1)):
            rows = area.rows(key)
            assert [row.entry for row in rows] == [2, 9, 300]
            assert [row.words for row in rows] == [made[n].parts[place].words for n in (1, 0, 2)]
            assert [row.nonce for row in rows] == [made[n].nonce for n in (1, 0, 2)]
            assert [row.household_key for row in rows] == [
                homes[n].chip.household_key for n in (1, 0, 2)
            ]
            assert {row.generation for row in rows} == {1}
            assert rows[0].device == homes[1].chip.device

    def test_what_is_stored_outlives_the_store_object(self, area, reopen, home):
        area.put_contributions([home.item(home.contribution(DAY, DOCUMENT))], AT)
        key = FigureKey(DOCUMENT, "curve", "c", DAY)
        assert len(reopen().area.rows(key)) == 1

    def test_the_same_bytes_are_taken_again_and_others_conflict(self, area, home):
        item = home.item(home.contribution(DAY, DOCUMENT, PARTS))
        other = home.item(home.contribution(DAY, DOCUMENT, PARTS))
        assert area.put_contributions([item, item, other], AT) == (
            Put.STORED,
            Put.AGAIN,
            Reason.CONFLICT,
        )
        assert area.put_contributions([other, item], AT) == (Reason.CONFLICT, Put.AGAIN)
        assert [row.words for row in area.rows(CURVE)] == [item.contribution.parts[0].words]

    def test_another_day_or_document_is_another_contribution(self, area, home):
        contributions = [
            home.contribution(DAY, DOCUMENT, PARTS),
            home.contribution(DAY + 1, DOCUMENT, PARTS),
            home.contribution(DAY, b"e" * 32, PARTS),
        ]
        stored = area.put_contributions([home.item(one) for one in contributions], AT)
        assert stored == (Put.STORED,) * 3
        assert area.days(DOCUMENT) == (DAY, DAY + 1)
        assert area.days(b"e" * 32) == (DAY,)
        assert area.days(b"f" * 32) == ()

    @pytest.mark.parametrize("stage", list(FigureStage))
    def test_a_figure_that_is_fixed_takes_nothing_more_and_again_stays_again(
        self, area, home, stage
    ):
        first = home.item(home.contribution(DAY, DOCUMENT, PARTS))
        area.put_contributions([first], AT)
        area.put_figure(figure(CLASSES, stage))
        late = AreaHousehold(entry=8)
        # All of it or nothing: its curve would have been in time.
        item = late.item(late.contribution(DAY, DOCUMENT, PARTS))
        assert area.put_contributions([item, first], AT) == (Reason.LATE, Put.AGAIN)
        assert len(area.rows(CURVE)) == len(area.rows(CLASSES)) == 1
        assert (area.figure(CURVE), area.figure(CLASSES).late) == (None, 1)
        tomorrow = late.item(late.contribution(DAY + 1, DOCUMENT, PARTS))
        assert area.put_contributions([tomorrow], AT) == (Put.STORED,)

    def test_a_batch_that_fails_leaves_nothing(self, area, home):
        item = home.item(home.contribution(DAY, DOCUMENT))
        broken = msgspec.structs.replace(item, payload="no bytes")
        with pytest.raises(TypeError):
            area.put_contributions([item, broken], AT)
        assert area.days(DOCUMENT) == ()

    # seeds

    def test_letters_are_replaced_by_a_higher_generation_only(self, area, home):
        device, key = home.chip.device, home.chip.household_key
        assert area.generations([key]) == {}

        def put(generation, payload):
            return area.put_letters([LettersItem(device, home.letters(generation), payload)])[0]

        assert put(3, b"three") is Put.STORED
        assert put(3, b"three") is Put.AGAIN
        assert put(3, b"other") is Reason.CONFLICT
        assert put(2, b"two") is Reason.CONFLICT
        assert put(5, b"five") is Put.STORED
        # An old retained message that comes once more changes nothing.
        assert put(3, b"three") is Reason.CONFLICT
        assert area.generations([key, bytes(16)]) == {key: 5}

    # documents

    def test_a_signed_document_gathers_signatures(self, area):
        keys = [Ed25519PrivateKey.generate() for _ in range(2)]
        bare = CosignedDocument("Measures", b"body", ())
        first, second = bare.signed("trustee-a", keys[0]), bare.signed("trustee-b", keys[1])
        for cosigned in (first, second, first):
            area.put_cosigned(cosigned)
        kept = area.cosigned(bare.hash)
        assert kept.signatures == (*first.signatures, *second.signatures)
        assert area.cosigned(bytes(32)) is None

    def test_signed_documents_of_a_kind_come_in_their_order(self, area):
        cosigned_documents = [CosignedDocument("Measures", bytes([n]), ()) for n in (3, 1, 2)]
        other = CosignedDocument("TrusteeSet", b"x", ())
        for cosigned in (*cosigned_documents, other, cosigned_documents[0]):
            area.put_cosigned(cosigned)
        assert area.cosigned_documents("Measures") == tuple(cosigned_documents)
        assert area.cosigned_documents("TrusteeSet") == (other,)

    def test_blobs_are_known_by_their_hash(self, area):
        data = secrets.token_bytes(100_000)
        digest = area.put_blob(data)
        assert area.put_blob(data) == digest
        assert area.blob(digest) == data
        assert area.blob(bytes(32)) is None

    # the roster

    def test_the_roster_grows_at_its_end_only(self, area):
        key = Ed25519PrivateKey.generate()
        roster = Roster(key.public_key().public_bytes_raw())
        entries = []
        for _ in range(3):
            entries.append(AreaHousehold().signed_entry(roster, key))
            roster.append(entries[-1])
        area.append_roster(entries[:2])
        with pytest.raises(StoreError, match="run the command again"):
            area.append_roster([entries[1]])
        with pytest.raises(StoreError):
            area.append_roster([entries[2], entries[0]])
        assert area.roster() == tuple(entries[:2])
        area.append_roster(entries[2:])
        assert area.roster(1) == tuple(entries[1:])
        assert area.roster(3) == ()

    # figures

    def test_a_figure_is_given_back_as_it_stands(self, area):
        kept = figure(
            stage=FigureStage.CHECKED,
            requests=(b"check", b"sum"),
            left_out=((4, Reason.CHECK_SLOT),),
            opened=b"12345678",
            detail="Four was left out.",
        )
        assert area.figure(CURVE) is None
        area.put_figure(kept)
        assert area.figure(CURVE) == kept

    def test_contributions_alone_make_no_figure(self, area, home):
        area.put_contributions([home.item(home.contribution(DAY, DOCUMENT, PARTS))], AT)
        assert area.figure(CURVE) is None
        assert area.figures("curve", "c1", 0, DAY + 1) == area.unfinished() == ()

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            (FigureStage.CHECKED, FigureStage.FIXED),
            (FigureStage.RELEASED, FigureStage.CHECKED),
            (FigureStage.RELEASED, FigureStage.DISCARDED),
            (FigureStage.DISCARDED, FigureStage.RELEASED),
            (FigureStage.DISCARDED, FigureStage.FIXED),
        ],
    )
    def test_a_stage_never_goes_back(self, area, before, after):
        area.put_figure(figure(stage=before))
        with pytest.raises(StoreError, match="run it anew"):
            area.put_figure(figure(stage=after))
        assert area.figure(CURVE).stage is before
        area.put_figure(figure(stage=before, detail="again"))
        assert area.figure(CURVE).detail == "again"

    def test_figures_are_found_by_days_and_stage(self, area):
        keys = [msgspec.structs.replace(CURVE, day=DAY + n) for n in (2, 0, 1, 3)]
        stages = (
            FigureStage.RELEASED,
            FigureStage.FIXED,
            FigureStage.RELEASED,
            FigureStage.CHECKED,
        )
        for key, stage in zip(keys, stages, strict=True):
            area.put_figure(figure(key, stage))
        area.put_figure(figure(CLASSES, FigureStage.DISCARDED))
        found = area.figures("curve", "c1", DAY, DAY + 3)
        assert [one.key.day for one in found] == [DAY, DAY + 1, DAY + 2]
        released = area.figures("curve", "c1", DAY, DAY + 9, FigureStage.RELEASED)
        assert [one.key.day for one in released] == [DAY + 1, DAY + 2]
        assert [one.key.day for one in area.unfinished()] == [DAY, DAY + 3]

    # retention

    def test_contributions_go_when_all_their_figures_ended_long_ago(self, area, home):
        other = AreaHousehold(entry=8)
        kept = other.contribution(DAY, DOCUMENT, (("curve", "c1", 4), ("profile", "p", 2)))
        item = home.item(home.contribution(DAY, DOCUMENT, PARTS))
        area.put_contributions([item, other.item(kept)], AT)
        area.put_figure(figure(CURVE, FigureStage.RELEASED))
        area.put_figure(figure(CLASSES, FigureStage.CHECKED))
        assert area.expire_rows(LATER) == 0
        area.put_figure(figure(CLASSES, FigureStage.DISCARDED))
        assert area.expire_rows(AT) == 0
        assert area.expire_rows(LATER) == 1
        assert [row.entry for row in area.rows(CURVE)] == [8]
        assert area.rows(CLASSES) == ()
        # Whoever sends again what has expired is late, not stored a second time.
        assert area.put_contributions([item], AT) == (Reason.LATE,)
        assert area.figure(CURVE).stage is FigureStage.RELEASED

    def test_expiry_takes_a_limit(self, area):
        homes = [AreaHousehold(entry=n) for n in range(5)]
        area.put_contributions([h.item(h.contribution(DAY, DOCUMENT, PARTS)) for h in homes], AT)
        for key in (CURVE, CLASSES):
            area.put_figure(figure(key, FigureStage.RELEASED))
        assert [area.expire_rows(LATER, 2) for _ in range(4)] == [2, 2, 1, 0]
        assert area.days(DOCUMENT) == ()
