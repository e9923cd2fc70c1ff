"""The commands as programs: one sentence and a code for what is wrong, and nothing half left."""

import json
import os
import subprocess
import sys

import pytest

from edge.contracts.enrolling import draw_keys

PASSPHRASE = "une phrase que personne ne devine"
# A program whose files may not grow beyond so many bytes: what a full disk does, everywhere.
LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
sys.argv = ["volet", *sys.argv[2:]]
from volet.main import main
main()
"""


@pytest.fixture
def chip(tmp_path):
    draw_keys(tmp_path / "chip")
    return tmp_path / "chip"


@pytest.fixture
def passphrase(tmp_path):
    path = tmp_path / "passphrase"
    path.write_text(PASSPHRASE)
    path.chmod(0o600)
    return path


def volet(*arguments, limit_bytes=None, **options):
    """Run the program; returns (code, output, errors)."""
    program = ("-m", "volet.main") if limit_bytes is None else ("-c", LIMITED, str(limit_bytes))
    command = (sys.executable, *program, *map(str, arguments))
    options = {"stdin": subprocess.DEVNULL, "start_new_session": True} | options
    if limit_bytes is not None:  # what coverage writes would not fit either
        kept = {name: value for name, value in os.environ.items() if "COVERAGE" not in name}
        options = {"env": kept} | options
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.long
def test_a_full_disk_leaves_no_half_backup_and_no_half_restore(chip, tmp_path, passphrase):
    (chip / "edge.toml").write_text("#" * 100_000)
    by = ("--passphrase-file", passphrase)
    out, restored = tmp_path / "out" / "chip.backup", tmp_path / "restored"
    out.parent.mkdir()
    backup = ("edge", "backup", "--dir", chip, "--out", out, *by)
    restore = ("edge", "restore", out, "--dir", restored, *by)
    code, _, said = volet(*backup, limit_bytes=50_000)
    assert (code, said) == (5, f"volet: {out} cannot be written: File too large.\n")
    assert not list(out.parent.iterdir())
    assert volet(*backup)[0] == 0
    code, _, said = volet(*restore, limit_bytes=50_000)
    assert code == 5
    assert "cannot be written: File too large." in said
    assert not restored.exists()
    assert volet(*restore)[0] == 0


def test_codes_and_sentences_are_as_documented(chip, tmp_path, passphrase):
    by = ("--passphrase-file", passphrase)
    out = tmp_path / "chip.backup"
    backup = ("edge", "backup", "--dir", chip, "--out", out)
    code, _, said = volet(*backup)
    assert (code, said) == (
        5,
        "volet: Nobody can be asked for a passphrase here; give --passphrase-file.\n",
    )
    assert volet(*backup, *by, "--draw")[0] == 2
    code, told, _ = volet(*backup, *by, "--json")
    assert code == 0
    told = json.loads(told)
    assert told["file"] == str(out)
    assert told["bytes"] == out.stat().st_size
    assert {each["name"]: each["bytes"] for each in told["files"]} == {
        name: (chip / name).stat().st_size
        for name in (
            *("edge.toml", "keys/household.key", "keys/meter.salt"),
            *("keys/signing.key", "keys/tls.key"),
        )
    }
    assert volet(*backup, *by)[0] == 5
    code, _, said = volet("cloud", "restore", out, "--dir", tmp_path / "x", *by)
    assert code == 5
    assert said.endswith("is a backup of `volet edge`, not of the collectivity; restore it with "
                         "`volet edge restore`.\n")  # fmt: skip
    code, _, said = volet("edge", "backup", "--dir", tmp_path / "none", "--out", out, *by)
    assert code == 5
    assert said.count("\n") == 1
    passphrase.chmod(0o644)
    code, _, said = volet(*backup, *by)
    assert code == 5
    assert "is open to other users" in said


def test_a_passphrase_comes_from_a_descriptor_and_never_stands_in_arguments(chip, tmp_path):
    reader, writer = os.pipe()
    os.write(writer, PASSPHRASE.encode())
    os.close(writer)
    try:
        code, _, said = volet(
            *("edge", "backup", "--dir", chip, "--out", tmp_path / "chip.backup"),
            *("--passphrase-file", f"/dev/fd/{reader}"),
            pass_fds=(reader,),
        )
    finally:
        os.close(reader)
    assert code == 0, said


def test_a_drawn_passphrase_opens_what_it_was_drawn_for(chip, tmp_path, passphrase):
    out = tmp_path / "chip.backup"
    code, said, _ = volet("edge", "backup", "--dir", chip, "--out", out, "--draw")
    assert code == 0
    passphrase.write_text(said.split("Passphrase: ")[1])
    code, said, _ = volet("edge", "restore", out, "--check", "--passphrase-file", passphrase)
    assert code == 0
    assert "opens and is whole" in said


@pytest.mark.parametrize("taken", ["backup.key", "backup.key.pub"])
def test_no_key_gives_its_place_to_a_new_pair(tmp_path, taken):
    (tmp_path / taken).write_text("of another pair")
    code, _, said = volet("edge", "backup-key", "--out", tmp_path / "backup.key")
    assert (code, said) == (
        5,
        f"volet: {tmp_path / taken} is there already; name another file, nothing is overwritten.\n",
    )
    assert [each.name for each in tmp_path.iterdir()] == [taken]
    assert (tmp_path / taken).read_text() == "of another pair"
