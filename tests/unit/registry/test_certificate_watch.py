"""Certificates that end are said in time, once each, and nothing is said that is no news."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from protocol.errors import ConfigError
from system.certificates import WARN_AT, CertificateWatch, Lifetime, read_lifetime

START = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = 600


class Host:
    """A program's clock and certificate."""

    def __init__(self):
        self.now = START
        self.lifetime = Lifetime("broker", START, START + timedelta(days=DAYS))
        self.watch = CertificateWatch(lambda: [self.lifetime], lambda: self.now)

    def look(self):
        with capture_logs() as logs:
            self.watch.look()
        return logs


def test_a_third_a_sixth_and_a_twentieth_are_said_once_each():
    host = Host()
    said = []
    for hour in range(0, (DAYS + 30) * 24, 5):
        host.now = START + timedelta(hours=hour)
        said += host.look()
    assert [each["days"] for each in said] == [DAYS // n for n in WARN_AT]
    assert {each["event"] for each in said} == {"certificate_ends"}
    assert {each["certificate"] for each in said} == {"broker"}


@given(st.lists(st.integers(0, DAYS + 100), max_size=30))
def test_no_more_than_three_words_on_a_certificate_whenever_one_looks(days):
    host = Host()
    said = []
    for day in sorted(days):
        host.now = START + timedelta(days=day)
        said += host.look()
    assert len(said) <= len(WARN_AT)
    assert bool(said) == any(day >= DAYS * 2 / 3 for day in days)


def test_a_late_start_says_one_thing():
    host = Host()
    host.now = START + timedelta(days=DAYS + 3)
    (said,) = host.look()
    assert said["days"] == -3
    assert host.look() == []


def test_a_renewed_certificate_is_watched_anew():
    host = Host()
    host.now = START + timedelta(days=DAYS - 10)
    assert len(host.look()) == 1
    host.lifetime = Lifetime("broker", host.now, host.now + timedelta(days=DAYS))
    assert host.look() == []
    host.now += timedelta(days=DAYS - 10)
    assert len(host.look()) == 1


def test_a_certificate_that_cannot_be_read_ends_nothing(tmp_path):
    watch = CertificateWatch(
        lambda: [read_lifetime("broker", tmp_path / "server.pem")], lambda: START
    )
    with capture_logs() as logs:
        watch.look()
    assert [each["event"] for each in logs] == ["certificate_unreadable"]
    (tmp_path / "server.pem").write_bytes(b"no certificate")
    with pytest.raises(ConfigError, match="is no certificate"):
        read_lifetime("broker", tmp_path / "server.pem")


def test_a_certificate_that_cannot_be_read_is_said_once_and_so_is_its_end():
    host = Host()

    def unreadable():
        raise ConfigError("the disk is gone.")

    host.watch = CertificateWatch(
        lambda: [host.lifetime] if host.now > START else unreadable(), lambda: host.now
    )
    said = [host.look() for _ in range(100)]
    assert [each["event"] for logs in said for each in logs] == ["certificate_unreadable"]
    host.now += timedelta(hours=1)
    assert [each["event"] for each in host.look()] == ["certificate_readable"]
