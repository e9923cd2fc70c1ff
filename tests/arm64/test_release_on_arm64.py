"""A release for a Pi's processor, installed and run on an arm64 Debian 12 under emulation.

Its wheels, its installer, its programs and all that they load are those of a Pi. Kernel, systemd,
serial port, pins, memory and speed are not.
"""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from signal import SIGKILL

import msgspec
import numpy as np
import pytest
from pypdf import PdfReader

from tests.e2e.test_raspberry_pi_page import DIALOUT, PAGE, worker
from tests.e2e.test_software_releases import build, hand_over
from tests.support.broker import wait_until
from tests.support.emulated import UID, USER, Emulated, make_emulated, skip_without_emulation
from tests.support.environments import skip_without_registry
from tests.support.page_process import PageProcess
from tests.support.tariffs import simple_tariff

pytestmark = [pytest.mark.long, pytest.mark.timeout(3_600)]

VOLET = (sys.executable, "-m", "volet.main")
VERSION = "0.1.0"
RELEASE = f"opt/volet/releases/{VERSION}"
AARCH64 = 183  # of ELF
METER = ("edge", "simulate", "--option", "hphc", "--seed", "7")
DAMAGED = ("--faults", "flips=0.0005,drops=0.0002,bursts=0.00005")
# From some hours before the first day that is billed; a frame at each quarter-hour's end.
HOME = ("--from", "2026-02-28T22:00", "--frame-step", "900")
SERIAL, FIRST, AFTER = "041661524228", date(2026, 3, 1), date(2026, 3, 4)
DRAWS = 400
SIZES_WITHIN = 0.03


def here(*arguments: str | Path, stdin: bytes = b"") -> bytes:
    """Run `volet` on this machine; return what it prints."""
    done = subprocess.run((*VOLET, *arguments), input=stdin, capture_output=True, check=False)
    assert done.returncode == 0, (arguments, done.stderr)
    return done.stdout


def there(machine: Emulated, *arguments: str) -> bytes:
    """Run `volet` on arm64, as the user of the chip; return what it prints."""
    done = machine.run("volet", *arguments, user=USER)
    assert done.returncode == 0, (arguments, done.stderr)
    return done.stdout


def put(machine: Emulated, name: str, data: bytes) -> str:
    """Put a file into the user's home; return its path there."""
    path = machine.root / "home" / USER / name
    path.write_bytes(data)
    os.chown(path, UID, UID)
    return f"/home/{USER}/{name}"


def install(machine: Emulated, archive: Path) -> None:
    """Install a release as the page says; its `activate` rehearses with cipher and noise."""
    hand_over(archive, machine.root / "home" / USER)
    at = f"/home/{USER}"
    for command in (("mkdir", "volet"), ("tar", "xf", archive.name, "-C", "volet")):
        machine.run("env", f"--chdir={at}", *command, user=USER).check_returncode()
    done = machine.run(f"{at}/volet/install", USER)
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert f"install: done. {USER} logs in again".encode() in done.stdout
    known = json.loads(there(machine, "software", "status", "--json"))
    assert (known["current"], known["trial"]) == (VERSION, None)
    assert there(machine, "--version") == f"volet, version {VERSION}\n".encode()


