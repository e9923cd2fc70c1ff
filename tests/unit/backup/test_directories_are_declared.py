"""Whatever a party's directory holds is in its list: found by living, and by reading the code."""

import ast
import os
import re
import stat
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from cloud.commands.directory import COLLECTIVITY
from cloud.registry.broker import current_user
from cloud.registry.key_files import load_signed_list, pki_path
from cloud.roster.files import REGISTRAR
from edge.area.figure import FILE_NAME as FIGURES
from edge.area.figure import KeptFigures, save_kept
from edge.chip.confirming import leave_confirmation
from edge.commands.directory import CHIP
from edge.contracts.signed import CONTRACT, OFFER, read_agreement
from edge.home.choice import CHOICE, HomeChoice, lock_telling
from edge.home.record import new_record, write_record
from edge.home.settings import PASSWORD as HOME_PASSWORD
from edge.household.call import SOCKET_NAME
from edge.household.contracts import keep_offer
from edge.household.pairing import open_window
from edge.household.visitors import VisitorRole
from edge.identity.keys import load_keys
from edge.identity.platform_keys import FORK, KEY_LIST, keep_key_list
from edge.metering.unconfirmed import Quarantine
from edge.moving.erasing import order_erasure
from edge.moving.exported import note_export
from edge.moving.transfer import pack, take_in
from edge.mqtt.sent import FOLDER as SENT
from edge.mqtt.sent import SentAccount
from edge.page.early import EarlyNote
from edge.page.names import PORT_FILE, names_of_host
from edge.page.sessions import Sessions
from edge.page.tls import certify
from edge.renewal.certificates import NEXT
from edge.stage import PAGE_DIRECTORY
from edge.status.news import SEEN, Seen
from edge.status.presence import StatusFile, StatusRecord
from edge.tic.repeater.channel import SOCKET_NAME as LINE_SOCKET
from edge.tic.repeater.choice import FILE_NAME as REPEATER
from protocol.errors import VoletError
from provider import service as provider
from provider.directory import PROVIDER
from system.backup.listing import Fate, survey
from system.files import make_private_dir, write_public, write_secret
from system.set_aside import FILE_NAME as SET_ASIDE
from system.set_aside import SetAside
from tests.support.chip_bench import BenchClock
from tests.support.moving_town import Home, TownCloud
from tests.support.tariffs import simple_tariff
from trustee.files import TRUSTEE
from trustee.log import TrusteeLog
from volet.main import volet

ROOT = Path(__file__).parents[3]
START = datetime(2026, 2, 9, 23, tzinfo=UTC)  # midnight in Paris
PASSPHRASE = "une phrase que personne ne devine"
PARTIES = (CHIP, COLLECTIVITY, TRUSTEE, PROVIDER, REGISTRAR)
# What people name themselves, or hand to the bench in its place.
HANDED = {"answer.json"}


def run(*arguments):
    """Run a command; returns what it said. Raises what it raised."""
    done = CliRunner().invoke(volet, list(map(str, arguments)))
    if isinstance(done.exception, VoletError):
        raise done.exception
    assert done.exit_code == 0, f"{arguments}: {done.output}"
    return done.output


def undeclared(party, directory):
    return set(survey(party, directory).unknown) - HANDED


