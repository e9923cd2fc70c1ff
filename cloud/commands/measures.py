"""`volet cloud measures`: derive public constants and draw up a measures document."""

import hashlib
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import click
import msgspec
from rich.table import Table

from cloud.estimation.derive import derive as derive_constants
from cloud.estimation.model import read_model
from cloud.estimation.plan import (
    SHARES,
    PlannedMeasure,
    PlanTerms,
    draw_up_measures,
    planned_sigma,
    read_groups,
)
from cloud.estimation.public import read_public
from cloud.governance.documents import cosigned_file, read_cosigned_file
from cloud.governance.replacing import LIFE_DAYS
from protocol.calendar import day_number, day_of_number, legal_day
from protocol.errors import DocumentRefused
from protocol.governance import NOTICE_DAYS, TrusteeSet, draw_up, read_cosigned
from protocol.measures import CURVE_MIN, Measures
from protocol.transform import read_transform
from system.commands import changing
from system.console import counted, plain_console
from system.files import make_private_dir, put_public, read_document
from system.shell import quoted

_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False)
_DAY = click.DateTime(["%Y-%m-%d"])
_EPSILON = click.FloatRange(0, 4, min_open=True)
_TRANSFORMS = "*.transform.msgpack"


@click.group()
def measures() -> None:
    """The measures: transforms from public curves, and the document that names them."""


@measures.command()
@click.option("--curves", type=_FILE, required=True, help="Parquet: household, day, h00 to h95.")
@click.option(
    "--homes", "sizes", type=click.IntRange(CURVE_MIN), multiple=True, required=True,
    help="Households of an area; repeat for each size.",
)  # fmt: skip
@click.option("--epsilon", type=_EPSILON, default=2.0, show_default=True)
@click.option(
    "--share", type=click.FloatRange(0, 1, min_open=True), default=SHARES[PlannedMeasure.CURVE],
    show_default=True, help="The curve's part of a day's budget.",
)  # fmt: skip
@click.option(
    "--out", type=_FOLDER, required=True, help="Folder for the files, named by their hash."
)
@changing
def derive(curves: Path, sizes: tuple[int, ...], epsilon: float, share: float, out: Path) -> bool:
    """Derive transforms and release models from public curves."""
    public = read_public(curves)
    make_private_dir(out)
    is_new = False
    for homes in sorted(set(sizes)):
        sigma = planned_sigma(homes, epsilon, share)
        transform, model = derive_constants(public, homes, sigma)
        data = msgspec.msgpack.encode(transform)
        name = hashlib.sha256(data).hexdigest()
        is_new |= put_public(out / f"{model.hash.hex()}.model.msgpack", model.to_bytes())
        is_new |= put_public(out / f"{name}.transform.msgpack", data)
        click.echo(
            f"{homes} homes: {transform.rows} slots, kappa {model.kappa:.2f}, from {len(public)} "
            f"public homes; transform {name[:16]}…, model {model.hash.hex()[:16]}…."
        )
    click.echo(f"Next: `volet cloud measures draw-up --constants {quoted(out)} …`.")
    return is_new


@measures.command("draw-up")
@click.argument("groups", metavar="GROUPS.json|csv", type=_FILE)
@click.option("--trustees", type=_FILE, required=True, help="The signed trustee set.")
@click.option(
    "--constants",
    type=_FOLDER,
    help="Folder of `derive`. Default: the constants that Volet includes.",
)
@click.option("--effective", type=_DAY, help="First day. Default: in 3 days.")
@click.option("--end", type=_DAY, help="First day that it no longer governs. Default: a year on.")
@click.option("--follows", type=_FILE, help="The measures that it follows; not for the first.")
@click.option("--epsilon", type=_EPSILON, default=2.0, show_default=True)
@click.option("--days-a-week", type=click.IntRange(1, 7), default=2, show_default=True)
@click.option("--out", type=_FILE, required=True)
@changing
def draw_up_command(  # noqa: PLR0913 - one parameter an option
    *,
    groups: Path,
    trustees: Path,
    constants: Path | None,
    effective: datetime | None,
    end: datetime | None,
    follows: Path | None,
    epsilon: float,
    days_a_week: int,
    out: Path,
) -> bool:
    """Draw up an unsigned measures document for groups of households.

    GROUPS lists measure, code, areas, roster and, optionally, provider for each group.
    """
    cosigned = read_cosigned_file(trustees)
    trustee_set = read_cosigned(cosigned, TrusteeSet)
    first = (
        day_number(effective.date())
        if effective
        else day_number(legal_day(datetime.now(UTC))) + NOTICE_DAYS
    )
    version, previous = _place(follows)
    terms = PlanTerms(
        collectivity=trustee_set.collectivity,
        trustees=cosigned.hash,
        effective=first,
        end=day_number(end.date()) if end else first + LIFE_DAYS,
        version=version,
        previous=previous,
        epsilon=epsilon,
        days_a_week=days_a_week,
    )
    data = read_document(groups, "list the groups in it.")
    document = draw_up_measures(terms, read_groups(data, str(groups)), _transforms(constants))
    unsigned = draw_up(document)
    is_new = put_public(out, cosigned_file(unsigned))
    groups_written = sum(len(measure.groups) for measure in document.measures)
    click.echo(
        f"Wrote {out}: {counted(groups_written, 'group')}, "
        f"hash {unsigned.hash.hex()[:16]}….\n"
        f"Next: `volet cloud documents sign {quoted(out)}`, then the trustees sign copies of it."
    )
    return is_new