def processors(folder: Path) -> Counter[int]:
    """Count programs and libraries by the processor that they are for."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    headers = (path.read_bytes()[:20] for path in files)
    return Counter(
        int.from_bytes(header[18:], "little") for header in headers if header[:4] == b"\x7fELF"
    )


def check_sizes(archive: Path, installed: Path) -> None:
    """Compare the sizes that the page tells with those of the archive and of what is installed."""
    text = PAGE.read_text()
    told = re.search(r"\(`python3 -V`\), (\d+) MB.*It takes (\d+) MB on the card", text)
    blocks = {
        (found.st_ino, found.st_blocks)
        for path in (installed, *installed.rglob("*"))
        for found in (path.lstat(),)
    }
    sizes = archive.stat().st_size, sum(count for _, count in blocks) * 512
    for told_mb, size in zip(told.groups(), sizes, strict=True):
        assert abs(size / 1e6 - int(told_mb)) <= SIZES_WITHIN * int(told_mb), (told_mb, size)


def check_decoding(machine: Emulated) -> None:
    """Decode captures of both modes, sound and damaged, on both processors to the same bytes."""
    period = ("--from", "2026-01-14T18:00", "--to", "2026-01-14T18:02", "--frame-step", "2")
    for mode in ("standard", "historique"):
        for faults, has_refused in (((), False), (DAMAGED, True)):
            capture = here(*METER, "--speed", "max", "--mode", mode, *period, *faults)
            decoded = there(machine, "edge", "decode", put(machine, "capture", capture), "--json")
            assert decoded == here("edge", "decode", "-", "--json", stdin=capture)
            summary = json.loads(decoded.splitlines()[-1])["summary"]
            assert (summary["mode"], summary["rejected"] > 0) == (mode, has_refused)
            assert summary["complete"] > 0


def check_noise(machine: Emulated) -> None:
    """Draw shares of noise: none is another's, and their spread is the one told."""
    day = put(machine, "day.csv", "\n".join(str(100 + j) for j in range(96)).encode())
    command = ("edge", "noise", "--curve", day, "--draws", str(DRAWS), "--json")
    report = json.loads(there(machine, *command))
    noise = np.array(report["draws"]) - np.array(report["clipped"])
    assert len(np.unique(noise)) > 0.99 * noise.size
    # Thousands of draws: 5 % are more than six standard errors of a standard deviation.
    assert abs(noise.std() / report["std_units"] - 1) < 0.05
    assert abs(noise.mean()) < 6 * report["std_units"] / noise.size**0.5
    assert report["draws"] != json.loads(there(machine, *command))["draws"]


def check_pins(machine: Emulated) -> None:
    """Load what drives a Pi's pins, up to where it finds that this machine has none.

    It makes a pipe in its working directory, which is the chip's in its unit.
    """
    program = "import lgpio; lgpio.gpiochip_open(0)"
    there = ("env", "--chdir=/var/lib/volet", f"/{RELEASE}/venv/bin/python", "-c", program)
    done = machine.run(*there, user=USER)
    assert b"can not open gpiochip" in done.stderr


def at_midnights() -> list[dict[str, int]]:
    """Return the meter's indices in Wh, as its own frames say, at each billed day's begin and end."""
    line = here(*METER, *HOME, "--to", f"{AFTER}T01:00", "--speed", "max")
    *frames, _ = map(json.loads, here("edge", "decode", "-", "--json", stdin=line).splitlines())
    return [
        {name: int(frame["values"][name]["value"]) for name in ("EAST", "EASF01", "EASF02")}
        for frame in frames
        if "T00:00:00" in frame["values"]["DATE"]["timestamp_iso"]
    ]


def check_page(machine: Emulated, measured_wh: int) -> None:
    """Have the household's page show a visitor what was measured on the first day."""
    chip, program = (
        machine.root / "var/lib/volet",
        machine.entering("volet", "edge", "page", user=USER),
    )
    with PageProcess(chip, program, SIGKILL) as page, page.visitor() as visitor:
        assert visitor.get("/").status_code == 303
        assert page.pair(visitor).headers["location"] == "/"
        assert visitor.get("/").status_code == 200
        shared = visitor.get("/api/v1/shared", params={"day": str(FIRST)}).json()
        assert sum(each["energy_wh"] for each in shared["quarters"]) == measured_wh
        assert "What left your home" in visitor.get("/partage", params={"jour": str(FIRST)}).text


