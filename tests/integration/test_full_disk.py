"""Every change that a household makes, on a full disk: done, or not done with a sentence; never half."""

import os
import shutil
import subprocess
from contextlib import suppress

import msgspec
import pytest
from click.testing import CliRunner

from edge.commands.table import edge
from edge.household.requests import (
    AskForQuotes,
    CapYear,
    KeepCurve,
    Question,
    SeeOffer,
    SetProfile,
    TakePart,
)
from edge.household.shown import Done, NotDone
from edge.household.shown_agreements import ShownOffer
from edge.household.visitors import VisitorRole, household_name
from edge.language.choice import Lang
from edge.moving.departure import ORDER as MOVE_OUT
from edge.stage import CONFIG_NAME, Stage, stage
from protocol.errors import VoletError
from tests.support.billing_home import FIRST, ONE_DAY, BillingHome, signed_offer
from tests.support.lived_home import answers_of

DISK = "24m"
CHUNK = 4_096
# What SQLite and locks need, and the test's own.
_BESIDE = ("-shm", "-wal", ".lock", "filler")


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    home = BillingHome(tmp_path_factory.mktemp("lived") / "town")
    home.begin()
    home.live(2)
    yield home
    home.kill()


class Disk:
    """A small disk with a chip's directory."""

    def __init__(self, place, chip):
        self.place, self.directory, self._filler = place, place / "chip", place / "filler"
        shutil.copytree(chip, self.directory)
        (self.directory / CONFIG_NAME).write_text('[home]\nbroker = "home.invalid"\n')

    def fill(self):
        with self._filler.open("ab", buffering=0) as filler, suppress(OSError):
            while True:
                filler.write(bytes(CHUNK))
        assert not shutil.disk_usage(self.place).free

    def free(self):
        self._filler.unlink()

    def held(self):
        return {
            str(path.relative_to(self.directory)): path.read_bytes()
            for path in sorted(self.directory.rglob("*"))
            if path.is_file() and not path.name.endswith(_BESIDE)
        }


@pytest.fixture
def disk(tmp_path, lived):
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(place)]
    if os.getuid() or subprocess.run(mount, check=False).returncode:
        pytest.skip("This user may not mount a small disk.")
    try:
        yield Disk(place, lived.directory)
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def typed(directory, *words):
    """Type a command; return what it said that went wrong, None if nothing did."""
    done = CliRunner().invoke(
        edge, ["--lang", "en", words[0], "--dir", str(directory), *words[1:]], input="y\n"
    )
    if done.exit_code == 0:
        return None
    assert isinstance(done.exception, VoletError), f"{done.exception!r}\n{done.output}"
    return str(done.exception)


COMMANDS = {
    "profile": ("--ages", "0,1,1,0,0,0", "--employed", "1"),
    "budget": ("--cap", "0.5"),
    "curve": ("--keep", "12", "--yes"),
    "quotes": ("--ask",),
    "receipts": ("--release", "--yes"),
    "repeater": ("on", "--yes"),
    "home": ("--on", "--yes"),
    "request": (),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_done_or_says_why_not(disk, name):
    before = disk.held()
    disk.fill()
    why = typed(disk.directory, name, *COMMANDS[name])
    assert why is not None, "a full disk takes nothing"
    assert why.endswith("."), why
    assert "Traceback" not in why
    assert disk.held() == before
    disk.free()
    assert typed(disk.directory, name, *COMMANDS[name]) is None
    assert disk.held() != before


def test_a_move_out_is_ordered_or_says_why_not(disk):
    words = ("move-out", "--yes", "--wait", "0")
    before = disk.held()
    disk.fill()
    assert "No space left" in typed(disk.directory, *words)
    assert disk.held() == before
    disk.free()
    assert "The order stands" in typed(disk.directory, *words)
    assert MOVE_OUT.is_in(disk.directory)


def test_an_export_is_whole_or_not_there(disk, tmp_path):
    passphrase = tmp_path / "passphrase"
    passphrase.write_text("tout ce que nous emportons")
    passphrase.chmod(0o600)
    bundle = disk.place / "bundle.volet"
    words = ("export", "--out", str(bundle), "--passphrase-file", str(passphrase))
    before = disk.held()
    disk.fill()
    assert typed(disk.directory, *words) is not None
    assert disk.held() == before
    assert {path.name for path in disk.place.iterdir()} == {"chip", "filler"}
    disk.free()
    assert typed(disk.directory, *words) is None
    assert bundle.stat().st_size > CHUNK


def test_a_chip_is_erased_or_goes_on_to_be_once_there_is_room(disk):
    disk.fill()
    typed(disk.directory, "erase", "--yes")  # what is destroyed makes room
    disk.free()
    assert typed(disk.directory, "erase", "--yes") is None
    assert stage(disk.directory) is Stage.KEYS_DRAWN
    assert not {"vault.db", "enrolment.json", "contract.json"} & set(disk.held())


def test_a_new_chip_is_made_once_there_is_room(disk):
    new = disk.place / "new"
    disk.fill()
    assert typed(new, "init") is not None
    disk.free()
    assert typed(new, "init") is None
    assert stage(new) is Stage.KEYS_DRAWN


OFFER = msgspec.json.encode(signed_offer()).decode()
CHANGES = {
    "take part": TakePart(is_on=True),
    "profile": SetProfile(ages=(0, 1, 1, 0, 0, 0), employed=1),
    "cap": CapYear(rho=0.5),
    "keep": KeepCurve(months=12),
    "quotes": AskForQuotes(),
    "offer": SeeOffer(offer=OFFER, start=FIRST + 3 * ONE_DAY),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_on_the_page_is_done_or_says_why_not(disk, lived, monkeypatch, name):
    monkeypatch.setattr(lived, "directory", disk.directory)
    answers = answers_of(lived)
    asked: Question = msgspec.structs.replace(
        CHANGES[name],
        household=household_name(lived.identity.household_key),
        role=VisitorRole.OWNER,
        lang=Lang.EN,
    )
    before = disk.held()
    disk.fill()
    refused = answers.answer(asked)
    assert isinstance(refused, NotDone), refused
    assert refused.why.endswith("."), refused
    assert disk.held() == before
    disk.free()
    assert isinstance(answers.answer(asked), Done | ShownOffer)
    assert disk.held() != before
    answers.close()
