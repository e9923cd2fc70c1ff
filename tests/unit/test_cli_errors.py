"""What people get wrong ends in one sentence and its exit code, never in a traceback."""

import errno
import os

import pytest

from edge.chip.agent import Agent
from edge.chip.config import EdgeConfig
from edge.contracts.enrolling import draw_keys, install
from edge.identity.enrolment import load_identity
from edge.identity.keys import load_keys
from protocol.errors import ConfigError
from tests.support.broker import enrol_chip, make_cloud
from volet import main as main_module


@pytest.fixture
def chip(tmp_path):
    make_cloud(tmp_path / "cloud")
    enrol_chip(tmp_path / "cloud", tmp_path / "chip")
    return tmp_path / "chip"


def volet(monkeypatch, capsys, *arguments):
    """Run the command in this process; returns exit code and standard error."""
    monkeypatch.setattr("sys.argv", ["volet", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main_module.main()
    return ended.value.code, capsys.readouterr().err


def test_an_error_of_the_system_is_a_sentence_with_the_file(monkeypatch, capsys, tmp_path):
    def denied(*_args, **_more):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(tmp_path / "chip"))

    monkeypatch.setattr("pathlib.Path.exists", denied)
    code, said = volet(monkeypatch, capsys, "edge", "init", "--dir", tmp_path / "chip")
    assert (code, said) == (5, f"volet: {tmp_path / 'chip'}: Permission denied.\n")


def test_a_damaged_authority_is_named_when_a_chip_is_enrolled_again(monkeypatch, capsys, chip):
    (chip / "ca.pem").write_text("junk")
    code, said = volet(monkeypatch, capsys, "edge", "enrol", "--dir", chip, chip / "answer.json")
    assert code == 5
    assert "ca.pem is damaged" in said
    with pytest.raises(ConfigError, match=r"ca\.pem"):
        install(chip, chip / "answer.json")


@pytest.mark.parametrize("name", ["ca.pem", "device.pem"])
def test_a_chip_with_a_damaged_certificate_does_not_start(chip, name):
    (chip / name).write_text("junk")
    agent = Agent.open(chip, load_identity(chip), EdgeConfig(source="-"))
    with pytest.raises(ConfigError, match=name), agent:
        pass


def test_a_salt_that_was_cut_is_refused_before_a_serial_is_hashed_with_it(tmp_path):
    draw_keys(tmp_path)
    (tmp_path / "keys" / "meter.salt").write_bytes(b"")
    with pytest.raises(ConfigError, match=r"meter\.salt is not of 32 bytes"):
        load_keys(tmp_path)


def test_a_damaged_revocation_list_is_named(monkeypatch, capsys, tmp_path):
    make_cloud(tmp_path)
    (tmp_path / "pki" / "crl.pem").write_text("junk")
    code, said = volet(monkeypatch, capsys, "cloud", "revoke", "--dir", tmp_path, "worker")
    assert code == 5
    assert "crl.pem is no revocation list" in said