@contextmanager
def meter(link: Path):
    """Run the household's meter behind a pty; it waits for whoever reads slowly."""
    command = (*VOLET, *METER, *HOME, "--to", "2026-09-01", "--speed", "86400", "--link", link)
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        wait_until(link.exists, "the meter's line")
        os.chown(link, 0, DIALOUT)
        link.chmod(0o660)
        yield str(link.resolve())
    finally:
        process.kill()
        process.wait()


def check_bill(machine: Emulated, cloud: Path, folder: Path) -> None:
    """Enrol the chip, let it meter, have its days billed encrypted; it opens the plain sums.

    Its page shows the household the same.
    """
    provider, at = ("--dir", folder / "provider"), f"/home/{USER}"
    home = machine.root / at[1:]
    tariff = simple_tariff()
    (folder / "tariff.json").write_bytes(msgspec.json.encode(tariff))
    here("provider", "init", *provider)
    here("provider", "offer", *provider, "--out", folder / "offer.json", folder / "tariff.json")
    offer = put(machine, "offer.json", (folder / "offer.json").read_bytes())
    there(machine, "edge", "init")
    taken = ("--offer", offer, "--meter", SERIAL, "--from", str(FIRST))
    there(machine, "edge", "request", *taken, "--out", f"{at}/request.json")
    here("cloud", "enrol", "--dir", cloud, home / "request.json", "--out", folder / "answer.json")
    answer = put(machine, "answer.json", (folder / "answer.json").read_bytes())
    there(machine, "edge", "enrol", answer)
    with (machine.root / "var/lib/volet/edge.toml").open("a") as config:
        config.write("send_window_s = 0\nmetering.is_simulated = true\n")
    here("provider", "accept", *provider, "--cloud", cloud, "--all")
    indices = at_midnights()
    with meter(folder / "tic") as line, worker(cloud, folder / "worker.log"):
        run = ("volet", "edge", "run", "--source", line)
        with machine.running(*run, user=USER, log=folder / "chip.log"):
            period = ("--from", str(FIRST), "--to", str(AFTER), "--wait", "600")
            here("provider", "bill", *provider, "--cloud", cloud, *period)
            check_page(machine, indices[1]["EAST"] - indices[0]["EAST"])
    told = there(machine, "edge", "bills", "--json")
    (judgement,) = json.loads(told)["bills"]
    assert (judgement["verdict"], judgement["findings"]) == ("correct", [])
    off_peak, peak = (
        indices[-1][name] // 1_000 - indices[0][name] // 1_000 for name in ("EASF01", "EASF02")
    )
    assert off_peak > 0 < peak
    opened = {
        line["name"]: (line["quantity"], line["own_quantity"], line["amount_units"])
        for line in judgement["opened"]
    }
    kwh = (off_peak, peak, off_peak + peak)
    assert opened == {
        line.name: (count, count, int(line.eur_per_kwh * 100_000) * count)
        for line, count in zip(tariff.energy, kwh, strict=True)
    }
    # What the one processor wrote, the other one reads; as its owner, as each command does.
    subprocess.run(("cp", "-R", machine.root / "var/lib/volet", folder / "chip"), check=True)
    assert here("edge", "bills", "--dir", folder / "chip", "--json") == told
    there(machine, "edge", "bills", "--pdf", f"{at}/bill.pdf", "--lang", "en")
    text = PdfReader(home / "bill.pdf").pages[0].extract_text()
    assert judgement["bill"]["total_ttc"] in text


def test_a_release_for_a_pi_installs_and_opens_its_bill_on_arm64(broker, tmp_path):
    skip_without_emulation()
    skip_without_registry(tmp_path)
    machine = make_emulated(tmp_path / "root")
    archive = build(tmp_path, VERSION, architecture="aarch64")
    install(machine, archive)
    assert set(processors(machine.root / RELEASE)) == {AARCH64}
    check_sizes(archive, machine.root / "opt/volet")
    check_decoding(machine)
    check_noise(machine)
    check_pins(machine)
    check_bill(machine, broker.cloud, tmp_path)
