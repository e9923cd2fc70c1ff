"""The page's certificate: for names of a home alone, renewed in time, by one authority."""

import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID

from edge.page.names import (
    AUTHORITY,
    AUTHORITY_KEY,
    CERTIFICATE,
    CERTIFICATE_KEY,
    names_of_host,
)
from edge.page.running import certify_apart
from edge.page.tls import AUTHORITY_LASTS, LASTS, RENEWED_BEFORE, certify, fingerprint
from protocol.errors import ConfigError
from tests.support.steps import killed_at_each_step

NOW = datetime(2026, 11, 30, 7, tzinfo=UTC)
NAMES = names_of_host("meter")


def read(path):
    return x509.load_pem_x509_certificate(path.read_bytes())


def verifies(directory, certificate, host):
    command = ["openssl", "verify", "-CAfile", directory / AUTHORITY, "-verify_hostname", host]
    at = ["-attime", str(int(NOW.timestamp()))]
    return subprocess.run([*command, *at, certificate], capture_output=True, check=False)


def test_a_browser_that_trusts_the_authority_believes_the_page(tmp_path):
    assert certify(tmp_path, NAMES, NOW)
    assert NAMES == ("volet.local", "meter.local", "localhost")
    for name in NAMES:
        assert verifies(tmp_path, tmp_path / CERTIFICATE, name).returncode == 0
    assert verifies(tmp_path, tmp_path / CERTIFICATE, "example.org").returncode != 0
    for name in (AUTHORITY_KEY, CERTIFICATE_KEY):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
    assert read(tmp_path / CERTIFICATE).not_valid_after_utc - NOW <= LASTS
    assert fingerprint(tmp_path).count(":") == 31


def test_the_fingerprint_is_written_as_other_programs_write_it(tmp_path):
    certify(tmp_path, NAMES, NOW)
    command = ["openssl", "x509", "-noout", "-fingerprint", "-sha256", "-in"]
    said = subprocess.run([*command, tmp_path / CERTIFICATE], capture_output=True, check=True)
    assert said.stdout.decode().partition("=")[2].strip() == fingerprint(tmp_path)


def test_the_authority_can_vouch_for_nothing_beyond_the_home(tmp_path):
    certify(tmp_path, ("bank.example",), NOW)
    refused = verifies(tmp_path, tmp_path / CERTIFICATE, "bank.example")
    assert b"permitted subtree violation" in refused.stderr


def vouched_for(directory, name, usage):
    """Return a certificate that whoever has the authority's key makes for a name and a usage."""
    certify(directory, NAMES, NOW)
    key = load_pem_private_key((directory / AUTHORITY_KEY).read_bytes(), None)
    authority = read(directory / AUTHORITY)
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=9))
        .add_extension(x509.SubjectAlternativeName([name]), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .sign(key, SHA256())
    )
    path = directory / "made.pem"
    path.write_bytes(made.public_bytes(Encoding.PEM))
    return path


@pytest.mark.parametrize(
    ("name", "usage", "asked"),
    [
        (
            x509.IPAddress(ip_address("203.0.113.9")),
            ExtendedKeyUsageOID.SERVER_AUTH,
            ["-purpose", "sslserver", "-verify_ip", "203.0.113.9"],
        ),
        (
            x509.IPAddress(ip_address("2001:db8::9")),
            ExtendedKeyUsageOID.SERVER_AUTH,
            ["-purpose", "sslserver", "-verify_ip", "2001:db8::9"],
        ),
        (
            x509.RFC822Name("someone@bank.example"),
            ExtendedKeyUsageOID.EMAIL_PROTECTION,
            ["-purpose", "smimesign", "-verify_email", "someone@bank.example"],
        ),
    ],
)
def test_its_key_vouches_for_no_address_and_no_mail_either(tmp_path, name, usage, asked):
    """A constraint of names binds the kinds of names that it lists, and no other."""
    path = vouched_for(tmp_path, name, usage)
    command = ["openssl", "verify", "-CAfile", tmp_path / AUTHORITY, *asked]
    at = ["-attime", str(int(NOW.timestamp()))]
    refused = subprocess.run([*command, *at, path], capture_output=True, check=False)
    assert refused.returncode != 0, refused.stdout


