"""Any three trustees put a fourth one out, and figures go on under the next set."""

import msgspec
import pytest

from cloud.governance import documents as governance
from cloud.governance.replacing import LIFE_DAYS, measures_under, replaced_set
from cloud.store.sqlite.store import SqliteStore
from protocol.area_cipher import Shape
from protocol.calendar import day_of_number
from protocol.errors import DocumentRefused
from protocol.governance import COLLECTIVITY_SIGNER, NOTICE_DAYS, draw_up, read_cosigned
from protocol.measures import Measures
from protocol.seeds import heads_seen
from tests.support.trustee_area import (
    COLLECTIVITY,
    DAY,
    TrusteeArea,
    ask_all,
    greet,
)
from trustee.identity import TrusteeIdentity

START = DAY + NOTICE_DAYS


class Replacing:
    """An area with its documents in a real store, and what puts one of its trustees out."""

    def __init__(self, folder, out, by=None):
        self.area = TrusteeArea(far=0)
        self.out = out
        self.store = SqliteStore.open(folder)
        self.by = by
        for cosigned in (self.area.signed_set, self.area.signed_measures):
            self.store.area.put_cosigned(cosigned)
        name = self.area.identities[out].name
        self.bare_set = draw_up(
            replaced_set(self.store.area, name, by.public if by else None, START)
        )
        bare = measures_under(self.store.area, self.bare_set, START)
        self.set, self.measures = (self.signed(bare) for bare in (self.bare_set, bare))

    def signed(self, cosigned, signers=None):
        """Sign as the collectivity and all trustees but the one that is put out."""
        others = [each for n, each in enumerate(self.area.identities) if n != self.out]
        for signer in (*others, *([self.by] if self.by else [])) if signers is None else signers:
            cosigned = cosigned.signed(signer.name, signer.signing_key)
        return cosigned.signed(COLLECTIVITY_SIGNER, self.area.platform_key)

    def add(self):
        """Add both documents at the collectivity."""
        for cosigned in (self.set, self.measures):
            today = day_of_number(DAY)
            governance.add_document(self.store.area, [cosigned], COLLECTIVITY, today)

    def teach(self, *trustees):
        """Give trustees both documents and the seeds that homes draw for the next set."""
        next_set = read_cosigned(self.set, type(self.area.set))
        for trustee in trustees:
            for cosigned in (self.set, self.measures):
                trustee.documents.take_cosigned(msgspec.msgpack.encode(cosigned), DAY)
            for home in self.area.near:
                entry = self.area.roster.entry(home.entry)
                seen = heads_seen(self.set.hash, self.measures.hash, entry)
                letters = home.letters(next_set, self.set.hash, seen=seen)
                assert trustee.take_key_shares(home.topic, letters)


@pytest.fixture(params=range(4))
def replacing(request, tmp_path):
    newcomer = TrusteeIdentity.draw(COLLECTIVITY, "trustee-e")
    replacing = Replacing(tmp_path, request.param, newcomer)
    yield replacing
    replacing.store.close()


def test_three_put_the_fourth_out_and_its_successor_opens_with_them(replacing):
    area, out = replacing.area, replacing.out
    trustees = {n: area.trustee(n, is_alone=False) for n in range(4) if n != out}
    liar = area.trustee(out, is_alone=False)
    greet([*trustees.values(), liar])
    replacing.add()
    for home in area.near:
        home.generation = 2
        home.__post_init__()
    area.identities[out] = replacing.by
    newcomer = area.trustee(out, is_alone=False, teaches=False)
    area.teach(newcomer)
    replacing.teach(*trustees.values(), newcomer)
    trustees[out] = newcomer
    greet([newcomer, *trustees.values()])
    request = area.request(day=START, measures=replacing.measures.hash)
    answers = dict(zip(trustees, ask_all(list(trustees.values()), request), strict=True))
    area.signed_measures = replacing.measures
    opened = area.opened(area.near, answers, START)
    assert opened.tolist() == sum(home.values for home in area.near).tolist()


def test_two_of_them_do_not(replacing):
    replacing.set = replacing.signed(replacing.bare_set, replacing.area.identities[:2])
    with pytest.raises(DocumentRefused, match="signed by 2 trustees"):
        replacing.add()


def test_without_a_successor_the_set_shrinks(tmp_path):
    replacing = Replacing(tmp_path, 3)
    replacing.add()
    chain = governance.trustee_chain(replacing.store.area)
    assert [trustees.shape for _, trustees in chain] == [Shape(3, 4), Shape(2, 3)]
    twice = replaced_set(replacing.store.area, "trustee-a", None, START)
    assert (twice.shape, twice.previous) == (Shape(2, 2), chain[-1][0].hash)
    replacing.store.area.put_cosigned(draw_up(twice))
    with pytest.raises(DocumentRefused, match="--by"):
        replaced_set(replacing.store.area, "trustee-b", None, START)
    replacing.store.close()


def test_measures_that_would_be_over_get_another_year(tmp_path):
    replacing = Replacing(tmp_path, 0)
    end = read_cosigned(replacing.measures, Measures).end
    assert end == replacing.area.measures.end
    late = measures_under(replacing.store.area, replacing.bare_set, end)
    assert read_cosigned(late, Measures).end == end + LIFE_DAYS
    replacing.store.close()
