"""Two documents that follow the same one: nobody honest signs both, and none takes the second."""

import json
from itertools import combinations

import msgspec
import pytest
from click.testing import CliRunner

from cloud.governance import documents as governance
from cloud.governance.documents import cosigned_file, read_cosigned_file
from cloud.release.pages import cosigned_pages
from protocol.calendar import day_of_number
from protocol.errors import DocumentRefused, Reason
from protocol.governance import COLLECTIVITY_SIGNER, NOTICE_DAYS, draw_up, fingerprint
from protocol.trustee_messages import Refused
from tests.support.fake_area_store import FakeAreaStore
from tests.support.trustee_area import COLLECTIVITY, DAY, TrusteeArea, ask
from trustee import directory as places
from trustee.commands.table import trustee as group
from trustee.core import TrusteeCore
from trustee.documents import FORKS_KEPT, TrustedDocuments
from trustee.log import Standing, TrusteeLog

LETTERS = "abcd"


def run(*args):
    return CliRunner().invoke(group, [str(each) for each in args], catch_exceptions=True)


@pytest.fixture
def places_of(tmp_path):
    """The directories of four trustees, with the keys that `volet trustee init` drew."""
    made = []
    for letter in LETTERS:
        directory = tmp_path / letter
        options = ("--collectivity", COLLECTIVITY, "--name", f"trustee-{letter}", "--title", letter)
        result = run("init", "--dir", directory, *options, "--broker-host", "localhost")
        assert result.exit_code == 0
        made.append(directory)
    return made


@pytest.fixture
def town(places_of):
    identities = [places.load_identity(directory) for directory in places_of]
    return TrusteeArea(homes=1, far=0, identities=identities)


def offer(town, tmp_path, places_of, document):
    """Ask every trustee to sign a document with its command; returns each's signed copy or None."""
    copies = []
    for directory in places_of:
        path = tmp_path / "document.json"
        drawn = draw_up(document).signed(COLLECTIVITY_SIGNER, town.platform_key)
        path.write_bytes(cosigned_file(drawn))
        result = run("sign", "--dir", directory, path, "--yes")
        copies.append(read_cosigned_file(path) if result.exit_code == 0 else None)
        if result.exit_code:
            assert isinstance(result.exception, DocumentRefused)
            assert read_cosigned_file(path) == drawn
    return copies


def narrow(town):
    """Measures in which the same groups are opened over fewer homes than the first's."""
    (measure,) = town.measures.measures
    groups = tuple(msgspec.structs.replace(each, threshold=3) for each in measure.groups)
    return town.measures_of(measures=(msgspec.structs.replace(measure, groups=groups),))


def following(town, **changes):
    fields = {"version": 2, "previous": town.signed_measures.hash, "effective": DAY + 9}
    return town.measures_of(**(fields | changes))


def test_trustees_sign_one_document_in_a_place_and_the_next_after_it(town, tmp_path, places_of):
    assert all(offer(town, tmp_path, places_of, town.measures))
    assert not any(offer(town, tmp_path, places_of, narrow(town)))
    assert all(offer(town, tmp_path, places_of, town.measures))
    assert all(offer(town, tmp_path, places_of, following(town)))
    assert not any(offer(town, tmp_path, places_of, following(town, epsilon=1.0)))
    assert not any(offer(town, tmp_path, places_of, following(town, previous=bytes(32))))


@pytest.mark.parametrize("liar", range(4))
def test_one_liar_who_signs_both_gives_no_two_documents_a_quorum(town, tmp_path, places_of, liar):
    """Whoever is asked first for which of them, at most one has three signatures."""
    drafts = (town.measures, narrow(town))
    honest = [directory for number, directory in enumerate(places_of) if number != liar]
    for first in (1, 2, 3):
        for asked_first in combinations(honest, first):
            for directory in honest:
                (directory / "trustee.db").unlink(missing_ok=True)
            rest = [directory for directory in honest if directory not in asked_first]
            signed = [offer(town, tmp_path, asked_first, drafts[0])]
            signed.append(offer(town, tmp_path, [*rest, *asked_first], drafts[1]))
            counts = [sum(copy is not None for copy in copies) + 1 for copies in signed]
            assert min(counts) < town.shape.threshold
            stores = []
            for document, copies in zip(drafts, signed, strict=True):
                store = FakeAreaStore()
                store.put_cosigned(town.signed_set)
                by_liar = town.signed(draw_up(document), [town.identities[liar]])
                try:
                    governance.add_document(
                        store, [by_liar, *filter(None, copies)], COLLECTIVITY, day_of_number(DAY)
                    )
                except DocumentRefused:
                    continue
                stores.append(store)
            assert len(stores) < 2


def test_sabotage_a_trustee_that_stores_nothing_signs_a_fork(
    town, tmp_path, places_of, monkeypatch
):
    monkeypatch.setattr(TrustedDocuments, "put_signed", lambda *_: None)
    assert all(offer(town, tmp_path, places_of, town.measures))
    assert all(offer(town, tmp_path, places_of, narrow(town)))