@pytest.mark.parametrize(
    ("later", "is_new"), [(timedelta(days=1), False), (LASTS - RENEWED_BEFORE, True)]
)
def test_a_certificate_is_renewed_before_it_ends_by_the_same_authority(tmp_path, later, is_new):
    certify(tmp_path, NAMES, NOW)
    authority, before = (tmp_path / AUTHORITY).read_bytes(), fingerprint(tmp_path)
    assert certify(tmp_path, NAMES, NOW + later) is is_new
    assert (fingerprint(tmp_path) != before) is is_new
    assert (tmp_path / AUTHORITY).read_bytes() == authority


def test_an_authority_that_would_end_before_its_certificate_is_replaced(tmp_path):
    certify(tmp_path, NAMES, NOW)
    late = NOW + AUTHORITY_LASTS - LASTS + timedelta(days=1)
    before = (tmp_path / AUTHORITY).read_bytes()
    assert certify(tmp_path, NAMES, late)
    assert (tmp_path / AUTHORITY).read_bytes() != before


@pytest.mark.long
@pytest.mark.parametrize("is_first", [True, False])
def test_whenever_it_is_killed_the_next_start_has_what_its_authority_signed(tmp_path, is_first):
    """A certificate of the authority before would be taken for one of the new one, by its name."""
    later, held = NOW + AUTHORITY_LASTS - LASTS + timedelta(days=1), {}
    if not is_first:
        certify(tmp_path, NAMES, NOW)
        assert certify(tmp_path, NAMES, later - timedelta(days=9))
        held = {path: path.read_bytes() for path in tmp_path.iterdir()}
    for step in killed_at_each_step(lambda: certify(tmp_path, NAMES, later)):
        certify(tmp_path, NAMES, later)
        read(tmp_path / CERTIFICATE).verify_directly_issued_by(read(tmp_path / AUTHORITY))
        assert not certify(tmp_path, NAMES, later), f"step {step}"
        for path in tmp_path.iterdir():
            path.unlink()
        for path, data in held.items():
            path.write_bytes(data)
            path.chmod(0o600)
    assert step > 10


def test_an_authority_that_a_clock_that_was_ahead_has_made_is_replaced(tmp_path):
    certify(tmp_path, NAMES, NOW + timedelta(days=365))
    assert certify(tmp_path, NAMES, NOW)
    assert verifies(tmp_path, tmp_path / CERTIFICATE, NAMES[0]).returncode == 0


@pytest.mark.parametrize("lost", [AUTHORITY, AUTHORITY_KEY, CERTIFICATE, CERTIFICATE_KEY])
def test_a_file_that_is_lost_or_of_another_host_is_made_anew(tmp_path, lost):
    certify(tmp_path, NAMES, NOW)
    (tmp_path / lost).unlink()
    assert certify(tmp_path, NAMES, NOW)
    assert verifies(tmp_path, tmp_path / CERTIFICATE, NAMES[0]).returncode == 0
    assert certify(tmp_path, names_of_host("other"), NOW)
    assert not certify(tmp_path, names_of_host("other"), NOW)


def test_a_key_of_another_certificate_is_noticed(tmp_path):
    for place in (tmp_path / "a", tmp_path / "b"):
        place.mkdir()
        certify(place, NAMES, NOW)
    shutil.copy(tmp_path / "a" / CERTIFICATE_KEY, tmp_path / "b" / CERTIFICATE_KEY)
    assert certify(tmp_path / "b", NAMES, NOW)


def test_it_is_made_in_a_process_of_its_own_which_says_what_is_wrong(tmp_path):
    certify_apart(tmp_path, NAMES)
    made = fingerprint(tmp_path)
    certify_apart(tmp_path, NAMES)
    assert fingerprint(tmp_path) == made
    (tmp_path / CERTIFICATE).write_text("no certificate")
    with pytest.raises(ConfigError, match=r"page\.pem cannot be read.*start the page once more"):
        certify_apart(tmp_path, NAMES)


def test_a_process_that_ends_without_a_word_is_told(tmp_path, monkeypatch):
    def ends(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("edge.page.tls.certify", ends)
    with pytest.raises(ConfigError, match="could not be made"):
        certify_apart(tmp_path, NAMES)
