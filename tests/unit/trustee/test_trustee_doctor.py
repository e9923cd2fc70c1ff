"""`volet trustee doctor`: each misconfiguration is made, found, and mended by the command that is named."""

import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from cloud.registry.pki import issue_role
from protocol.convictions import Offence
from system.private_keys import read_ec_key
from tests.support.broker import make_cloud
from tests.support.mending import doctor, found, make_machine, mend
from tests.support.trustee_place import TrusteePlace
from trustee.commands.doctor_checks import KNOWN
from trustee.database import FILE_NAME
from trustee.directory import CONFIG_NAME, install
from trustee.documents import WAITING
from trustee.log import Alarm, TrusteeLog


@pytest.fixture(scope="module")
def clouds(tmp_path_factory):
    """Two collectivities of one name, of which the second did not found this trustee."""
    folder = tmp_path_factory.mktemp("clouds")
    for name in ("ours", "another"):
        make_cloud(folder / name)
    return folder


@pytest.fixture
def machine(tmp_path, monkeypatch):
    return make_machine(tmp_path / "machine", monkeypatch)


@pytest.fixture
def trustee(clouds, machine, tmp_path, monkeypatch):  # noqa: ARG001 - it is looked at
    """The directory of a trustee with which nothing is wrong."""
    place = TrusteePlace(tmp_path, monkeypatch)
    place.runs()
    cloud = tmp_path / "cloud"
    shutil.copytree(clouds / "ours", cloud)
    path = place.directory / "tls.key"
    key = read_ec_key(path.read_bytes(), path).public_key()
    certificate = issue_role(cloud, "trustee-a", datetime.now(UTC), key)
    install(place.directory, certificate, cloud / "pki/ca.pem")
    return place.directory


def test_nothing_is_wrong_with_a_trustee_that_is_set_up_well(trustee):
    assert doctor("trustee", trustee) == []


@pytest.mark.parametrize(
    ("break_it", "name"),
    [
        (lambda trustee: trustee.chmod(0o755), "directory_open"),
        (lambda trustee: (trustee / "signing.key").chmod(0o640), "file_open"),
        (lambda trustee: (trustee / FILE_NAME).chmod(0o644), "file_open"),
    ],
)
def test_what_was_broken_is_mended_by_its_command(trustee, break_it, name):
    break_it(trustee)
    mend(found("trustee", trustee, name))
    assert doctor("trustee", trustee) == []


@pytest.mark.parametrize(
    ("gone", "name", "command"),
    [
        ("tls.pem", "not_certified", "volet trustee install --dir {} CERTIFICATE --ca CA"),
        ("ca.pem", "certificate_unusable", "volet trustee install --dir {} CERTIFICATE --ca CA"),
        ("signing.key", "keys_unusable", "volet trustee restore --dir {} BACKUP"),
        (FILE_NAME, "never_ran", "volet trustee run --dir {}"),
    ],
)
def test_what_lacks_is_named(trustee, gone, name, command):
    (trustee / gone).unlink()
    assert found("trustee", trustee, name).command == command.format(trustee)


def test_a_certificate_of_another_authority_is_named(trustee, clouds):
    shutil.copy(clouds / "another/pki/ca.pem", trustee / "ca.pem")
    assert found("trustee", trustee, "certificate_unusable")


def test_a_wrong_setting_is_named(trustee):
    (trustee / CONFIG_NAME).write_text('collectivity = "testville"\n')
    assert "name" in found("trustee", trustee, "settings_unreadable").sentence


def test_a_database_that_cannot_be_used_is_put_back(trustee):
    with closing(sqlite3.connect(trustee / FILE_NAME)) as log:
        log.execute("PRAGMA user_version = 900")
    assert "of version 900" in found("trustee", trustee, "log_unusable").sentence
    (trustee / FILE_NAME).write_bytes(b"spoilt" * 1_000)
    assert found("trustee", trustee, "log_unusable").command.endswith("--database-only BACKUP")


@pytest.mark.parametrize(("days", "name"), [(1, "certificate_ends"), (-1, "certificate_ended")])
def test_certificates_that_end_are_told(trustee, monkeypatch, days, name):
    from trustee.commands import doctor_checks  # noqa: PLC0415

    end = min(each.not_after for each in doctor_checks.lifetimes(trustee))

    class Later(datetime):
        @classmethod
        def now(cls, zone=None):
            return (end - timedelta(days=days)).astimezone(zone)

    monkeypatch.setattr(doctor_checks, "datetime", Later)
    assert f"{end:%Y-%m-%d}" in found("trustee", trustee, name).sentence


def test_a_first_set_that_waits_is_confirmed_by_its_fingerprint(trustee):
    (trustee / FILE_NAME).unlink()
    with closing(TrusteeLog.open(trustee)) as log:
        log.put_fact(WAITING, b"ABCD 1234")
    diagnosis = found("trustee", trustee, "set_unconfirmed")
    assert diagnosis.command == f"volet trustee confirm --dir {trustee} 'ABCD 1234'"


def test_an_alarm_is_told(trustee):
    alarm = Alarm(Offence.FORKED_LOG, "trustee-b", "m", "g", 1, b"")
    with closing(TrusteeLog.open(trustee)) as log:
        log.raise_alarm(alarm)
    assert "trustee-b" in found("trustee", trustee, "alarm").sentence


def test_a_unit_that_does_not_run_is_started(trustee, machine, monkeypatch):
    monkeypatch.setattr("trustee.commands.doctor_checks.DEFAULT_DIRECTORY", trustee)
    machine.put_unit("volet-trustee.service", UnitFileState="enabled", ActiveState="failed")
    mend(found("trustee", trustee, "unit_failed"))
    assert doctor("trustee", trustee) == []


def test_every_finding_has_a_name_of_its_own():
    assert len({each.name for each in KNOWN}) == len(KNOWN)
