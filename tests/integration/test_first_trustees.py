"""What comes for a chip that was just enrolled shows on its page without a restart."""

import signal

import pytest

from cloud.registry.key_files import load_platform_key
from cloud.store.sqlite.store import SqliteStore
from edge.area.settings import change_choices
from edge.vault.reader import read_vault
from tests.integration.test_ingest_worker import WorkerProcess
from tests.support.area_town import AreaTown
from tests.support.broker import COLLECTIVITY, wait_until
from tests.support.first_run import new_home
from tests.support.page_process import patiently


@pytest.mark.long  # tests/unit/edge_area/test_area_terms.py has the rule in every run
def test_trustees_that_come_after_the_first_enrolment_show_without_a_restart(broker, tmp_path):
    town = AreaTown(COLLECTIVITY, platform_key=load_platform_key(broker.cloud))
    worker = WorkerProcess(broker.cloud)
    worker.start_and_wait()
    try:
        with new_home(tmp_path, broker.cloud) as home, home.visitor() as visitor:
            home.make_request(visitor)
            home.take_answer(visitor, home.enrol(visitor))
            # Blocks are encrypted once the cloud has answered, and it answers in order.
            wait_until(lambda: home.has_metered() and _has_blocks(home.chip), "blocks")
            assert "Trustee-A" not in _agreements(visitor)
            store = SqliteStore.open(broker.cloud, is_checked=False)
            town.settle(store)
            store.close()
            wait_until(lambda: "Trustee-A" in _agreements(visitor), "the trustees to show")
            change_choices(home.chip, trustees=town.signed_trustees.hash.hex())
            wait_until(lambda: _has_measures(home.chip, town), "the measures they signed to come")
            assert home.log.count("chip_started") == 1
    finally:
        worker.end(signal.SIGKILL)


def _agreements(visitor):
    return patiently(lambda: visitor.get("/accords")).text


def _has_blocks(chip):
    with read_vault(chip) as vault:
        return vault.figures().blocks > 0


def _has_measures(chip, town):
    with read_vault(chip) as vault:
        return town.signed_measures.hash in {row.hash for row in vault.area.documents()}
