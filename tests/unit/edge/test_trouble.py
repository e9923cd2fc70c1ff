"""Why there is no session is told when that begins or changes, not at each attempt."""

import ssl

import pytest
from structlog.testing import capture_logs

from edge.mqtt.message import Absence
from edge.mqtt.trouble import Trouble


class Now:
    """A clock that a test moves."""

    s = 0.0

    def __call__(self):
        return self.s


@pytest.fixture
def now():
    return Now()


def events(trouble, happens, times, now, step_s=60.0):
    with capture_logs() as logs:
        for _ in range(times):
            now.s += step_s
            trouble.attempt()
            happens()
    return [each["event"] for each in logs]


@pytest.mark.parametrize(
    ("happens", "event"),
    [
        (lambda trouble: trouble.away(OSError("no route")), "broker_away"),
        (lambda trouble: trouble.distrusts(ssl.SSLError("no")), "broker_tls_refused"),
        (lambda trouble: trouble.damaged(ValueError("no")), "tls_identity_damaged"),
        (lambda trouble: trouble.hung_up("lost"), "broker_hung_up"),
        (lambda trouble: trouble.no_session("no"), "broker_refused_session"),
        (lambda trouble: trouble.no_subscription("no"), "broker_refused_subscription"),
    ],
)
def test_what_lasts_is_told_once_and_again_after_a_day(now, happens, event):
    trouble = Trouble("city", now)
    assert events(trouble, lambda: happens(trouble), 100, now) == [event]
    assert events(trouble, lambda: happens(trouble), 3, now, 86_400.0) == [event] * 3
    trouble.over()
    assert events(trouble, lambda: happens(trouble), 100, now) == [event]


def test_what_changes_is_told_at_once(now):
    trouble = Trouble("city", now)
    assert events(trouble, lambda: trouble.hung_up("lost"), 5, now) == ["broker_hung_up"]
    alert = (
        "failed to receive on socket: [SSL: SSLV3_ALERT_CERTIFICATE_REVOKED] certificate revoked"
    )

    def revoked():
        trouble.alerted(alert)
        trouble.hung_up("lost")

    assert events(trouble, revoked, 5, now) == ["chip_revoked"]
    assert (trouble.why, trouble.is_refused) == (Absence.REVOKED, True)


def test_sessions_that_never_last_are_those_of_a_double(now):
    trouble = Trouble("city", now)

    def short():
        trouble.over()
        trouble.ended("lost", is_taken_over=False)

    told = events(trouble, short, 8, now)
    assert told == ["session_ended", "session_taken_over"]
    assert trouble.why is Absence.DOUBLE
    trouble.away(OSError())  # the broker itself was gone
    assert events(trouble, short, 3, now) == []
    assert trouble.why is Absence.NETWORK


def test_a_session_that_lasted_is_no_sign_of_a_double(now):
    trouble = Trouble("city", now)

    def long():
        trouble.over()
        now.s += 3_600.0
        trouble.ended("lost", is_taken_over=True)

    assert events(trouble, long, 20, now) == ["session_ended"] * 20


@pytest.mark.parametrize("lasts_s", [6.0, 60.0, 720.0])
def test_a_connection_that_keeps_breaking_is_told_once_a_day_and_is_no_double(now, lasts_s):
    trouble = Trouble("city", now)

    def broken():
        trouble.over()
        now.s += lasts_s
        trouble.ended("Unspecified error", is_taken_over=False)
        assert (trouble.why, trouble.is_refused) == (Absence.NETWORK, False)

    times = int(86_400 / (lasts_s + 5))
    assert events(trouble, broken, times, now, 5.0) == ["session_ended"]
    now.s += 1.0
    trouble.over()
    now.s += 7 * 86_400.0
    trouble.ended("lost", is_taken_over=False)
    assert not trouble.is_refused