def test_a_first_set_is_drawn_up_anew_until_one_is_confirmed(town, tmp_path, places_of):
    """A trustee may have lost its keys meanwhile; people compare the fingerprint."""
    (directory, *_) = places_of
    other = msgspec.structs.replace(town.set, effective=DAY - 4)
    assert offer(town, tmp_path, [directory], other) != [None]
    assert offer(town, tmp_path, [directory], town.measures_of(trustees=draw_up(other).hash))
    assert offer(town, tmp_path, [directory], town.set) != [None]
    kept = TrusteeLog.open(directory)
    trustee = TrusteeCore(places.load_identity(directory), kept, lambda: DAY)
    trustee.confirm(fingerprint(town.signed_set))
    trustee.take(cosigned_pages(town.signed_set)[0])
    assert offer(town, tmp_path, [directory], other) == [None]
    # The measures of the set that was dropped never count.
    assert offer(town, tmp_path, [directory], town.measures) != [None]
    kept.close()


def test_notice_counts_from_the_day_of_signing(town, tmp_path, places_of, monkeypatch):
    """A trustee that was away when the document came had its notice when it signed."""
    directory = places_of[0]
    today = [DAY]
    monkeypatch.setattr("trustee.commands.sign.today_number", lambda: today[0])
    assert offer(town, tmp_path, [directory], following(town, effective=DAY + NOTICE_DAYS))
    kept = TrusteeLog.open(directory)
    trustee = TrusteeCore(town.identities[0], kept, lambda: today[0], is_alone=True)
    town.teach(trustee)
    today[0] = DAY + 30
    signed = town.signed(draw_up(following(town, effective=DAY + NOTICE_DAYS)))
    unsigned = town.signed(draw_up(following(town, effective=DAY + NOTICE_DAYS + 1)))
    assert not taken(trustee, unsigned)
    assert taken(trustee, signed)
    kept.close()


def test_a_document_that_comes_while_it_is_read_stays_trusted(town, places_of):
    directory = places_of[0]
    kept = TrusteeLog.open(directory)
    trustee = TrusteeCore(town.identities[0], kept, lambda: DAY, is_alone=True)
    town.teach(trustee)
    signing = TrustedDocuments(TrusteeLog.open(directory), COLLECTIVITY)
    cosigned = town.signed(draw_up(following(town)), town.identities[1:])
    signing.check_signing(cosigned)
    assert taken(trustee, cosigned)
    own = cosigned.signed(town.identities[0].name, town.identities[0].signing_key)
    signing.put_signed(own, DAY)
    again = TrustedDocuments(TrusteeLog.open(directory), COLLECTIVITY)
    assert again.measures_on(DAY + 9)[0] == cosigned.hash
    kept.close()


def test_a_document_that_is_signed_twice_keeps_its_first_day(town, places_of):
    kept = TrusteeLog.open(places_of[0])
    documents = TrustedDocuments(kept, COLLECTIVITY)
    for day in (DAY, DAY + 9):
        documents.put_signed(draw_up(town.measures), day)
    assert [each.seen for each in kept.documents(Standing.SIGNED)] == [DAY]
    kept.close()


def taken(trustee, cosigned) -> bool:
    for page in cosigned_pages(cosigned):
        (known,) = trustee.take(page)
    return cosigned.hash in known.message.documents


def test_a_trustee_refuses_a_fork_and_keeps_it_as_proof(town, places_of):
    directory = places_of[0]
    kept = TrusteeLog.open(directory)
    trustee = TrusteeCore(town.identities[0], kept, lambda: DAY, is_alone=True)
    town.teach(trustee)
    forks = [town.signed(draw_up(narrow(town)))]
    next_set = msgspec.structs.replace(
        town.set, version=2, previous=town.signed_set.hash, effective=DAY + NOTICE_DAYS
    )
    assert taken(trustee, town.signed(draw_up(next_set)))
    later = msgspec.structs.replace(next_set, effective=DAY + 20)
    forks.append(town.signed(draw_up(later)))
    # What no quorum signed proves nothing, and is not kept.
    assert not taken(trustee, town.signed(draw_up(following(town, previous=None)), ()))
    for fork in forks:
        assert not taken(trustee, fork)
        assert not taken(trustee, fork)
    kept.close()
    status = json.loads(run("status", "--dir", directory, "--json").output)
    assert set(status["forks"]) == {f"{fork.kind} {fork.hash.hex()}" for fork in forks}
    assert "FORK" in run("status", "--dir", directory).output
    again = TrusteeCore(town.identities[0], TrusteeLog.open(directory), lambda: DAY, is_alone=True)
    assert again.documents.measures_on(DAY)[0] == town.signed_measures.hash


def test_proofs_are_bounded():
    area = TrusteeArea(homes=1, far=0)
    kept = TrusteeLog.in_memory()
    trustee = area.trustee(0, kept)
    for number in range(FORKS_KEPT + 2):
        fork = area.signed(draw_up(area.measures_of(deadline_h=50 + number)))
        assert not taken(trustee, fork)
    assert len(kept.documents(Standing.FORK)) == FORKS_KEPT


def test_no_sum_is_opened_from_the_day_on_which_the_measures_end():
    area = TrusteeArea()
    area.measures = area.measures_of(end=DAY + 1)
    area.signed_measures = area.signed(draw_up(area.measures))
    trustee = area.trustee()
    refusal = ask(trustee, area.request(day=DAY + 1))
    assert isinstance(refusal, Refused)
    assert refusal.reason is Reason.DOCUMENT
    assert not isinstance(ask(trustee, area.request()), Refused)
