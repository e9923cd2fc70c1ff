"""The page on following releases, typed on a Debian that is booted: fetched, tried, kept or taken back.

No Pi is used, and no meter: the line is a pty. The server is a real one, by HTTPS.
"""

import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.e2e.test_raspberry_pi_page import answer, meter, quarter_hours, worker
from tests.e2e.test_software_releases import BAD, UNIT, build, hand_over, known, typed
from tests.support.booted import USER, booted, make_root, skip_without_containers
from tests.support.broker import wait_until
from tests.support.environments import skip_without_registry
from tests.support.https_server import Authority, serving
from tests.support.typed_page import HOW_TO
from volet.software.following import CHAIN, TIMER
from volet.software.manifest import ReleaseFile, SoftwareManifest, sign
from volet.software.publishing import lay_out

pytestmark = [pytest.mark.long, pytest.mark.timeout(3_600)]

PAGE = HOW_TO / "follow-releases.md"
ADDRESS = "https://releases.example/volet"
HOST = "releases.testville.example"
EXPOSURE_MAX = 1.3
UPGRADE_MAX_BYTES = 2_000_000
SHORT = "--hold 8 --patience 60"
IF_RUN = "import os, sys; is_run = sys.orig_argv[-2:] == ['edge', 'run']; "
DROP = "var/cache/private/volet-update"


