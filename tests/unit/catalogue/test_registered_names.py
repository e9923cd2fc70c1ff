"""An offer's name is the one under which the collectivity registered its key, seen by a person."""

import pytest

from cloud.catalogue.log import OpenedLog
from cloud.store.sqlite.store import SqliteStore
from protocol.errors import DocumentRefused
from tests.support.listing import TODAY, Provider


@pytest.fixture
def store(tmp_path):
    store = SqliteStore.open(tmp_path)
    yield store
    store.close()


@pytest.mark.xfail(strict=True, reason="whoever lists an offer first as EDF has the name for good")
def test_an_offer_that_names_itself_after_another_is_refused_and_the_other_is_not(store):
    listed, thief, edf = OpenedLog(store.catalogue), Provider("EDF"), Provider("EDF")
    with pytest.raises(DocumentRefused):
        listed.add(thief.offer(), TODAY)
    listed.add(edf.offer(), TODAY)
