"""`volet cloud doctor`: each misconfiguration is made, found, and mended by the command that is named."""

import os
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from cloud.commands.doctor_checks import BACKUPS, KNOWN
from cloud.config import CONFIG_NAME
from cloud.registry.broker import current_user, write_broker
from cloud.registry.pki import issue_role
from cloud.store.sqlite.store import FILE_NAME
from mosquitto.config import ACL, CRL
from tests.support.broker import enrol_chip, make_cloud, running_broker
from tests.support.mending import doctor, found, make_machine, mend


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A collectivity with one chip; it is copied, not used."""
    folder = tmp_path_factory.mktemp("made")
    make_cloud(folder / "cloud")
    enrol_chip(folder / "cloud", folder / "chip")
    return folder / "cloud"


@pytest.fixture
def machine(tmp_path, monkeypatch):
    return make_machine(tmp_path / "machine", monkeypatch)


@pytest.fixture
def cloud(made, machine, tmp_path):  # noqa: ARG001 - it is looked at
    """The directory of a collectivity with which nothing is wrong; its name has a blank."""
    cloud = tmp_path / "a cloud"
    shutil.copytree(made, cloud)
    write_broker(cloud, cloud / "broker", current_user())
    return cloud


def test_nothing_is_wrong_with_a_collectivity_that_is_set_up_well(cloud):
    assert doctor("cloud", cloud) == []


@pytest.mark.parametrize(
    ("break_it", "name"),
    [
        (lambda cloud: cloud.chmod(0o711), "directory_open"),
        (lambda cloud: (cloud / "pki/issuer.key").chmod(0o644), "file_open"),
        (lambda cloud: (cloud / FILE_NAME).chmod(0o640), "file_open"),
        (lambda cloud: (cloud / "broker").chmod(0o755), "broker_open"),
        (lambda cloud: (cloud / "broker" / ACL).write_text(""), "broker_behind"),
        (lambda cloud: (cloud / "broker" / CRL).unlink(), "broker_behind"),
        (
            lambda cloud: issue_role(cloud, "worker-2", datetime.now(UTC)),
            "broker_behind",
        ),
    ],
)
def test_what_was_broken_is_mended_by_its_command(cloud, break_it, name):
    break_it(cloud)
    mend(found("cloud", cloud, name))
    assert doctor("cloud", cloud) == []


@pytest.mark.parametrize(
    ("text", "told"), [("surce = 1\n", "unknown field"), ("[metrics]\nurl = 3\n", "metrics")]
)
def test_a_wrong_setting_is_named(cloud, text, told):
    path = cloud / CONFIG_NAME
    path.write_text(path.read_text() + text)
    diagnosis = found("cloud", cloud, "settings_unreadable")
    assert diagnosis.command == f"nano '{path}'"
    assert told in diagnosis.sentence


@pytest.mark.parametrize(
    "name", ["pki/issuer.key", "platform.key", "pki/crl.pem", "pki/server.pem"]
)
def test_what_the_programs_need_and_is_gone_is_named(cloud, name):
    (cloud / name).unlink()
    diagnosis = found("cloud", cloud, "directory_unusable")
    assert str(cloud / name) in diagnosis.sentence
    assert diagnosis.command == f"volet cloud restore --dir '{cloud}' BACKUP"


def test_a_store_that_is_missing_or_of_a_later_release_is_put_back(cloud):
    with closing(sqlite3.connect(cloud / FILE_NAME)) as store:
        store.execute("PRAGMA user_version = 900")
    assert "of version 900" in found("cloud", cloud, "store_unusable").sentence
    (cloud / FILE_NAME).write_bytes(b"spoilt" * 1_000)
    assert found("cloud", cloud, "store_unusable")
    (cloud / FILE_NAME).unlink()
    assert found("cloud", cloud, "store_missing").command.endswith("--database-only BACKUP")


@pytest.mark.parametrize(("days", "role"), [(1, "certificate_ends"), (-1, "certificate_ended")])
def test_certificates_that_end_are_told(cloud, monkeypatch, days, role):
    from cloud.commands import doctor_checks  # noqa: PLC0415

    end = min(each.not_after for each in doctor_checks.lifetimes(cloud))

    class Later(datetime):
        @classmethod
        def now(cls, zone=None):
            return (end - timedelta(days=days)).astimezone(zone)

    monkeypatch.setattr(doctor_checks, "datetime", Later)
    diagnoses = [each for each in doctor("cloud", cloud) if each.name == role]
    assert diagnoses
    assert {each.command for each in diagnoses} == {f"sudo volet cloud renew --dir '{cloud}'"}


def test_a_broker_that_has_not_read_its_directory_is_restarted(made, machine, tmp_path):  # noqa: ARG001
    cloud = tmp_path / "cloud"
    shutil.copytree(made, cloud)
    with running_broker(cloud) as broker:
        assert doctor("cloud", cloud, is_at_work=True) == []
        issue_role(cloud, "worker-2", datetime.now(UTC))
        mend(found("cloud", cloud, "broker_behind", is_at_work=True))
        diagnosis = found("cloud", cloud, "broker_unread_by_hand", is_at_work=True)
        assert diagnosis.command.startswith("kill ")
        broker.restart()
        assert doctor("cloud", cloud, is_at_work=True) == []


def test_a_broker_without_a_directory_gets_one(cloud, monkeypatch, tmp_path):
    monkeypatch.setattr("cloud.commands.doctor_checks.SYSTEM_BROKER", tmp_path / "etc")
    shutil.rmtree(cloud / "broker")
    command = f"volet cloud broker-config --dir '{cloud}' --out '{cloud}/broker'"
    assert found("cloud", cloud, "broker_missing").command == command
    write_broker(cloud, tmp_path / "etc", current_user())
    assert doctor("cloud", cloud) == []


def test_an_old_backup_is_told(cloud, machine, monkeypatch, tmp_path):
    monkeypatch.setattr("cloud.commands.doctor_checks.DEFAULT_DIRECTORY", cloud)
    monkeypatch.setattr("cloud.commands.doctor_checks.BACKUPS", tmp_path / "backups")
    backup = tmp_path / "backups/volet-cloud-20260101T000000Z.backup"
    backup.parent.mkdir()
    assert doctor("cloud", cloud) == []
    backup.touch()
    assert doctor("cloud", cloud) == []
    os.utime(backup, (1_700_000_000, 1_700_000_000))
    assert "2023-11-14" in found("cloud", cloud, "backup_old").sentence
    assert BACKUPS.is_absolute()
    assert machine


@pytest.mark.parametrize("unit", ["volet-worker.service", "volet-cloud-backup.timer"])
def test_a_unit_that_does_not_run_is_started(cloud, machine, monkeypatch, unit):
    monkeypatch.setattr("cloud.commands.doctor_checks.DEFAULT_DIRECTORY", cloud)
    for each in ("volet.target", "volet-worker.service", "volet-cloud-backup.timer"):
        machine.put_unit(each, UnitFileState="enabled", ActiveState="active")
    assert doctor("cloud", cloud) == []
    machine.put_unit(unit, UnitFileState="disabled", ActiveState="inactive")
    mend(found("cloud", cloud, "unit_off"))
    assert doctor("cloud", cloud) == []


def test_every_finding_has_a_name_of_its_own():
    assert len({each.name for each in KNOWN}) == len(KNOWN)
