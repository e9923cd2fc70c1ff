"""Every change that a household makes, on a full disk: done, or not done with a sentence; never half."""

import os
import shutil
import subprocess
from contextlib import closing, suppress

import msgspec
import pytest
from click.testing import CliRunner

from edge.area.settings import load_choices
from edge.area.terms import TRUSTEE_SET
from edge.chip.confirming import ORDER as CONFIRMED
from edge.commands.table import edge
from edge.contracts.enrolling import draw_keys, make_request, sign_contract, write_request
from edge.contracts.requests import latest_made_at
from edge.contracts.signed import read_agreement
from edge.household.first_run import FirstRunAnswers, SeenLine
from edge.household.pairing import PairingWindow
from edge.household.requests import (
    AskForQuotes,
    CapYear,
    KeepCurve,
    MakeRequest,
    Question,
    RepeatLine,
    SeeOffer,
    SetProfile,
    TakeAnswer,
    TakePart,
)
from edge.household.shown import Done, NotDone
from edge.household.shown_agreements import ShownOffer
from edge.household.shown_first_run import ShownRequest
from edge.household.visitors import VisitorRole, household_name
from edge.identity.enrolment import signer_of
from edge.identity.keys import load_keys
from edge.language.choice import Lang
from edge.metering.other_meter import SetAside
from edge.moving.departure import ORDER as MOVE_OUT
from edge.stage import CONFIG_NAME, REQUEST, Stage, stage
from edge.tic.frame import Mode
from edge.tic.repeater.choice import load_repeater
from edge.vault.vault import Vault
from protocol.calendar import day_start
from protocol.errors import VoletError
from protocol.governance import fingerprint
from tests.support.billing_home import FIRST, ONE_DAY, BillingHome, signed_offer
from tests.support.chip_area import Trustees
from tests.support.chip_bench import SERIAL
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

    def fill(self, but=0):
        """Fill the disk, all of it but so many chunks."""
        with self._filler.open("ab", buffering=0) as filler:
            with suppress(OSError):
                while True:
                    filler.write(bytes(CHUNK))
            filler.truncate(filler.tell() - but * CHUNK)
        assert shutil.disk_usage(self.place).free == but * CHUNK

    def free(self):
        self._filler.unlink()

    def held(self, directory=None):
        directory = directory or self.directory
        return {
            str(path.relative_to(directory)): path.read_bytes()
            for path in sorted(directory.rglob("*"))
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
    "area": ("off",),
    "home": ("--on", "--yes"),
    "request": (),
}


def check_is_done_or_says_why_not(disk, *words):
    before = disk.held()
    disk.fill()
    why = typed(disk.directory, *words)
    assert why is not None, "a full disk takes nothing"
    assert why.endswith("."), why
    assert "Traceback" not in why
    assert disk.held() == before
    disk.free()
    assert typed(disk.directory, *words) is None
    assert disk.held() != before


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_done_or_says_why_not(disk, name):
    check_is_done_or_says_why_not(disk, name, *COMMANDS[name])


def test_what_was_on_is_off_or_says_why_not(disk):
    assert typed(disk.directory, "repeater", "on", "--yes") is None
    check_is_done_or_says_why_not(disk, "repeater", "off")
    assert not load_repeater(disk.directory).is_on


def test_trustees_are_confirmed_or_are_not(disk, lived):
    trustees = Trustees(lived.cloud.key)
    signed = trustees.sign(trustees.set(collectivity=lived.identity.collectivity))
    opened = closing(Vault.open(disk.directory, signer_of(lived.identity)))
    with opened as vault, vault.area_change() as area:
        area.put_document(signed.hash, TRUSTEE_SET, msgspec.msgpack.encode(signed), 0)
    check_is_done_or_says_why_not(disk, "trustees", "--confirm", fingerprint(signed))
    assert load_choices(disk.directory).trustees == signed.hash.hex()


def test_an_index_is_confirmed_or_is_not(disk, lived):
    """As when another meter is on the line."""
    with closing(Vault.open(disk.directory, signer_of(lived.identity))) as vault:
        state = vault.values.state()
        other = msgspec.structs.replace(state.account.last, serial="041876543211")
        vault.record([], msgspec.structs.replace(state, other=SetAside((other,))))
    check_is_done_or_says_why_not(disk, "confirm", "--yes")
    assert CONFIRMED.is_in(disk.directory)


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


def new_chip(disk, cloud, name):
    """A chip with a request for a contract, and the collectivity's answer beside it."""
    new, answer = disk.place / name, disk.place / f"{name}.json"
    draw_keys(new)
    keys = load_keys(new)
    request = make_request(keys, signed_offer(), contract_of(keys, signed_offer()))
    write_request(new, new / REQUEST, request)
    answer.write_bytes(cloud.enrol(request))
    return new, answer


def contract_of(keys, offer, start=FIRST + ONE_DAY, meter=SERIAL):
    return sign_contract(keys, offer, meter, start)


