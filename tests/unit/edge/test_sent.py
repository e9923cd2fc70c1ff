"""The account of what a chip published: equal to what went out, small, and its own file a day."""

import ast
import stat
import threading
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from edge.mqtt import link
from edge.mqtt.sent import DAYS_KEPT, FOLDER, LAST_WILL, WRITTEN_EVERY_S, SentAccount
from protocol.calendar import legal_day
from protocol.ids import new_device_id
from protocol.topics import SENT_BY_CHIPS, Kind, device_topic
from tests.support.environments import ROOT

START = datetime(2026, 11, 29, 22, 50, tzinfo=UTC)  # ten minutes before midnight in Paris
DEVICE = new_device_id()
FILE_BYTES_MAX = 4_096


class Chip:
    """A chip's account under a clock of its own, which a kill or a restart leaves as it is."""

    def __init__(self, directory):
        self.directory, self.at = directory, START
        self.start()

    def start(self):
        self.account = SentAccount(self.directory, lambda: self.at, self._monotonic_s)

    def _monotonic_s(self):
        return (self.at - START).total_seconds()

    def wait(self, seconds):
        self.at += timedelta(seconds=seconds)

    def send(self, kind=Kind.BLOCK, payload=b"payload"):
        self.account.count(device_topic("ville", DEVICE, kind), payload)

    def counts(self, day):
        sent = self.account.of(day)
        return {} if sent is None else {k: (v.count, v.size_bytes) for k, v in sent.kinds.items()}


@pytest.fixture
def chip(tmp_path):
    return Chip(tmp_path)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.sampled_from(SENT_BY_CHIPS), st.integers(0, 2_000)),
        st.tuples(st.just("wait"), st.integers(0, 40_000), st.none()),
        st.tuples(st.sampled_from(("round", "restart", "kill")), st.none(), st.none()),
    ),
    max_size=60,
)


@given(STEPS)
def test_the_account_is_what_went_out_and_a_kill_costs_the_last_minute_at_most(
    tmp_path_factory, steps
):
    chip, sent = Chip(tmp_path_factory.mktemp("chip")), []
    for step, what, number in (*steps, ("restart", None, None)):
        if step == "send":
            chip.send(what, bytes(number))
            sent.append((chip.at, what, number))
            chip.account.keep()  # the loop's round after each send
        elif step == "wait":
            chip.account.keep()
            chip.wait(min(what, WRITTEN_EVERY_S))  # the loop goes round at least once a minute
            chip.account.keep()
            chip.wait(max(0, what - WRITTEN_EVERY_S))
        elif step == "round":
            chip.account.keep()
        elif step == "restart":
            chip.account.keep(is_end=True)
            chip.start()
        else:
            least = [each for each in sent if (chip.at - each[0]).total_seconds() >= 60]
            chip.start()
            kept = sum(n for day in days_of(sent) for n, _ in chip.counts(day).values())
            assert len(least) <= kept <= len(sent)
            sent = sent[:kept]  # what the kill took is out of the account from now on
    expected = defaultdict(lambda: defaultdict(list))
    for at, kind, number in sent:
        expected[legal_day(at)][kind].append((at, number))
    for day in expected:
        of_day = chip.account.of(day).kinds
        assert {k: (v.count, v.size_bytes, v.first, v.last) for k, v in of_day.items()} == {
            kind: (len(each), sum(n for _, n in each), each[0][0], each[-1][0])
            for kind, each in expected[day].items()
        }


def days_of(sent):
    return {legal_day(at) for at, _, _ in sent}


def test_a_day_ends_at_the_households_midnight(chip):
    chip.send()
    chip.wait(1_200)
    chip.send(payload=b"")
    assert chip.counts(date(2026, 11, 29)) == {"up/block": (1, 7)}
    assert chip.counts(date(2026, 11, 30)) == {"up/block": (1, 0)}
    assert chip.account.of(date(2026, 11, 29)).since == START
    assert chip.account.of(date(2026, 11, 30)).since is None
    assert chip.account.of(date(2026, 11, 28)) is None


def test_a_clock_that_goes_back_counts_on_in_the_day_of_before(chip):
    chip.wait(1_200)
    chip.send()
    chip.account.keep(is_end=True)
    chip.wait(-1_200)
    chip.send()
    chip.wait(1_200)
    chip.send()
    assert chip.counts(date(2026, 11, 29)) == {"up/block": (1, 7)}
    assert chip.counts(date(2026, 11, 30)) == {"up/block": (2, 14)}


