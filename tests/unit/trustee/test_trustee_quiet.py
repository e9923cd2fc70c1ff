"""What trustees say and log in an hour in which nothing happens, whatever they wait for."""

import asyncio
from collections import Counter
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from cloud.release.engine import ReleaseEngine
from cloud.release.service import ReleaseService, response_filter
from protocol.governance import fingerprint
from system.store_thread import StoreThread
from tests.support.fake_area_store import FakeAreaStore
from tests.support.trustee_area import COLLECTIVITY, TrusteeArea
from tests.support.virtual_time import Bus, run_virtually
from trustee import service as service_module
from trustee.core import TrusteeCore
from trustee.documents import confirm_first_set
from trustee.log import TrusteeLog

HOUR_S = 3_600
# Half a minute apart on average, a hello and what is known, give or take what the jitter draws.
SAID_MOST = HOUR_S / 10


class Hour:
    """An hour of the city's trustees: what they said, what they logged, who is ready after it."""

    def __init__(self, monkeypatch, confirmed, running=(0, 1, 2, 3), *, has_worker=True):
        self._bus = Bus()
        monkeypatch.setattr(service_module, "Link", self._bus.link)
        area = TrusteeArea(homes=2, far=0)
        trustees = []
        for number in running:
            kept = TrusteeLog.in_memory()
            if number in confirmed:
                confirm_first_set(kept, fingerprint(area.signed_set))
            trustees.append(TrusteeCore(area.identities[number], kept, lambda: area.today))
        with capture_logs() as self.logs:
            run_virtually(self._pass(area, trustees, has_worker=has_worker))
        self.ready = [
            number for number, each in zip(running, trustees, strict=True) if each.is_ready
        ]

    async def _pass(self, area, trustees, *, has_worker):
        stop = asyncio.Event()
        services = [
            service_module.TrusteeProgram(each, self._bus.settings(each.identity.name))
            for each in trustees
        ]
        if has_worker:
            store = FakeAreaStore()
            store.put_cosigned(area.signed_set)
            services.append(
                ReleaseService(
                    self._bus.link(self._bus.settings("worker"), [response_filter(COLLECTIVITY)]),
                    StoreThread(),
                    ReleaseEngine(store, COLLECTIVITY, area.platform_key),
                    lambda: datetime.now(UTC),
                )
            )
        running = [asyncio.create_task(each.run(stop)) for each in services]
        await asyncio.sleep(HOUR_S)
        stop.set()
        await asyncio.gather(*running)

    def warnings(self):
        """Count warnings, each with its fields."""
        return Counter(str(each) for each in self.logs if each["log_level"] == "warning")

    def said(self):
        """Count what each trustee said."""
        return Counter(
            topic.split("/")[-2] for topic in self._bus.topics if not topic.endswith("/request")
        )


@pytest.mark.parametrize(
    "circumstances",
    [
        {"confirmed": range(4)},
        {"confirmed": ()},
        {"confirmed": range(4), "has_worker": False},
        {"confirmed": [0]},
        {"confirmed": [0], "running": [0]},
    ],
    ids=["no measures", "no operator yet", "no release worker", "one knows", "one is there"],
)
def test_trustees_that_wait_say_little_and_log_it_once(monkeypatch, circumstances):
    hour = Hour(monkeypatch, **circumstances)
    assert max(hour.said().values()) <= SAID_MOST
    assert max(hour.warnings().values(), default=0) <= 4  # each of them once
    assert len(hour.warnings()) <= 2


def test_trustees_of_a_city_without_measures_are_ready(monkeypatch):
    hour = Hour(monkeypatch, confirmed=range(4))
    assert hour.ready == [0, 1, 2, 3]
    assert not hour.warnings()