def spoilt(archive: Path, key: Path) -> Path:
    """Make a release a bad one, signed by its maker: the chip ends at its start."""
    with tarfile.open(archive) as tar:
        files = {each.name: tar.extractfile(each).read() for each in tar if each.isreg()}
    manifest = msgspec.json.decode(files["manifest.json"], type=SoftwareManifest)
    wheel = io.BytesIO(files[manifest.product])
    with zipfile.ZipFile(wheel) as packed:
        inside = {name: packed.read(name) for name in packed.namelist()}
    (record,) = (name for name in inside if name.endswith(".dist-info/RECORD"))
    inside["spoilt.pth"] = f"{IF_RUN}{BAD['0.1.2']}\n".encode()
    inside[record] += b"spoilt.pth,,\n"
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in inside.items():
            packed.writestr(name, content)
    data = made.getvalue()
    files[manifest.product] = data
    own = ReleaseFile(manifest.product, hashlib.sha256(data).hexdigest(), len(data))
    listed = tuple(own if file.path == own.path else file for file in manifest.files)
    signer = load_pem_private_key(key.read_bytes(), None)
    signed = sign(msgspec.structs.replace(manifest, files=listed), signer)
    files["manifest.json"], files["manifest.sig"] = signed
    with tarfile.open(archive, "w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return archive


def links(root: Path) -> set[str]:
    return {path.name for path in (root / "etc/systemd/system").rglob("volet-update*")}


def is_pinned(link: Path) -> bool:
    """Return whether a unit is that of a certain release, which is removed one day."""
    return link.is_symlink() and link.readlink().is_relative_to("/opt/volet/releases")


def exposure(machine, unit: str) -> float:
    shown = machine.run("systemd-analyze", "security", "--no-pager", unit).stdout
    return float(shown.split("exposure level for")[1].split(": ")[1].split()[0])


def look(machine, status: int = 0) -> str:
    with machine.login() as typing:
        ended, output = typing.type("sudo volet software update")
    assert ended == status, output + machine.run("journalctl", "-u", "volet-*", "-n", "80").stdout
    return output


def test_a_chip_follows_a_server_and_comes_back_from_a_bad_release(broker, tmp_path):
    skip_without_containers()
    skip_without_registry(tmp_path)
    first = build(tmp_path, "0.1.0")
    with tarfile.open(first) as tar:
        (tmp_path / "manifest.json").write_bytes(tar.extractfile("manifest.json").read())
    good, bad, later = (
        build(tmp_path, version, tmp_path / "manifest.json")
        for version in ("0.1.1", "0.1.2", "0.1.3")
    )
    spoilt(bad, tmp_path / "release.key")
    root, log, served = tmp_path / "root", tmp_path / "console.log", tmp_path / "www"
    make_root(root)
    home = root / "home" / USER
    authority = Authority()
    own = root / "usr/local/share/ca-certificates/releases.crt"
    own.write_bytes(authority.pem)
    with (root / "etc/hosts").open("a") as hosts:
        hosts.write(f"127.0.0.1 {HOST}\n")
    with (
        meter(tmp_path / "tic") as line,
        worker(broker.cloud, tmp_path / "worker.log"),
        serving(served, authority.issue(HOST, tmp_path), HOST) as server,
        booted(root, log, f"--bind={line}:/dev/serial0") as machine,
    ):
        hand_over(first, home)
        typed(
            machine,
            f"mkdir volet && tar xf {first.name} -C volet",
            "sudo volet/install",
            "sudo update-ca-certificates",
        )
        typed(
            machine,
            "volet edge init",
            "echo 'metering.is_simulated = true' >> /var/lib/volet/edge.toml",
            "volet edge request --out ~/request.json",
        )
        answer(broker.cloud, home)
        typed(machine, "volet edge enrol ~/enrolment.json")
        typed(machine, f"sudo systemctl enable --now {UNIT}")
        wait_until(lambda: quarter_hours(machine) >= 1, "a quarter-hour")
        assert links(root) == set(), "it is off until the household wants it"

        lay_out(first, served)
        lay_out(good, served)
        replaced = ((ADDRESS, server.address),)
        with machine.login() as typing:
            typing.type_page(PAGE, replaced, since="Switch it on", until="Look now")
        assert links(root) == {TIMER, *CHAIN}
        assert machine.run("systemctl", "is-active", TIMER).stdout == "active\n"
        for unit in CHAIN:
            assert exposure(machine, unit) <= EXPOSURE_MAX
        shorter = root / "etc/systemd/system/volet-update-activate.service.d/shorter.conf"
        shorter.parent.mkdir()
        program = f"/opt/volet/current/venv/bin/volet software try-fetched {SHORT}"
        shorter.write_text(f"[Service]\nExecStart=\nExecStart={program}\n")
        machine.run("systemctl", "daemon-reload")
        with machine.login() as typing:
            typing.type_page(PAGE, replaced, since="Look now", until="What is never taken")
        assert known(machine)["current"] == "0.1.1"
        units = root / "etc/systemd/system"
        assert not [link for link in units.rglob("volet-*") if is_pinned(link)]
        assert server.sent_bytes < UPGRADE_MAX_BYTES
        assert (root / DROP).stat().st_uid != 0
        assert (root / "opt/volet/current/venv").stat().st_uid == 0

        lay_out(bad, served)
        said = look(machine, status=1)
        assert "Release 0.1.2 did not do well and was taken back; 0.1.1 runs." in said
        assert known(machine)["condemned"] == ["0.1.2"]
        server.asked.clear()
        assert "stays there: it did not do well here" in look(machine)
        assert len(server.asked) == 2
        assert not list((root / DROP).rglob("*.whl"))

        manifest, _ = lay_out(later, served)
        wheel = f"/volet/files/{manifest.file(manifest.product).sha256}"
        server.trick = lambda handler: (
            handler.path == wheel and (server.send(handler, cut_after=100_000) or True)
        )
        assert "next try goes on there" in look(machine, status=1)
        state = machine.run("systemctl", "show", CHAIN[0], "-P", "SubState").stdout
        assert state == "auto-restart\n"
        server.trick = lambda _: False
        assert "Release 0.1.3 does well." in look(machine)  # and waits for no restart
        assert (wheel, "bytes=100000-") in server.asked

        with machine.login() as typing:
            until = "Publish releases for others"
            typing.type_page(PAGE, since="Switch it off", until=until)
        assert links(root) == {"volet-update-activate.service.d"}
        assert not (root / DROP).exists()
        typed(machine, f"sudo volet software follow {server.address} --by-hand")
        assert machine.run("systemctl", "is-active", TIMER).stdout == "inactive\n"
        assert "not newer than 0.1.3" in look(machine)
        typed(machine, "sudo volet software remove --erase erase")
        assert links(root) == set()
        assert not (root / DROP).exists()