def test_what_a_chip_lives_through_leaves_no_file_that_its_list_lacks(tmp_path):
    cloud = TownCloud(tmp_path / "cloud", BenchClock(START))
    provider.draw_key(tmp_path / "provider")
    offer = provider.make_offer(
        [simple_tariff()],
        provider.load_key(tmp_path / "provider"),
        provider.load_sealing_key(tmp_path / "provider"),
    )
    old = Home(tmp_path / "old", cloud, START, "1")
    new = Home(tmp_path / "new", cloud, START, "2")
    seen = set()

    def look(home):
        assert undeclared(CHIP, home.directory) == set()
        seen.update(
            each.pattern
            for each in CHIP.files
            for name in names(home.directory)
            if each.holds(name)
        )

    try:
        old.enrol(offer)
        taken = read_agreement(old.directory)  # in two files, as an earlier Volet kept it
        write_secret(old.directory / OFFER, msgspec.json.encode(taken.offer))
        write_secret(old.directory / CONTRACT, msgspec.json.encode(taken.contract))
        old.begin()
        old.run(140)
        at = ("--dir", old.directory)
        run("edge", "area", *at, "off")
        run("edge", "curve", *at, "--keep", "12")
        run("edge", "receipts", *at, "--release", "--yes")
        run("edge", "quotes", *at, "--ask")
        open_window(old.directory, VisitorRole.OWNER, START)
        page = old.directory / PAGE_DIRECTORY
        make_private_dir(page)
        certify(page, names_of_host("chip"), START)
        write_public(page / PORT_FILE, b"8443")
        EarlyNote(page).note(is_early=True)
        Sessions(page, lambda: START).begin(VisitorRole.OWNER, "ab" * 8, "")
        StatusFile(old.directory).write(StatusRecord())
        SetAside(old.directory / SET_ASIDE).add("down/letter", b"", KeyError())
        reading = old.vault.values.state().account.last
        leave_confirmation(old.directory, Quarantine(reading, reading, reading))
        for socket in (SOCKET_NAME, LINE_SOCKET):
            os.mknod(old.directory / socket, stat.S_IFSOCK | 0o600)
        sent = SentAccount(old.directory, lambda: START, lambda: 0.0)
        sent.count_will(b"offline")
        sent.keep(is_end=True)
        save_kept(old.directory / FIGURES, KeptFigures("75101"))
        SEEN.leave(old.directory, Seen({}))
        write_secret(old.directory / REPEATER, b"{}")
        write_record(old.directory, new_record())
        CHOICE.leave(old.directory, HomeChoice(old.identity.household_key))
        os.close(lock_telling(old.directory))
        (old.directory / HOME_PASSWORD).write_text("a word of the home")
        os.mkfifo(old.directory / ".lgd-nfy0")  # as lgpio does in a chip with a panel
        look(old)
        old.move_out()
        old.settle()
        look(old)
        bundle = pack(old.directory)
        note_export(old.directory, START, has_vault=True)
        keep_offer(old.directory, offer)
        look(old)
        old.kill()
        with pytest.MonkeyPatch.context() as cut:
            cut.setattr("system.files.FileSet.put", interrupted)
            with pytest.raises(InterruptedError):
                take_in(new.directory, bundle, date(2026, 2, 12))
        look(new)
        take_in(new.directory, bundle, date(2026, 2, 12))
        run("edge", "request", "--dir", new.directory)
        look(new)
        new.enrol()
        new.begin()
        for name in (KEY_LIST, FORK):
            keep_key_list(new.directory, load_signed_list(cloud.directory), name)
        (new.directory / NEXT).write_bytes((new.directory / "device.pem").read_bytes())
        look(new)
        new.kill()
        for path in new.directory.glob("vault.db*"):
            path.write_bytes(b"damaged " * 1_000)
        new.start()
        new.settle()
        look(new)
        order_erasure(old.directory, load_keys(old.directory).household.id)
        look(old)
        run("edge", "erase", *at, "--yes")
        look(old)
        assert not [*(old.directory / SENT).iterdir()]
        new.kill()
    finally:
        cloud.store.close()
    assert seen == {each.pattern for each in CHIP.files}, "a line of the list stands for nothing"


def interrupted(*_arguments):
    raise InterruptedError


def names(directory):
    return [str(path.relative_to(directory)) for path in directory.rglob("*") if not path.is_dir()]


def test_what_a_collectivity_lives_through_leaves_no_file_that_its_list_lacks(tmp_path):
    town, at = tmp_path / "cloud", ("--dir", tmp_path / "cloud")
    run("cloud", "init", *at, "--collectivity", "ville", "--broker-host", "localhost")
    run("cloud", "issue", *at, "worker-2")
    run("cloud", "broker-config", *at, "--user", current_user())
    chip = tmp_path / "chip"
    run("edge", "init", "--dir", chip)
    run("edge", "request", "--dir", chip)
    run(
        "cloud", "enrol", *at, chip / "request.json",
        "--out", tmp_path / "a.json", "--prm", "21500000000001",
    )  # fmt: skip
    run("edge", "enrol", "--dir", chip, tmp_path / "a.json")
    codes = tmp_path / "communes.csv"
    codes.write_text("code,nom,departement,region\n75056,Paris,75,11\n")
    run("cloud", "roster", "codes", *at, codes)
    run("cloud", "renew", *at, "--force")
    device = next(pki_path(town, "issued").iterdir()).stem
    run("cloud", "revoke", *at, device)
    run("cloud", "status", *at)
    assert undeclared(COLLECTIVITY, town) == set()

    run("cloud", "roster", "init", "--registrar", tmp_path / "registrar")
    assert undeclared(REGISTRAR, tmp_path / "registrar") == set()
    run("provider", "init", "--dir", tmp_path / "provider")
    assert undeclared(PROVIDER, tmp_path / "provider") == set()
    trustee = tmp_path / "trustee"
    run(
        "trustee", "init", "--dir", trustee, "--collectivity", "ville", "--name", "trustee-a",
        "--title", "A", "--broker-host", "localhost", "--ca", pki_path(town, "ca.pem"),
    )  # fmt: skip
    run("cloud", "issue", *at, "trustee-a", "--request", trustee / "tls.csr")
    run("trustee", "install", "--dir", trustee, pki_path(town, "trustee-a.pem"))
    kept = TrusteeLog.open(trustee)
    assert undeclared(TRUSTEE, trustee) == set()
    kept.close()

    for name, party, directory in (
        ("cloud", COLLECTIVITY, town),
        ("trustee", TRUSTEE, trustee),
        ("provider", PROVIDER, tmp_path / "provider"),
        ("registrar", REGISTRAR, tmp_path / "registrar"),
    ):
        _comes_back(tmp_path / f"{name}.backup", party, directory)


