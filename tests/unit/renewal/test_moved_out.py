"""A household that has moved out gets no other certificate, over the session or from the API."""

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from cloud.api.problems import ProblemError
from cloud.api.renewals import Renewals
from cloud.ingest.pipeline import Ingest
from cloud.registry import reissuing
from cloud.registry.key_files import load_platform_key
from cloud.registry.reissuing import reissue
from cloud.store.sqlite.store import SqliteStore
from edge.identity.enrolment import signer_of
from edge.renewal.certificates import Certificates
from protocol.calendar import day_number, legal_day
from protocol.moving import Leave
from protocol.renewal import RenewalRequest
from protocol.topics import Kind, device_topic
from system.mqtt.message import Incoming
from tests.support.broker import COLLECTIVITY, enrol_chip, make_cloud

NOW = datetime.now(UTC)
# By then half of the certificate's time is over, so another one is due.
LATER = NOW + timedelta(days=60)


class Town:
    """A collectivity with one chip; `at` is the time of the cloud."""

    def __init__(self, folder):
        self.cloud = folder / "cloud"
        make_cloud(self.cloud)
        self.identity = enrol_chip(self.cloud, folder / "chip")
        self.store = SqliteStore.open(self.cloud, is_checked=False)
        self.at = NOW
        self._ingest = Ingest(
            self.store,
            COLLECTIVITY,
            load_platform_key(self.cloud),
            lambda: self.at,
            reissue=partial(reissue, self.cloud, self.store),
        )
        self._renewals = Renewals(self.cloud, COLLECTIVITY, self.store)
        certificates = Certificates(self.identity)
        self._wanted = RenewalRequest(self.identity.household_key, certificates.signing_request())

    def leave(self, last_day):
        """Take the household's word that it moves out."""
        body = Leave(self.identity.household_key, day_number(last_day), ())
        self._ingest.process([self._message(Kind.LEAVE, body)])
        assert self.store.last_day_of(self.identity.household_key) == last_day

    def over_the_session(self):
        """Return whether the chip gets a certificate over its session."""
        (request,) = self._ingest.process([self._message(Kind.RENEW, self._wanted)]).requests
        return bool(self._ingest.answer(request))

    def from_the_api(self):
        """Return whether the chip gets a certificate from the API."""
        payload = self._message(Kind.RENEW, self._wanted).payload
        try:
            return bool(self._renewals.answer(self.identity.device, payload, self.at))
        except ProblemError:
            return False

    def _message(self, kind, body):
        payload = signer_of(self.identity).seal(kind, body)
        return Incoming(device_topic(COLLECTIVITY, self.identity.device, kind), payload)


@pytest.fixture
def town(tmp_path):
    town = Town(tmp_path)
    yield town
    town.store.close()


WAYS = [Town.over_the_session, Town.from_the_api]


@pytest.mark.parametrize("way", WAYS)
def test_a_household_that_lives_here_gets_its_next_certificate(town, way):
    town.at = LATER
    assert way(town)


@pytest.mark.parametrize("way", WAYS)
def test_a_household_that_moved_out_gets_none_after_its_last_day(town, way):
    last_day = legal_day(NOW)
    town.leave(last_day)
    assert way(town), "what is left of its last day may still be sent"
    town.at = NOW + timedelta(days=1)
    assert not way(town)
    town.at = LATER
    assert not way(town)


@pytest.mark.parametrize("way", WAYS)
def test_without_the_rule_it_would_get_one(town, way, monkeypatch):
    """Sabotage: the test above rests on this check."""
    town.leave(legal_day(NOW))
    town.at = LATER
    monkeypatch.setattr(reissuing, "_check_lives_here", lambda *_: None)
    assert way(town)
