"""The demo's commune: homes in two IRIS, four trustees, a registrar, and signed documents.

All of it is created by the commands that a city, its trustees and its registrar would type.
"""

import csv
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import msgspec

from cloud.config import CloudConfig, load_config
from cloud.estimation.plan import PlannedGroup, PlannedMeasure
from cloud.registry.broker import current_user
from cloud.registry.enrolment import enrol
from cloud.roster.registrar import PUBLIC_KEY
from cloud.store.sqlite.store import SqliteStore
from edge.area.settings import AreaChoices, save_choices
from edge.contracts.enrolling import draw_keys, install, make_request, write_request
from edge.identity.enrolment import load_identity
from edge.identity.keys import load_keys
from edge.stage import CONFIG_NAME, REQUEST
from protocol.governance import CosignedDocument, fingerprint
from protocol.ids import DeviceId
from protocol.roster import COUNTS_AFTER_DAYS
from system.files import make_private_dir, write_public
from trustee.directory import PUBLIC_NAME
from volet.demo.commands import volet

# Two of the IRIS of Folie-Méricourt, in one commune (an arrondissement of Paris).
CELLS = ("751114101", "751114102")
TRUSTEES = ("trustee-city", "trustee-consumers", "trustee-university", "trustee-grid")
RELEASE, AUDIT = "worker-release", "worker-audit"
NEIGHBOURS = "neighbours"
# Different from the homes with bills and from those that the included constants are derived from.
_FIRST_SEED = 70_001
_EVERY_DAY = 7

Say = Callable[[str], object]


@dataclass(frozen=True)
class DemoHome:
    """A home: its chip's directory, which is named by the seed of its curve, and its cell."""

    directory: Path
    seed: int
    cell: str
    device: DeviceId


@dataclass(frozen=True)
class DemoCommune:
    """The directories of all parties of the area lane, and the days [first, end) to play."""

    directory: Path
    cloud: Path
    first: date
    end: date
    places: tuple[DemoHome, ...] = ()
    groups: tuple[PlannedGroup, ...] = ()

    @property
    def trustees(self) -> tuple[Path, ...]:
        """The trustees' directories."""
        return tuple(self.directory / name for name in TRUSTEES)

    @property
    def registrar(self) -> Path:
        """The registrar's directory."""
        return self.directory / "registrar"

    @property
    def papers(self) -> Path:
        """The folder of documents that are being signed."""
        return self.directory / "papers"

    @property
    def begin(self) -> date:
        """The first day on which the meters count."""
        return self.first - timedelta(days=1)


DrawUp = Callable[[DemoCommune, Path], object]


def create_commune(
    commune: DemoCommune,
    homes: Sequence[tuple[str, int]],
    *,
    broker: Path,
    draw_up: DrawUp | None = None,
) -> DemoCommune:
    """Create the commune in an existing collectivity, whose broker admits it from a restart on.

    Args:
        commune: the directories and days, without homes.
        homes: (cell, number of homes) for each cell.
        broker: the broker's directory.
        draw_up: writes the measures document to a file; None: curves of the proposed groups.
    """
    make_private_dir(commune.papers)
    for name in (RELEASE, AUDIT):
        volet("cloud", "issue", name, "--dir", commune.cloud)
    for directory in commune.trustees:
        _create_trustee(commune, load_config(commune.cloud), directory)
    volet(
        *("cloud", "broker-config", "--dir", commune.cloud),
        *("--out", broker, "--user", current_user()),
    )
    cosigned = _appoint_trustees(commune)
    places = _move_in(commune, homes, cosigned.hash)
    _enter(commune, places)
    groups = _plan(commune)
    _decide_measures(commune, draw_up or _draw_up)
    return replace(commune, places=places, groups=groups)


def _create_trustee(commune: DemoCommune, config: CloudConfig, directory: Path) -> None:
    name, pki = directory.name, commune.cloud / "pki"
    volet(
        *("trustee", "init", "--dir", directory, "--collectivity", config.collectivity),
        *("--name", name, "--title", name.removeprefix("trustee-").title()),
        *("--broker-host", config.broker_host, "--broker-port", str(config.broker_port)),
    )
    volet("cloud", "issue", name, "--dir", commune.cloud, "--request", directory / "tls.csr")
    volet("trustee", "install", "--dir", directory, pki / f"{name}.pem", "--ca", pki / "ca.pem")


