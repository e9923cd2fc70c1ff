"""The authority's files: made once, completed after an interruption, renewed, never redrawn."""

import os
import shutil
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from cryptography import x509

from cloud.commands.init import init
from cloud.config import ONLY_EDITED, CloudConfig, config_toml
from cloud.registry import key_files, pki, renewal, roll_over
from cloud.registry.authority import DEVICE_VALIDITY
from protocol.errors import ConfigError
from protocol.ids import DeviceId

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
CONFIG = CloudConfig("town", "broker.example")
SECRETS = (
    "platform.key",
    "root/root.key",
    *(f"pki/{n}.key" for n in ("issuer", "server", "worker", "monitor")),
)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("pki") / "cloud"
    before = os.umask(0o022)
    assert pki.initialise(directory, CONFIG, NOW)
    os.umask(before)
    return directory


@pytest.fixture
def directory(made, tmp_path) -> Path:
    return shutil.copytree(made, tmp_path / "cloud")


def _contents(directory: Path) -> dict[str, bytes]:
    return {str(p.relative_to(directory)): p.read_bytes() for p in directory.rglob("*.*")}


def test_secrets_are_closed_and_so_are_their_directories(made):
    found = {str(p.relative_to(made)) for p in made.rglob("*.key")}
    assert found == {*SECRETS, "pki/operator.key"}
    for path in made.rglob("*.key"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    for path in (made, made / "pki", made / "pki" / "issued"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700, path


def test_no_public_file_carries_a_private_key(made):
    for path in (p for p in made.rglob("*") if p.is_file() and p.suffix != ".key"):
        assert b"PRIVATE" not in path.read_bytes(), path


def test_second_initialisation_changes_nothing(directory):
    before = _contents(directory)
    assert not pki.initialise(directory, CONFIG, NOW + timedelta(days=1))
    assert _contents(directory) == before


def test_the_directory_of_another_collectivity_is_refused(directory):
    other = CloudConfig("village", "broker.example")
    with pytest.raises(ConfigError, match=r"cloud.toml is town's; name another directory"):
        pki.initialise(directory, other, NOW)


# A second value for each setting, as its operator may have edited it.
EDITED = {
    "broker_host": "other.example",
    "broker_port": 28_983,
    "broker_bind": "127.0.0.1",
    "broker_names": ("other.example",),
    "operator_port": 28_984,
    "api_port": 28_985,
    "broker_memory_mb": 4_096,
}


def test_every_setting_is_an_option_of_init_or_only_edited():
    assert set(CloudConfig.__struct_fields__) == {"collectivity", *EDITED}
    options = len(
        [each for each in init.params if each.name not in {"directory", "root", "is_json"}]
    )
    assert options == len(CloudConfig.__struct_fields__) - len(ONLY_EDITED)


@pytest.mark.parametrize("key", EDITED)
def test_a_setting_that_was_edited_is_named_or_left_alone(directory, key):
    edited = msgspec.structs.replace(CONFIG, **{key: EDITED[key]})
    (directory / "cloud.toml").write_bytes(config_toml(edited))
    if key in ONLY_EDITED:
        assert not pki.initialise(directory, CONFIG, NOW)
        return
    with pytest.raises(ConfigError) as refusal:
        pki.initialise(directory, CONFIG, NOW)
    said = str(refusal.value)
    assert f"has {key} = " in said
    assert not any(f"{other} = " in said for other in EDITED if other != key)
    assert "type what it has" in said


@pytest.mark.parametrize(
    "name",
    [
        "pki/issuer.key",
        "pki/ca.pem",
        "platform.key",
        "pki/crl.pem",
        "key-list.json",
        "workers.group",
    ],
)
def test_lost_file_is_reported_and_not_drawn_again(directory, name):
    (directory / name).unlink()
    with pytest.raises(ConfigError, match=f"{name} is missing; put it back"):
        pki.initialise(directory, CONFIG, NOW)
    assert not (directory / name).exists()


@pytest.mark.parametrize("kept", [0, 1, 3, 6, 9, 12, 15])
def test_interrupted_initialisation_is_completed_with_what_was_drawn(made, tmp_path, kept):
    directory = shutil.copytree(made, tmp_path / "cloud")
    (directory / "cloud.toml").unlink()
    files = sorted(p for p in directory.rglob("*") if p.is_file())
    files.sort(key=lambda p: (p.suffix != ".key", p.name))  # keys are drawn first
    for path in files[kept:]:
        path.unlink()
    before = _contents(directory)
    assert pki.initialise(directory, CONFIG, NOW)
    assert before.items() <= _contents(directory).items()
    authority = key_files.load_authority(directory)
    for name in ("server", "worker", "monitor"):
        certificate = key_files.load_certificate(key_files.pki_path(directory, f"{name}.pem"))
        certificate.verify_directly_issued_by(authority.certificate)


def test_beginning_of_another_collectivity_is_not_completed(directory):
    (directory / "cloud.toml").unlink()
    with pytest.raises(ConfigError, match="another collectivity's"):
        pki.initialise(directory, CloudConfig("village", "broker.example"), NOW)


def test_key_open_to_others_is_not_used(directory):
    key_files.pki_path(directory, "issuer.key").chmod(0o640)
    with pytest.raises(ConfigError, match="open to other users"):
        key_files.load_authority(directory)


def test_role_is_issued_once(directory):
    path = pki.issue_role(directory, "trustee-cnil", NOW)
    assert stat.S_IMODE(path.with_suffix(".key").stat().st_mode) == 0o600
    assert pki.roles(directory) == ("monitor", "trustee-cnil", "worker")
    with pytest.raises(ConfigError, match="there already"):
        pki.issue_role(directory, "trustee-cnil", NOW)


@pytest.mark.parametrize("name", ["server", "ca", "operator", "../worker", "a" * 26, "worker#"])
def test_certificate_for_a_name_that_is_no_role_is_not_issued(directory, name):
    with pytest.raises(ConfigError, match="names no role"):
        pki.issue_role(directory, name, NOW)


def test_fresh_certificates_are_not_renewed(directory):
    before = _contents(directory)
    assert renewal.renew(directory, NOW + timedelta(days=30)) == ()
    assert _contents(directory) == before


def test_old_certificates_are_renewed_with_their_keys(directory):
    later = NOW + timedelta(days=300)
    before = {
        name: key_files.load_certificate(key_files.pki_path(directory, f"{name}.pem"))
        for name in ("server", "worker", "monitor")
    }
    assert set(renewal.renew(directory, later)) == {"broker", "worker", "monitor"}
    for name, old in before.items():
        new = key_files.load_certificate(key_files.pki_path(directory, f"{name}.pem"))
        assert new.public_key() == old.public_key()
        assert new.subject == old.subject
        assert new.not_valid_after_utc > later + timedelta(days=390)


def test_what_is_renewed_each_month_never_has_a_third_left(directory):
    """Programs warn at a third: the silent case is the one that works."""
    now = NOW
    for _ in range(40):
        now += timedelta(days=31)
        for each in renewal.lifetimes(directory):
            assert not each.is_within(3, now), each
        renewal.renew(directory, now)
        if now.month == 1:
            roll_over.roll_over_issuer(directory, directory / "root", now)


def test_no_certificate_outlives_the_issuer_that_signed_it(directory):
    now = NOW + timedelta(days=700)
    renewal.renew(directory, now)
    ends = {each.name: each.not_after for each in renewal.lifetimes(directory)}
    assert ends["broker"] == ends["worker"] == ends["monitor"] == ends["issuer"]


DEEDS = {
    "issue": lambda where, _, at: pki.issue_role(where, "worker-2", at),
    "enrol": lambda where, key, at: pki.issue_device(where, DeviceId("a" * 26), key, at),
    "revoke": lambda where, _, at: pki.revoke(where, "worker", at),
    "renew": lambda where, _, at: renewal.renew(where, at),
}


@pytest.mark.parametrize("deed", DEEDS)
def test_nothing_is_signed_by_an_issuer_that_has_ended(directory, deed):
    late = NOW + timedelta(days=801)
    key = key_files.load_authority(directory).key.public_key()
    with pytest.raises(ConfigError, match=r"ended on 2028.*roll-over issuer"):
        DEEDS[deed](directory, key, late)
    assert list(key_files.pki_path(directory, "issued").iterdir()) == []


def test_new_name_of_the_broker_renews_its_certificate_alone(directory):
    path = directory / "cloud.toml"
    path.write_text(path.read_text("utf-8").replace("broker.example", "mqtt.example"), "utf-8")
    assert renewal.renew(directory, NOW) == ("broker",)
    names = key_files.load_certificate(key_files.pki_path(directory, "server.pem")).extensions
    hosts = names.get_extension_for_class(x509.SubjectAlternativeName).value
    assert hosts.get_values_for_type(x509.DNSName) == ["mqtt.example"]


def test_revocation_covers_every_certificate_of_a_device(directory):
    key = key_files.load_authority(directory).key.public_key()
    device = DeviceId("a" * 26)
    issued = [pki.issue_device(directory, device, key, NOW) for _ in range(2)]
    assert pki.revoke(directory, device, NOW)
    crl = x509.load_pem_x509_crl(key_files.pki_path(directory, "crl.pem").read_bytes())
    serials = {x509.load_pem_x509_certificate(pem).serial_number for pem in issued}
    assert {entry.serial_number for entry in crl} == serials


def test_revoking_again_changes_nothing_but_the_time(directory):
    key = key_files.load_authority(directory).key.public_key()
    pki.issue_device(directory, DeviceId("a" * 26), key, NOW)
    for _ in range(2):
        assert pki.revoke(directory, "a" * 26, NOW)
    crl = x509.load_pem_x509_crl(key_files.pki_path(directory, "crl.pem").read_bytes())
    assert len(list(crl)) == 1


@pytest.mark.parametrize("name", ["nobody", "ca", "server", "operator", "../server"])
def test_nobody_else_can_be_revoked(directory, name):
    assert not pki.revoke(directory, name, NOW)


def test_device_certificate_lasts_some_months(directory):
    key = key_files.load_authority(directory).key.public_key()
    pem = pki.issue_device(directory, DeviceId("a" * 26), key, NOW)
    certificate = x509.load_pem_x509_certificate(pem)
    assert certificate.not_valid_after_utc == NOW + DEVICE_VALIDITY


def test_share_group_is_drawn_and_stays_when_the_platform_key_is_replaced(directory, tmp_path):
    group = key_files.share_group(directory)
    roll_over.roll_over_platform(directory, directory / "root", NOW)
    assert group == key_files.share_group(directory)
    pki.initialise(tmp_path / "other", CONFIG, NOW)
    assert group != key_files.share_group(tmp_path / "other")
    assert len(group) == 32
    assert group.isalnum()


def test_directory_without_authority_is_a_sentence(tmp_path):
    with pytest.raises(ConfigError, match="volet cloud init"), pki.exclusive(tmp_path):
        pass


def test_an_issuer_that_has_ended_renews_nothing_and_says_what_to_do(directory):
    before = _contents(directory)
    with pytest.raises(ConfigError, match=r"authority ended on 2028-05-\d\d"):
        renewal.renew(directory, NOW + timedelta(days=801))
    assert _contents(directory) == before


def issuers(directory):
    return key_files.load_key_list(directory).issuers


def test_a_roll_over_typed_twice_draws_one_issuer_and_completes_the_first(directory):
    def replace(days, **how):
        now = NOW + timedelta(days=days)
        return roll_over.roll_over_issuer(directory, directory / "root", now, **how)

    path = key_files.pki_path(directory, "worker.pem")
    before = path.read_bytes()
    assert replace(0)
    new = path.read_bytes()
    path.write_bytes(before)  # as an interrupted run leaves it
    assert not replace(1)
    assert len(issuers(directory)) == 2
    issuer = key_files.load_authority(directory).certificate
    assert key_files.load_certificate(path).issuer == issuer.subject
    assert path.read_bytes() != new
    assert replace(2, withdraws=True)
    assert not replace(20)
    assert replace(40)
    assert len(issuers(directory)) == 4