def _comes_back(out, party, directory):
    passphrase = out.with_name("passphrase")
    passphrase.write_text(PASSPHRASE)
    passphrase.chmod(0o600)
    by = ("--passphrase-file", passphrase)
    group, restored = party.name.split(), out.with_suffix(".restored")
    run(*group, "backup", f"--{party.option}", directory, "--out", out, *by)
    said = run(*group, "restore", f"--{party.option}", restored, out, *by)
    assert str(restored) in said
    assert party.check(restored) == party.check(directory)
    for name in survey(party, directory).kept:
        assert (restored / name).read_bytes() == (directory / name).read_bytes()
        assert (restored / name).stat().st_mode == (directory / name).stat().st_mode, name


# Names of files in the code.

NAME = re.compile(r"\.?[a-z][a-z0-9_-]*(\.[a-z][a-z0-9_*-]*)+")
ELSEWHERE = {
    "edge.bills.drawing": "no file, a module",
    "trial.json": "beside the releases, in no party's directory",
    "state.json": "beside the releases, in no party's directory",
    "fiche.html": "what people name with --sheet",
    "sheet.html": "what people name with --sheet",
    "foyer.volet": "what people name with --out",
    "household.volet": "what people name with --out",
    "volet.call": "no file, an identifier",
    "volet.directory": "no file, an identifier",
    "volet.language": "no file, an identifier",
    "volet-cloud-backup.timer": "no file of its, a unit",
    "volet-edge-page.socket": "no file of its, a unit",
    "volet-worker.service": "no file of its, a unit",
    "volet.target": "no file of its, a unit",
    "volet.local": "no file, a name in the home's network",
    ".model.msgpack": "what people name with --out",
    ".transform.msgpack": "what people name with --out",
    "set.json": "in what people name with --out",
    "measures.json": "in what people name with --out",
}
MODULES = sorted(
    path.relative_to(ROOT) for side in ("edge", "cloud") for path in (ROOT / side).rglob("*.py")
)


def file_names(source):
    """What stands after a `/`, or in a constant of a module, and looks like a file's name."""
    for node in ast.walk(ast.parse(source)):
        places = []
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            places = [node.right]
        elif isinstance(node, ast.Assign) and _is_constant(node):
            places = [node.value]
        for place in places:
            for each in ast.walk(place):
                text = each.value if isinstance(each, ast.Constant) else None
                if isinstance(text, str) and NAME.fullmatch(text):
                    yield text


def _is_constant(node):
    targets = [e for t in node.targets for e in (t.elts if isinstance(t, ast.Tuple) else [t])]
    return all(isinstance(t, ast.Name) and t.id.strip("_").isupper() for t in targets)


def is_declared(name):
    return name in ELSEWHERE or any(
        each.holds(f"{folder}{name}")
        for party in PARTIES
        for each in party.files
        for folder in ("", "keys/", "page/", "pki/")
    )


def test_every_file_that_the_code_names_is_declared():
    lacking = {
        f"{module}: {name}"
        for module in MODULES
        for name in file_names((ROOT / module).read_text("utf-8"))
        if not is_declared(name)
    }
    assert not lacking, "put them into their party's list (files.py)"


def test_a_new_file_would_be_seen():
    assert list(file_names('X = "seen.cache"')) == ["seen.cache"]
    assert list(file_names('write(directory / "seen.cache", b"")')) == ["seen.cache"]
    assert not is_declared("seen.cache")


@pytest.mark.parametrize("party", PARTIES, ids=lambda party: party.name)
def test_a_list_says_why_it_leaves_a_file_out_and_has_the_file_that_comes_last(party):
    assert party.listed(party.last) is not None
    for each in party.files:
        assert bool(each.why) == (each.fate is Fate.LEFT_OUT), each.pattern
        assert each.origin