def _appoint_trustees(commune: DemoCommune) -> CosignedDocument:
    """Have the trustees sign the set that names them, and confirm it by its fingerprint."""
    volet("cloud", "roster", "init", "--registrar", commune.registrar)
    paper = commune.papers / "trustees.json"
    named = [
        argument
        for directory in commune.trustees
        for argument in ("--trustee", directory / PUBLIC_NAME)
    ]
    volet(
        *("cloud", "documents", "trustees", "--dir", commune.cloud, *named),
        *("--registrar-key", commune.registrar / PUBLIC_KEY),
        *("--effective", str(commune.first), "--out", paper),
    )
    _sign(commune, paper)
    cosigned = msgspec.json.decode(paper.read_bytes(), type=CosignedDocument)
    for directory in commune.trustees:
        volet("trustee", "confirm", "--dir", directory, fingerprint(cosigned))
    return cosigned


def _sign(commune: DemoCommune, paper: Path) -> None:
    """Have every trustee sign a copy, and add all copies at the collectivity."""
    copies = [
        paper.with_name(f"{paper.stem}-{directory.name}.json") for directory in commune.trustees
    ]
    for directory, copy in zip(commune.trustees, copies, strict=True):
        shutil.copy(paper, copy)
        volet("trustee", "sign", "--dir", directory, copy, "--yes")
    volet("cloud", "documents", "add", "--dir", commune.cloud, *copies)


def _move_in(
    commune: DemoCommune, homes: Sequence[tuple[str, int]], trustee_set: bytes
) -> tuple[DemoHome, ...]:
    """Enrol the homes' chips, and confirm the trustees on each as its household would."""
    cells = [cell for cell, count in homes for _ in range(count)]
    enrolled = []
    store = SqliteStore.open(commune.cloud, is_checked=False)
    try:
        for seed, cell in enumerate(cells, _FIRST_SEED):
            directory = commune.directory / NEIGHBOURS / str(seed)
            draw_keys(directory)
            request = make_request(load_keys(directory), None, None)
            write_request(directory, directory / REQUEST, request)
            answer = directory / "answer.json"
            answer.write_bytes(
                msgspec.json.encode(enrol(commune.cloud, store, request, datetime.now(UTC)).answer)
            )
            install(directory, answer)
            # Messages usually leave in a random hour after midnight; the demo has no such hours.
            write_public(directory / CONFIG_NAME, b"send_window_s = 0\n")
            save_choices(directory, AreaChoices(trustees=trustee_set.hex()))
            enrolled.append(DemoHome(directory, seed, cell, load_identity(directory).device))
    finally:
        store.close()
    return tuple(enrolled)


def _enter(commune: DemoCommune, homes: Sequence[DemoHome]) -> None:
    """Enter the homes in the roster from so early on that all count on the first day."""
    joined = commune.first - timedelta(days=COUNTS_AFTER_DAYS)
    path = commune.papers / "homes.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("device", "cell", "point", "from"))
        rows.writerows((home.device, home.cell, f"point {home.seed}", joined) for home in homes)
    volet(
        *("cloud", "roster", "import", "--dir", commune.cloud),
        *("--registrar", commune.registrar, path),
    )


def _plan(commune: DemoCommune) -> tuple[PlannedGroup, ...]:
    """Write the groups that the roster proposes for curves to a file, and return them."""
    paper = commune.papers / "groups.json"
    volet(
        *("cloud", "roster", "groups", "--dir", commune.cloud),
        *("--day", str(commune.first), "--out", paper),
    )
    proposed = msgspec.json.decode(paper.read_bytes(), type=tuple[PlannedGroup, ...])
    groups = tuple(group for group in proposed if group.measure is PlannedMeasure.CURVE)
    write_public(paper, msgspec.json.encode(groups))
    return groups


def _draw_up(commune: DemoCommune, out: Path) -> None:
    volet(
        *("cloud", "measures", "draw-up", commune.papers / "groups.json"),
        *("--trustees", commune.papers / "trustees.json", "--effective", str(commune.first)),
        *("--days-a-week", str(_EVERY_DAY), "--out", out),
    )


def _decide_measures(commune: DemoCommune, draw_up: DrawUp) -> None:
    """Add the included constants, and have all parties sign the measures."""
    included = files("cloud.estimation").joinpath("data").iterdir()
    blobs = [file for file in included if file.name.endswith(".msgpack")]
    named = [argument for blob in blobs for argument in ("--blob", str(blob))]
    volet("cloud", "documents", "add", "--dir", commune.cloud, *named)
    paper = commune.papers / "measures.json"
    draw_up(commune, paper)
    volet("cloud", "documents", "sign", "--dir", commune.cloud, paper)
    _sign(commune, paper)
