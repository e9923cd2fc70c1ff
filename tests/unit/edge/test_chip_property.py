"""Any order of kills, restarts, lost acks, doubled messages and cut networks gives the same curve."""

import random
import tempfile
from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.chip.chip import ChipSettings
from edge.mqtt.outbox import OutboxSettings
from edge.vault.keyring import Keyring, files_in
from protocol.calendar import legal_day, quarter_hours
from protocol.errors import Reason
from protocol.layout import REGISTER_STEP
from tests.support.chip_bench import PLATFORM_KEY, Bench, instant, make_identity
from tests.support.chip_cloud import FakeCloud, opened

# A month ends on the second day, and in the second case a year.
STARTS = st.sampled_from([instant(2026, 1, 30, 21), instant(2026, 12, 30, 21)])
SENDING = OutboxSettings(backlog_per_s=1_000.0, backlog_window=64, in_flight_max=8)
ACTIONS = st.one_of(
    st.tuples(st.just("run"), st.integers(1, 40)),
    st.tuples(st.just("kill"), st.just(0)),
    st.tuples(st.just("kill_unsent"), st.integers(1, 20)),
    st.tuples(st.just("lossy"), st.integers(0, 100)),
    st.tuples(st.just("double"), st.integers(0, 100)),
    st.tuples(st.just("network"), st.integers(0, 1)),
    st.tuples(st.just("set_back"), st.just(0)),
    st.tuples(st.just("snapshot"), st.just(0)),
)


class CardBench(Bench):
    """A bench whose chip has its keys on the card, as each process reads them."""

    def start(self):
        keyring = Keyring.read(self.identity.household, self.directory / "keys")
        self.identity = replace(self.identity, keyring=keyring)
        super().start()


class Trouble:
    """A cloud behind a wire that doubles messages."""

    def __init__(self, cloud, rng):
        self._cloud = cloud
        self._rng = rng
        self.double_percent = 0

    def take(self, publish):
        messages = self._cloud.take(publish)
        if self._rng.randrange(100) < self.double_percent:
            messages = messages + self._cloud.take(publish)
        return messages


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.data_too_large, HealthCheck.too_slow],
)
@given(
    start=STARTS,
    actions=st.lists(ACTIONS, max_size=14),
    seed=st.integers(0, 1_000),
    is_quarter=st.booleans(),
)
def test_any_interleaving_stores_each_value_once_and_exactly(start, actions, seed, is_quarter):
    rng = random.Random(seed)
    identity = make_identity()
    cloud = FakeCloud(identity, PLATFORM_KEY)
    trouble = Trouble(cloud, rng)
    snapshot = cloud.snapshot()
    with tempfile.TemporaryDirectory() as directory:
        bench = CardBench(
            Path(directory) / "chip",
            trouble,
            identity,
            start,
            is_quarter_hourly=is_quarter,
            settings=ChipSettings(outbox=SENDING),
        )
        bench.begin()
        for action, amount in actions:
            if action == "run":
                bench.run(amount)
            elif action == "kill":
                bench.restart()
            elif action == "kill_unsent":
                bench.run(amount, with_pump=False)
                bench.restart()
            elif action == "lossy":
                bench.drop = lambda _, percent=amount: rng.randrange(100) < percent
            elif action == "double":
                trouble.double_percent = amount
            elif action == "network":
                bench.connect(is_online=bool(amount))
            elif action == "snapshot":
                snapshot = cloud.snapshot()
            else:
                cloud.put_back(snapshot)
        bench.drop = lambda _: False
        bench.connect(is_online=True)
        bench.run(97)
        bench.settle()
        check(bench, cloud)
        years = [path.name[:9] for path in files_in(bench.directory / "keys")]
        assert years == sorted(set(years)), "one set of keys for each year"
        bench.kill()


def check(bench, cloud):
    """One value for each quarter-hour, the meter's; registers' steps add up."""
    values, expected = opened(cloud, bench.identity), bench.expected()
    days = sorted({day for day, j in values if j == 127})
    assert days == sorted({day for day, _ in expected if day < legal_day(bench.clock.at)})
    for day in days:
        for j in range(quarter_hours(day)):
            assert values[day, j] == expected.get((day, j), 0)
    ends = {day: n for n, (day, _) in enumerate(expected, 1)}
    at = bench.meter.start + ends[days[-1]] * (bench.clock.at - bench.meter.start) / len(expected)
    after, before = bench.meter.registers_wh(at), bench.meter.base_wh
    for register in range(2):
        steps = sum(values[day, REGISTER_STEP + register] for day in days)
        assert steps == after[register] // 1000 - before[register] // 1000
    assert all(refusal.reason is Reason.NO_EPOCH for refusal in cloud.refused)
