"""The worker's part in the area lane: asks beside fetches, upkeep of what was released."""

from datetime import UTC, date, datetime, timedelta

from cloud.store.area import Figure, FigureKey, FigureStage
from protocol.calendar import day_number
from protocol.topics import Kind
from tests.support.area_household import AreaHousehold
from tests.support.area_town import AreaTown
from tests.support.fake_chip import FakeChip
from tests.unit.cloud.test_worker_tasks import run_worker, until

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = day_number(date(2026, 10, 5))


def test_a_chip_that_asks_and_fetches_at_once_is_answered_both(tmp_path):
    chip = FakeChip()
    ask = chip.message(Kind.ASK, AreaHousehold(chip).ask())
    asked = [ask, chip.fetch(chip.incarnation), ask]

    async def scenario(link, _store, _in_store):
        def topics():
            return {sent.topic for kind, sent in link.events if kind == "send"}

        await until(lambda: topics() == {chip.topic(Kind.TERMS), chip.topic(Kind.ACK)})

    run_worker(tmp_path, chip, scenario, [asked])


def test_contributions_go_30_days_after_their_figures_ended(tmp_path):
    chip, town = FakeChip(), AreaTown()
    home = AreaHousehold(chip)
    days = {DAY: NOW - timedelta(days=30, seconds=1), DAY + 1: NOW - timedelta(days=29)}

    def prepare(store):
        town.settle(store)
        items = [home.item(home.contribution(day, bytes(32))) for day in (*days, DAY + 2)]
        store.area.put_contributions(items, NOW)
        for day, at in days.items():
            store.area.put_figure(
                Figure(FigureKey(bytes(32), "curve", "c", day), FigureStage.RELEASED, at)
            )

    async def scenario(_link, store, in_store):
        async def is_trimmed():
            return await in_store(store.area.days, bytes(32)) == (DAY + 1, DAY + 2)

        await until(is_trimmed)

    run_worker(tmp_path, chip, scenario, prepare=prepare)
