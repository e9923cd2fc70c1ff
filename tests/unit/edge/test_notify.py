"""What systemd is told."""

import socket

import pytest

from system.systemd import Notifier
from tests.support.chip_bench import BenchClock, instant


@pytest.mark.parametrize("is_abstract", [False, True])
def test_systemd_is_told_ready_alive_and_stopping(tmp_path, is_abstract):
    name = "@volet-test-notify" if is_abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0" + name[1:] if is_abstract else name)
        manager.settimeout(5)
        clock = BenchClock(instant(2026, 1, 1))
        notifier = Notifier(clock, {"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "30000000"})
        notifier.ready()
        notifier.progress()
        notifier.progress()
        clock.seconds += 10
        notifier.progress()
        notifier.stopping()
        told = [manager.recv(100) for _ in range(4)]
    assert told == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1", b"STOPPING=1"]


def test_without_systemd_nothing_is_sent():
    notifier = Notifier(BenchClock(instant(2026, 1, 1)), {})
    notifier.ready()
    notifier.progress()
    notifier.stopping()