def _place(follows: Path | None) -> tuple[int, bytes | None]:
    """Return (version, predecessor's hash) of the document that follows the one in a file."""
    if follows is None:
        return 1, None
    cosigned = read_cosigned_file(follows)
    return read_cosigned(cosigned, Measures).version + 1, cosigned.hash


@measures.command()
@click.argument("file", type=_FILE)
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def show(file: Path, *, is_json: bool) -> None:
    """Show a measures document, a transform or a release model.

    Shares are percentages, on counted days without the profile and on those with it.
    """
    data = read_document(file, "name a file that `volet cloud measures` wrote.")
    if file.name.endswith(".msgpack"):
        _show_constants(data, file, is_json=is_json)
        return
    document = read_cosigned(read_cosigned_file(file), Measures)
    if is_json:
        click.echo(msgspec.json.encode(document))
        return
    click.echo(
        f"{document.collectivity}, version {document.version}, from "
        f"{day_of_number(document.effective)} until before {day_of_number(document.end)}: epsilon {document.epsilon_replaced:.1f} "
        f"between any two days of a household ({document.epsilon:g} for taking part or not), delta "
        f"{document.delta:g}, {document.days_a_week} days a week, grid "
        f"2^{document.grid_bits}"
    )
    table = Table(
        "measure",
        "share",
        "group",
        "provider",
        "roster",
        "crowd",
        "threshold",
        "slots",
    )
    for measure in document.measures:
        for group in measure.groups:
            table.add_row(
                measure.name,
                f"{measure.shares.plain * 100:.0f} {measure.shares.profile * 100:.0f}",
                group.code,
                group.provider or "all",
                *(str(n) for n in (group.roster, group.crowd, group.threshold, group.slots)),
            )
    plain_console().print(table)


def shipped_transforms() -> tuple[bytes, ...]:
    """Return the included transforms, derived from synthetic homes for trying things out."""
    folder = resources.files("cloud.estimation") / "data"
    return (
        tuple(
            file.read_bytes()
            for file in sorted(folder.iterdir(), key=lambda item: item.name)
            if file.name.endswith(_TRANSFORMS[1:])
        )
        if folder.is_dir()
        else ()
    )


def _transforms(folder: Path | None) -> tuple[bytes, ...]:
    if folder is None:
        return shipped_transforms()
    files = sorted(folder.glob(_TRANSFORMS))
    if not files:
        raise DocumentRefused(
            f"{folder} holds no {_TRANSFORMS}; `volet cloud measures derive --out {quoted(folder)}` "
            "writes them."
        )
    return tuple(file.read_bytes() for file in files)


def _show_constants(data: bytes, file: Path, *, is_json: bool) -> None:
    if file.name.endswith(_TRANSFORMS[1:]):
        transform = read_transform(data)
        facts: dict[str, object] = {
            "homes": transform.homes, "slots": transform.rows, "model": transform.model.hex(),
        }  # fmt: skip
    else:
        model = read_model(data)
        facts = {
            "homes": model.homes,
            "slots": model.rows,
            "public_homes": model.public_homes,
            "sigma": round(model.sigma, 4),
            "kappa": round(model.kappa, 4),
            "band_factor": round(model.band_factor, 4),
        }
    facts["hash"] = hashlib.sha256(data).hexdigest()
    if is_json:
        click.echo(msgspec.json.encode(facts))
        return
    for name, value in facts.items():
        click.echo(f"{name}: {value}")