def check_at_each_chunk(disk, directory, *words, step=1):
    """Try it with more and more room, until it is done; each time it is all or nothing."""
    before, fits = disk.held(directory), 0
    whole = disk.place / "whole"
    shutil.copytree(directory, whole)
    while True:
        disk.fill(but=fits)
        why = typed(directory, *words)
        disk.free()
        if why is None:
            return fits
        assert any(each in why for each in ("room", "No space", "disk I/O error")), why
        assert "bundle" not in why.removeprefix(str(directory)), "it is not the bundle's fault"
        assert disk.held(directory) == before, f"{fits} chunks: {why}"
        assert typed(directory, *words) is None, "it is done once there is room"
        shutil.rmtree(directory)
        shutil.copytree(whole, directory)
        fits += step


def test_a_chip_is_enrolled_or_says_why_not_however_little_room_there_is(disk, lived):
    new, answer = new_chip(disk, lived.cloud, "new")
    assert check_at_each_chunk(disk, new, "enrol", str(answer)) >= 4
    assert stage(new) is Stage.ENROLLED
    assert read_agreement(new) is not None


def test_another_contract_is_taken_or_says_why_not_and_nothing_is_forgotten(disk, lived):
    """It had forgotten the household's choice to repeat the line, and ended the present contract."""
    assert typed(disk.directory, "repeater", "on", "--yes") is None
    keys, offer = load_keys(disk.directory), signed_offer(name="another")
    contract = contract_of(keys, offer, FIRST + 20 * ONE_DAY)
    request = make_request(keys, offer, contract, after=latest_made_at(disk.directory))
    write_request(disk.directory, disk.directory / REQUEST, request)
    answer = disk.place / "answer.json"
    answer.write_bytes(lived.cloud.enrol(request))
    assert check_at_each_chunk(disk, disk.directory, "enrol", str(answer)) >= 3
    assert read_agreement(disk.directory).contract.hash == contract.hash


@pytest.mark.long
@pytest.mark.parametrize("has_ledger", [True, False])
def test_a_household_is_imported_or_says_why_not_however_little_room_there_is(
    disk, tmp_path, has_ledger
):
    passphrase, bundle, new = tmp_path / "passphrase", tmp_path / "bundle", disk.place / "new"
    passphrase.write_text("tout ce que nous emportons")
    passphrase.chmod(0o600)
    by = ("--passphrase-file", str(passphrase))
    without = () if has_ledger else ("--keys-only",)
    assert typed(disk.directory, "export", "--out", str(bundle), *by, *without) is None
    draw_keys(new)
    assert check_at_each_chunk(disk, new, "import", str(bundle), *by, step=4) > 20
    assert load_keys(new).household.id == load_keys(disk.directory).household.id


def test_an_import_without_room_says_so_and_blames_no_bundle(disk, tmp_path):
    passphrase, bundle, new = tmp_path / "passphrase", tmp_path / "bundle", disk.place / "new"
    passphrase.write_text("tout ce que nous emportons")
    passphrase.chmod(0o600)
    by = ("--passphrase-file", str(passphrase))
    assert typed(disk.directory, "export", "--out", str(bundle), *by) is None
    draw_keys(new)
    before = disk.held(new)
    for but in (8, vault_chunks(disk) + 16):
        disk.fill(but)
        why = typed(new, "import", str(bundle), *by)
        assert "No space" in why or "There is no room" in why, why
        assert disk.held(new) == before
        disk.free()
    assert typed(new, "import", str(bundle), *by) is None


def vault_chunks(disk):
    return -(-(disk.directory / "vault.db").stat().st_size // CHUNK)


@pytest.mark.parametrize("is_answer", [False, True])
def test_a_step_of_the_first_run_is_taken_or_says_why_not(disk, lived, is_answer):
    new, answer = new_chip(disk, lived.cloud, "new")
    at = day_start(FIRST)
    answers = FirstRunAnswers(
        new,
        PairingWindow(new, lambda: at),
        lambda: SeenLine(SERIAL, Mode.STANDARD),
        lambda: at,
    )
    who = {
        "household": household_name(load_keys(new).household.id),
        "role": VisitorRole.OWNER,
        "lang": Lang.EN,
    }
    if is_answer:
        asked: Question = TakeAnswer(answer=answer.read_text(), is_sure=True, **who)
    else:
        asked = MakeRequest(offer=OFFER, start=FIRST + ONE_DAY, **who)
        seen = answers.answer(asked)
        asked = msgspec.structs.replace(asked, is_sure=True, contract=seen.contract.contract)
    before = disk.held(new)
    for but in range(3):
        disk.fill(but)
        refused = answers.answer(asked)
        assert isinstance(refused, NotDone), refused
        assert "No space" in refused.texts[Lang.EN]
        disk.free()
        assert disk.held(new) == before
    assert isinstance(answers.answer(asked), Done | ShownRequest)
    assert stage(new) is (Stage.ENROLLED if is_answer else Stage.REQUESTED)


OFFER = msgspec.json.encode(signed_offer()).decode()
CHANGES = {
    "take part": TakePart(is_on=True),
    "profile": SetProfile(ages=(0, 1, 1, 0, 0, 0), employed=1),
    "cap": CapYear(rho=0.5),
    "keep": KeepCurve(months=12),
    "quotes": AskForQuotes(),
    "offer": SeeOffer(offer=OFFER, start=FIRST + 3 * ONE_DAY),
    "repeater": RepeatLine(is_on=True),
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
    assert refused.texts[Lang.EN].endswith("."), refused
    assert disk.held() == before
    disk.free()
    assert isinstance(answers.answer(asked), Done | ShownOffer)
    assert disk.held() != before
    answers.close()
