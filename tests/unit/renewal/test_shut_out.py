"""A chip that the broker shuts out asks without a session: what it takes of the answer."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from cloud.registry.authority import Authority, issue_client, new_issuer
from cloud.registry.key_files import (
    der,
    draw_ec_key,
    load_authority,
    load_key_list,
    load_root,
    load_signed_list,
)
from cloud.registry.roll_over import roll_over_issuer, roll_over_root
from edge.identity.enrolment import load_identity
from edge.identity.keys import load_keys
from edge.identity.platform_keys import FORK
from edge.mqtt.message import Absence
from edge.renewal.certificates import NEXT, Certificates
from edge.renewal.key_list import KeyListReader
from edge.renewal.without import RenewalWithoutSession
from protocol.errors import DocumentRefused
from protocol.key_list import sign_key_list
from protocol.renewal import RenewedCertificate, RenewedWithoutSession
from tests.support.broker import enrol_chip, make_cloud
from tests.support.chip_bench import BenchClock

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


class Away:
    """A chip that has had a key list, and that the broker lets in no more."""

    def __init__(self, folder):
        self.cloud, self.chip = folder / "cloud", folder / "chip"
        make_cloud(self.cloud, api_port=1)
        enrol_chip(self.cloud, self.chip)
        self.root = self.cloud / "root"
        self.identity = load_identity(self.chip)
        self.certificates = Certificates(self.identity)
        KeyListReader(self.identity).follow(self.listed())

    def listed(self):
        return msgspec.msgpack.encode(load_signed_list(self.cloud))

    def certified(self, issuer=None, lasts=100 * DAY):
        """Return a certificate for the chip's key, and those that lead to a root."""
        issuer = issuer or load_authority(self.cloud)
        key = load_keys(self.chip).tls_key.public_key()
        certificate = issue_client(issuer, self.identity.device, key, NOW, lasts)
        chain = (certificate, issuer.certificate, *issuer.above)
        return RenewedCertificate(self.identity.household_key, tuple(map(der, chain)))

    def asks(self, renewed, listed=None):
        """Return whether the chip has another certificate to show after this answer."""
        answer = RenewedWithoutSession(renewed, listed or self.listed())
        encoded = msgspec.msgpack.encode(answer)
        without = RenewalWithoutSession(
            self.identity, self.certificates, BenchClock(NOW), lambda *_: encoded
        )
        assert without.after(Absence.AUTHORITY) == self.certificates.has_next
        return self.certificates.has_next


@pytest.fixture
def away(tmp_path):
    return Away(tmp_path)


@pytest.mark.parametrize("withdraws", [False, True])
def test_it_takes_one_by_an_issuer_that_followed_while_it_was_away(away, withdraws):
    roll_over_issuer(away.cloud, away.root, NOW, withdraws=withdraws)
    assert away.asks(away.certified())
    assert load_identity(away.chip).platform_key.key_list == load_key_list(away.cloud)


def test_it_takes_one_under_a_root_that_followed_while_it_was_away(away, tmp_path):
    roll_over_root(away.cloud, away.root, tmp_path / "stick", NOW)
    roll_over_issuer(away.cloud, tmp_path / "stick", NOW)
    assert away.asks(away.certified())


def test_it_takes_none_by_an_issuer_that_the_list_does_not_name(away, tmp_path):
    key = draw_ec_key(tmp_path / "issuer.key")
    unlisted = new_issuer(load_root(away.root), key.public_key(), "testville", NOW)
    assert not away.asks(away.certified(Authority(key, unlisted)))


def test_a_chip_that_is_shut_out_takes_one_that_ends_sooner(away):
    """A thief of the issuer gave it one for two years; then the issuer was withdrawn."""
    stolen = load_authority(away.cloud)
    assert away.asks(away.certified(stolen, lasts=700 * DAY))
    (away.chip / NEXT).rename(away.chip / "device.pem")
    roll_over_issuer(away.cloud, away.root, NOW, withdraws=True)
    assert away.asks(away.certified())


def test_over_a_session_it_takes_none_that_ends_sooner(away):
    with pytest.raises(DocumentRefused, match="no later"):
        away.certificates.put(away.certified(lasts=50 * DAY))


def test_the_certificate_that_is_refused_is_not_shown_again(away):
    """An API and a broker that disagree must not be asked in turns without a pause."""
    assert away.asks(away.certified())
    (away.chip / NEXT).rename(away.chip / "device.pem")
    present = RenewedCertificate(
        away.identity.household_key,
        (der(away.certificates.current()), der(load_authority(away.cloud).certificate)),
    )
    assert not away.asks(present)


@pytest.mark.parametrize("what", ["contradicts", "unsigned"])
def test_an_answer_with_a_bad_list_changes_nothing(away, what, tmp_path):
    stranger = draw_ec_key(tmp_path / "stranger.key")
    forked = msgspec.structs.replace(
        load_key_list(away.cloud),
        issuers=(der(new_issuer(load_root(away.root), stranger.public_key(), "testville", NOW)),),
    )
    signer = load_root(away.root).key if what == "contradicts" else stranger
    listed = msgspec.msgpack.encode(sign_key_list(forked, signer))
    before = (away.chip / "key-list.json").read_bytes()
    assert not away.asks(away.certified(), listed)
    assert (away.chip / "key-list.json").read_bytes() == before
    assert (away.chip / FORK).exists() == (what == "contradicts")