def test_the_card_is_written_once_a_minute_at_most_and_one_small_file(chip, tmp_path):
    written = set()
    for _ in range(600):
        for kind in SENT_BY_CHIPS:
            chip.send(kind)
        chip.account.keep()
        path = tmp_path / FOLDER / f"{legal_day(chip.at)}.json"
        if path.exists():
            written.add((path, path.stat().st_mtime_ns, path.stat().st_ino))
            assert path.stat().st_size < FILE_BYTES_MAX
        chip.wait(1)
    assert 9 <= len(written) <= 11
    path = next((tmp_path / FOLDER).iterdir())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    before = path.stat().st_mtime_ns
    for _ in range(300):
        chip.account.keep()  # nothing was sent
        chip.wait(60)
    assert path.stat().st_mtime_ns == before or legal_day(chip.at) != legal_day(START)


def test_days_beyond_the_bound_are_forgotten(chip, tmp_path):
    for _ in range(DAYS_KEPT + 5):
        chip.send()
        chip.account.keep(is_end=True)
        chip.wait(86_400)
    kept = sorted(path.name for path in (tmp_path / FOLDER).iterdir())
    assert len(kept) == DAYS_KEPT
    assert kept[0] == f"{legal_day(START + timedelta(days=5))}.json"


@pytest.mark.parametrize(
    "damage", [b"", b"{", b'{"day": "2026-11-28"}', b'{"day": "2026-11-29", "more": 1}', b"\xff"]
)
def test_a_damaged_file_is_counted_anew_and_says_so(chip, tmp_path, damage):
    chip.send()
    chip.account.keep(is_end=True)
    path = tmp_path / FOLDER / "2026-11-29.json"
    path.write_bytes(damage)
    chip.wait(60)
    with capture_logs() as logs:
        chip.start()
    assert [each["event"] for each in logs] == ["sent_counted_anew"]
    assert chip.counts(date(2026, 11, 29)) == {}
    chip.send()
    chip.account.keep(is_end=True)
    chip.start()
    sent = chip.account.of(date(2026, 11, 29))
    assert sent.is_anew
    assert sent.since == chip.at
    assert chip.counts(date(2026, 11, 29)) == {"up/block": (1, 7)}


def test_a_card_that_takes_nothing_costs_no_count_and_is_logged_once(chip, tmp_path):
    (tmp_path / FOLDER).write_bytes(b"no folder")
    with capture_logs() as logs:
        for _ in range(5):
            chip.send()
            chip.account.keep()
            chip.wait(61)
    assert [each["event"] for each in logs] == ["sent_not_kept"]
    (tmp_path / FOLDER).unlink()
    chip.account.keep(is_end=True)
    chip.start()
    assert chip.counts(date(2026, 11, 29)) == {"up/block": (5, 35)}


def test_two_threads_lose_no_count(chip):
    def send():
        for _ in range(500):
            chip.send()
            chip.account.count_will(b"offline")

    threads = [threading.Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        chip.account.keep(is_end=True)
    for thread in threads:
        thread.join()
    assert chip.counts(date(2026, 11, 29)) == {
        "up/block": (1_000, 7_000), LAST_WILL: (1_000, 7_000),
    }  # fmt: skip


def calls(source, name):
    return [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == name
    ]


def test_no_publish_goes_round_the_account():
    """One line calls the MQTT client, in the module that counts and alone speaks to the city."""
    source = Path(link.__file__).read_text("utf-8")
    assert len(calls(source, "publish")) == len(calls(source, "will_set")) == 1
    [send] = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef) and calls(ast.unparse(node), "publish")
    ]
    assert send.name == "_send"
    assert len(calls(ast.unparse(send), "count")) == 1
    knowing = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "edge").rglob("*.py")
        if any(
            name.split(".")[0] in {"paho", "aiomqtt"}
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            for name in _imported(node)
        )
    }
    # The other speaks to the household's own broker, and to no other (edge/home/guard.py).
    assert knowing == {"edge/mqtt/link.py", "edge/home/link.py"}


def _imported(node):
    if isinstance(node, ast.Import):
        return [each.name for each in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []
