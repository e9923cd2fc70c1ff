"""`volet edge doctor`: each misconfiguration is made, found, and mended by the command that is named."""

import os
import pty
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from edge.commands.doctor_checks import KNOWN
from edge.commands.table import edge
from edge.home.settings import PASSWORD
from edge.language.french.looking_up import known_sentence
from edge.mqtt.message import Absence
from edge.stage import IMPORTING
from edge.status.line import LineFault, LineState
from edge.status.presence import Presence, SessionState, StatusFile, StatusRecord, this_process
from edge.vault.database import FILE_NAME, open_database
from protocol.errors import ConfigError
from system.findings import Severity
from system.locks import take_lock
from tests.support.broker import enrol_chip, make_cloud
from tests.support.french import plain
from tests.support.mending import doctor, found, make_machine, mend

NOW = datetime.now(UTC)
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to others")


@pytest.fixture(scope="module")
def enrolled(tmp_path_factory):
    """A chip that is enrolled and has a vault; it is copied, not used."""
    folder = tmp_path_factory.mktemp("enrolled")
    make_cloud(folder / "cloud")
    enrol_chip(folder / "cloud", folder / "chip")
    open_database(folder / "chip" / FILE_NAME).close()
    os.close(take_lock(folder / "chip" / f"{FILE_NAME}.lock", is_made=True))
    return folder / "chip"


@pytest.fixture
def machine(tmp_path, monkeypatch):
    return make_machine(tmp_path / "machine", monkeypatch)


@pytest.fixture
def line():
    """The name of a line on which nothing comes, as an emulated meter's."""
    master, slave = pty.openpty()
    yield os.ttyname(slave)
    os.close(master)
    os.close(slave)


@pytest.fixture
def chip(enrolled, machine, tmp_path, line):  # noqa: ARG001 - it is looked at
    """The directory of a chip with which nothing is wrong; its name has a blank."""
    shutil.copytree(enrolled, tmp_path / "a chip")
    (tmp_path / "a chip" / "edge.toml").write_text(f'source = "{line}"\n')
    return tmp_path / "a chip"


def add_setting(chip, text):
    path = chip / "edge.toml"
    path.write_text(path.read_text() + text)


def test_nothing_is_wrong_with_a_chip_that_is_set_up_well(chip):
    assert doctor("edge", chip) == []
    done = CliRunner().invoke(edge, ["--lang", "fr", "doctor", "--dir", str(chip)])
    assert (done.exit_code, done.output) == (0, "Tout va bien.\n")


def test_a_finding_is_shown_with_its_command_and_ends_with_a_code(chip):
    path = chip / "keys/tls.key"
    path.chmod(0o640)
    done = CliRunner().invoke(edge, ["--lang", "fr", "doctor", "--dir", str(chip)])
    assert done.exit_code == 5
    assert plain(done.output) == (
        f"erreur : {path} est secret, et ouvert à d'autres utilisateurs (mode 0640) ; fermez-le, et "
        f"pensez à qui a pu le lire.\n  chmod 600 '{path}'\n"
    )


def open_key(chip):
    (chip / "keys/household.key").chmod(0o644)


def open_directory(chip):
    chip.chmod(0o755)


def call_simulated(chip):
    add_setting(chip, "[metering]\nis_simulated = true\n")


def name_a_wrong_mode(chip):
    text = (chip / "edge.toml").read_text()
    (chip / "edge.toml").write_text(f'mode = "historique"\n{text}')
    StatusFile(chip).write(
        StatusRecord(
            Presence(
                *this_process(),
                boot="x",
                started_at=NOW,
                line=LineState(fault=LineFault.GARBLED),
                line_since=NOW,
                session=SessionState(is_up=False, since=NOW, why=Absence.NETWORK),
            )
        )
    )


def damage_choice(chip):
    (chip / "area.json").write_text("{")
    (chip / "area.json").chmod(0o600)


@pytest.mark.parametrize(
    ("name", "break_it"),
    [
        ("directory_open", open_directory),
        ("file_open", open_key),
        ("line_mode_wrong", name_a_wrong_mode),
        ("choices_unreadable", damage_choice),
    ],
)
def test_what_was_broken_is_mended_by_its_command(chip, name, break_it):
    break_it(chip)
    mend(found("edge", chip, name))
    assert doctor("edge", chip) == []


@ROOT_ONLY
def test_a_file_of_root_among_a_users_is_given_back(chip):
    for path in (chip, *chip.rglob("*")):
        os.chown(path, 65_500, 65_500)
    assert doctor("edge", chip) == []
    os.chown(chip / "keys/tls.key", 0, 0)
    diagnosis = found("edge", chip, "file_of_another")
    assert "tls.key is root's" in diagnosis.sentence
    mend(diagnosis)
    assert doctor("edge", chip) == []


def test_a_real_line_is_called_simulated_no_longer(chip, monkeypatch, tmp_path):
    monkeypatch.setattr("edge.chip.config.PSEUDO_TERMINALS", tmp_path)
    call_simulated(chip)
    mend(found("edge", chip, "real_line_called_simulated"))
    assert doctor("edge", chip) == []


@pytest.mark.parametrize(
    ("text", "name", "told"),
    [
        ("surce = 1\n", "settings_unreadable", "unknown field `surce`"),
        ("[panel]\nline_gpio = 14\n", "panel_wrong", "is a pin of the meter's line"),
        ('[home]\nbroker = "10.0.0.1"\nca = "/nowhere"\n', "home_broker_wrong", "/nowhere"),
    ],
)
def test_a_wrong_setting_is_named(chip, text, name, told):
    add_setting(chip, text)
    (diagnosis,) = doctor("edge", chip)
    assert (diagnosis.name, diagnosis.command) == (name, f"nano '{chip / 'edge.toml'}'")
    assert told in diagnosis.sentence
    (french,) = doctor("edge", chip, "--lang", "fr")
    assert french.sentence != diagnosis.sentence


def test_the_password_of_the_homes_broker_is_a_secret(chip):
    (chip / PASSWORD).write_text("planted-password")
    (chip / PASSWORD).chmod(0o644)
    diagnosis = found("edge", chip, "file_open")
    assert "planted" not in diagnosis.sentence
    mend(diagnosis)
    assert doctor("edge", chip) == []


def spoil(name):
    return lambda chip: (chip / name).write_bytes(b"spoilt")


def take(name):
    return lambda chip: (chip / name).unlink()


def another_chips(chip):
    shutil.copy(chip / "ca.pem", chip / "device.pem")


@pytest.mark.parametrize(
    ("break_it", "name", "command"),
    [
        (take("keys/signing.key"), "keys_unusable", "restore --dir {} BACKUP"),
        (take("keys/household.key"), "keys_unusable", "restore --dir {} BACKUP"),
        (spoil("keys/household.key"), "keys_unusable", "restore --dir {} BACKUP"),
        (spoil("enrolment.json"), "identity_unusable", "enrol --dir {} ENROLMENT.json"),
        (another_chips, "identity_unusable", "enrol --dir {} ENROLMENT.json"),
        (spoil("contract.json"), "contract_unusable", "request --dir {} --offer OFFER.json"),
        (spoil(FILE_NAME), "vault_unusable", "restore --dir {} --database-only BACKUP"),
        (take("enrolment.json"), "not_enrolled", "enrol --dir {} ENROLMENT.json"),
    ],
)
def test_what_is_damaged_or_lacks_is_named(chip, break_it, name, command):
    (chip / "contract.json").touch(0o600)
    (chip / "contract.json").unlink()
    break_it(chip)
    for path in (chip / "contract.json", chip / "keys/household.key"):
        if path.exists():
            path.chmod(0o600)
    assert command.format(f"'{chip}'") in found("edge", chip, name).command


def test_a_chip_that_has_asked_for_nothing_is_told_to(chip):
    for name in ("enrolment.json", "request.json"):
        (chip / name).unlink()
    mend(found("edge", chip, "not_requested"))
    assert found("edge", chip, "not_enrolled")


def test_an_import_that_was_cut_short_is_run_again(chip):
    (chip / IMPORTING).touch(0o600)
    assert found("edge", chip, "import_interrupted")


def test_a_database_of_a_later_release_is_named(chip):
    with closing(sqlite3.connect(chip / FILE_NAME)) as database:
        database.execute("PRAGMA user_version = 900")
    assert "install the version that wrote it" in found("edge", chip, "vault_unusable").sentence


def test_another_program_at_the_database_is_ended(chip):
    lock = take_lock(chip / f"{FILE_NAME}.lock", is_made=True)
    try:
        assert found("edge", chip, "vault_held").command.endswith(f"'{chip}/{FILE_NAME}.lock'")
    finally:
        os.close(lock)
    assert doctor("edge", chip) == []


@pytest.mark.parametrize(("days", "name"), [(0.1, "certificate_ends"), (-0.1, "certificate_ended")])
def test_the_end_of_the_certificate_is_told(chip, monkeypatch, days, name):
    """By the clock of whoever looks: a certificate's own time cannot be shortened."""
    from edge.commands import doctor_checks  # noqa: PLC0415

    end = doctor_checks.read_lifetime("chip", chip / "device.pem").not_after

    class Later(datetime):
        @classmethod
        def now(cls, zone=None):
            return (end - timedelta(days=days)).astimezone(zone)

    monkeypatch.setattr(doctor_checks, "datetime", Later)
    assert f"{end:%Y-%m-%d}" in found("edge", chip, name).sentence


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("/dev/ttyNOT", "source_missing"),
        ("/dev/null", "source_no_line"),
        ("/tmp", "source_no_line"),
    ],
)
def test_a_line_that_is_none_leads_to_the_set_up(chip, source, name):
    (chip / "edge.toml").write_text(f'source = "{source}"\n')
    done = CliRunner().invoke(edge, ["--lang", "fr", "doctor", "--dir", str(chip)])
    assert " is " not in done.output
    assert "there" not in done.output
    (diagnosis,) = doctor("edge", chip)
    assert (diagnosis.name, diagnosis.command) == (name, f"sudo volet edge setup --dir '{chip}'")


@ROOT_ONLY
def test_a_user_who_may_not_read_the_line_joins_its_group(chip, line):
    import pwd  # noqa: PLC0415

    user = pwd.getpwnam("nobody")
    Path(line).chmod(0o660)
    for path in (chip, *chip.rglob("*")):
        os.chown(path, user.pw_uid, user.pw_gid)
    diagnosis = found("edge", chip, "source_closed")
    assert diagnosis.command.startswith("sudo usermod --append --groups ")
    assert diagnosis.command.endswith(" nobody")
    Path(line).chmod(0o666)
    assert doctor("edge", chip) == []


def test_a_board_whose_line_is_a_consoles_is_set_up(chip, tmp_path, monkeypatch):
    from tests.unit.tic.test_board_setup import Tree  # noqa: PLC0415

    tree = Tree(tmp_path / "root").board("4")
    monkeypatch.setattr("edge.commands.doctor_checks.ROOT", tree.root)
    (chip / "edge.toml").write_text('source = "/dev/ttyAMA0"\n')
    names = [each.name for each in doctor("edge", chip)]
    assert names == ["board_not_set_up", "board_not_set_up", "source_missing"]
    tree.report("--apply")  # what the command does, on the tree
    assert [each.name for each in doctor("edge", chip)] == ["source_missing"]


@pytest.fixture
def installed(chip, machine, monkeypatch):
    """The chip as the machine's own, with its units."""
    monkeypatch.setattr("edge.commands.doctor_checks.DEFAULT_DIRECTORY", chip)
    user = chip.owner()
    for name in ("volet-edge@.service", "volet-edge-clock@.service"):
        machine.put_template(name, user, UnitFileState="enabled", ActiveState="active")
    machine.put_unit("volet-edge-page.socket", UnitFileState="enabled", ActiveState="active")
    return chip


@pytest.mark.parametrize(
    ("name", "properties"),
    [
        ("unit_off", {"UnitFileState": "disabled", "ActiveState": "inactive"}),
        ("unit_failed", {"UnitFileState": "enabled", "ActiveState": "failed"}),
        (
            "units_changed",
            {"UnitFileState": "enabled", "ActiveState": "active", "NeedDaemonReload": "yes"},
        ),
    ],
)
@pytest.mark.parametrize("unit", ["volet-edge@{}.service", "volet-edge-page.socket"])
def test_a_unit_that_does_not_run_is_started(installed, machine, name, properties, unit):
    assert doctor("edge", installed) == []
    machine.put_unit(unit.format(installed.owner()), **properties)
    mend(found("edge", installed, name))
    assert doctor("edge", installed) == []


def test_a_clock_that_nothing_keeps_right_is_told(chip, machine):
    machine.clock.unlink()
    assert found("edge", chip, "clock_unsynchronised").severity is Severity.WARNING


def test_a_disk_without_room_is_told(chip, monkeypatch):
    monkeypatch.setattr("system.machine_checks.DISK_FREE_MIN_MB", 1 << 40)
    assert found("edge", chip, "disk_full").severity is Severity.ERROR


def test_swap_is_told_unless_a_unit_keeps_from_it(installed, machine, monkeypatch):
    (machine.folder / "swaps").write_text("Filename Type\n/dev/zram0 partition\n/swapfile file\n")
    assert doctor("edge", installed) == []
    monkeypatch.undo()
    make_machine(machine.folder / "again", monkeypatch)
    (machine.folder / "again/swaps").write_text("Filename Type\n/dev/zram0 partition\n/s file\n")
    monkeypatch.setattr("system.machine_checks.status_field", lambda _: "0")
    assert "/s," in found("edge", installed, "swap_on").sentence


def test_no_chip_is_not_a_chip_with_something_wrong(tmp_path):
    done = CliRunner().invoke(edge, ["--lang", "en", "doctor", "--dir", str(tmp_path)])
    assert isinstance(done.exception, ConfigError)


def test_every_finding_has_its_french_and_a_name_of_its_own():
    assert len({each.name for each in KNOWN}) == len(KNOWN)
    for each in KNOWN:
        assert known_sentence(each.sentence.format_map(Hole())), each.name


class Hole(dict):
    def __missing__(self, key):
        return "x9"


def test_a_finding_is_json_with_four_fields(chip):
    open_directory(chip)
    done = CliRunner().invoke(edge, ["doctor", "--dir", str(chip), "--json"])
    (found,) = msgspec.json.decode(done.output)
    assert set(found) == {"name", "severity", "sentence", "command"}
