"""How long a chip waits before it tries its broker again: by what stopped it."""

import random
import ssl

import pytest

from edge.mqtt.link import ChipLink, ChipLinkSettings
from edge.mqtt.message import Publish
from protocol.errors import ConfigError

SETTINGS = ChipLinkSettings(
    host="127.0.0.1", port=1, client_id="chip", subscription="x", will=Publish("y", b"")
)
# Ceilings of the waits, in seconds: a network comes back by itself, a certificate does not.
AWAY_S = [0.5, 1, 2, 4, 8, 16, 32, 60, 60]
REFUSED_S = [15, 30, 60, 120, 240, 480, 600, 600, 600]


class Stopping:
    """Ends the thread's loop after so many pauses, and keeps how long they would be."""

    def __init__(self, most):
        self.pauses_s = []
        self._most = most

    def is_set(self):
        return len(self.pauses_s) >= self._most

    def set(self):
        self._most = 0

    def wait(self, pause_s):
        self.pauses_s.append(pause_s)


def unreachable(_link):
    raise OSError("no route to host")


def distrusted(_link):
    raise ssl.SSLCertVerificationError("certificate verify failed")


def damaged(_link):
    raise ConfigError("The chip's key cannot be read.")


def revoked(link):
    link._trouble.alerted("[SSL] sslv3 alert certificate revoked")
    link._trouble.hung_up("lost")


def no_session(link):
    link._trouble.no_session("not authorized")


def held_for_long(link):
    link._is_session = True


@pytest.fixture
def pauses_after(monkeypatch):
    """Return the longest pauses after attempts that end so, one for each."""
    monkeypatch.setattr(random.SystemRandom, "uniform", lambda _self, _low, high: high)

    def pauses(*ends):
        link = ChipLink(SETTINGS, ssl.create_default_context)
        link._stopping = Stopping(len(ends))
        coming = iter(ends)
        monkeypatch.setattr(link, "_run_session", lambda: next(coming)(link))
        link._run()
        waited_s = link._stopping.pauses_s
        link.stop()
        return waited_s

    return pauses


def test_a_broker_that_is_away_is_tried_every_minute_at_last(pauses_after):
    assert pauses_after(*[unreachable] * len(AWAY_S)) == AWAY_S


@pytest.mark.parametrize("refused", [distrusted, damaged, revoked, no_session])
def test_a_refusal_is_tried_again_more_slowly(pauses_after, refused):
    assert pauses_after(*[refused] * len(REFUSED_S)) == REFUSED_S


def test_a_session_begins_the_pauses_anew(pauses_after):
    assert pauses_after(*[unreachable] * 4, held_for_long, unreachable)[-2:] == AWAY_S[:2]
    assert pauses_after(*[revoked] * 4, held_for_long, revoked)[-2:] == [AWAY_S[0], REFUSED_S[0]]


def test_what_refused_and_what_was_away_have_pauses_of_their_own(pauses_after):
    mixed = pauses_after(unreachable, revoked, unreachable, revoked)
    assert mixed == [AWAY_S[0], REFUSED_S[0], AWAY_S[1], REFUSED_S[1]]


def test_after_a_session_the_first_try_comes_within_the_hubs_window(pauses_after):
    def announced(link):
        link.reconnect_window_s = 120
        held_for_long(link)

    assert pauses_after(announced, unreachable, unreachable) == [120, *AWAY_S[1:2], AWAY_S[2]]
