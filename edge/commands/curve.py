"""`volet edge curve`: the household's own load curve, and for how long the chip keeps it."""

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import click
import msgspec

from edge.commands.household import HouseholdCommand, confirm, echo, echo_translated
from edge.household.curve import kept_now, own_curve
from edge.household.enedis import csv_lines, json_parts
from edge.household.shown import Quarter
from edge.household.today import quarters_of
from edge.language.choice import language
from edge.stage import DEFAULT_DIRECTORY
from edge.vault.kept_curve import LENGTHS_MONTHS, KeptCurve, save_kept_curve
from edge.vault.reader import VaultReader, read_vault
from protocol.calendar import days_between
from protocol.errors import ConfigError
from system.commands import directory_option
from system.files import new_secret

FEWER = (
    "Months that stay: {months}, and a week. Older quarter-hours are deleted from this chip at the "
    "end of the day, for good. Keep fewer?"
)
_DAY = click.DateTime(["%Y-%m-%d"])
_WRITERS: dict[str, Callable[[date, date, Iterable[Quarter]], Iterator[str]]] = {
    ".csv": lambda _first, _last, quarters: csv_lines(quarters),
    ".json": json_parts,
}


@click.command("curve", cls=HouseholdCommand)
@directory_option(DEFAULT_DIRECTORY, "The chip's")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the curve to this new file, as Enedis lays it out: .csv or .json.",
)
@click.option("--from", "first", type=_DAY, help="With --out: first day; all by default.")
@click.option("--to", "last", type=_DAY, help="With --out: last day; all by default.")
@click.option(
    "--keep",
    type=click.IntRange(LENGTHS_MONTHS[0], LENGTHS_MONTHS[-1]),
    help="Months of quarter-hours to keep on this chip; asks first if they are fewer.",
)
@click.option("--yes", is_flag=True, help="With --keep: do not ask.")
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def curve(
    directory: Path,
    out: Path | None,
    first: datetime | None,
    last: datetime | None,
    keep: int | None,
    *,
    yes: bool,
    is_json: bool,
) -> None:
    """Show how much of your own load curve the chip keeps, write it to a file, or keep another length.

    The curve never leaves the chip by itself. The file has the mean power of each quarter-hour in
    watts, at the instant at which it ends, and names neither you nor the meter. Whoever reads it
    sees when you are at home.
    """
    if out is None and (first or last):
        raise click.UsageError("--from and --to go with --out.")
    if out is not None and is_json:
        raise click.UsageError("Give either --out or --json, not both.")
    if out is not None and out.suffix not in _WRITERS:
        raise click.UsageError("--out names a file that ends in .csv or .json.")
    if first and last and last < first:
        raise click.UsageError("--to lies before --from.")
    with read_vault(directory) as vault:
        if keep is not None:
            _keep(directory, keep, yes=yes)
        if out is not None:
            start, end = _write(vault, directory, out, first, last)
            echo_translated(f"Wrote {start} to {end} to {out}, as Enedis lays out a load curve.")
            return
        own = own_curve(vault, directory, language())
    if is_json:
        click.echo(msgspec.json.encode(own))
    else:
        echo("\n".join(own.texts))


def _keep(directory: Path, months: int, *, yes: bool) -> None:
    if months < kept_now(directory)[0].months and not yes:
        confirm(FEWER.format(months=months))
    save_kept_curve(directory, KeptCurve(months))


def _write(
    vault: VaultReader, directory: Path, out: Path, first: datetime | None, last: datetime | None
) -> tuple[date, date]:
    """Write the file and return its days.

    Raises:
        ConfigError: the chip keeps none of them, or the file cannot be written.
    """
    own = own_curve(vault, directory, language())
    if own.first is None or own.last is None:
        raise ConfigError("The chip has no quarter-hour yet; let it read the meter first.")
    days = own.days(first and first.date(), last and last.date())
    if days is None:
        raise ConfigError(f"The chip keeps none of these days; it keeps {own.first} to {own.last}.")
    start, end = days
    each = days_between(start, end + timedelta(days=1))
    quarters = (quarter for day in each for quarter in quarters_of(vault, day))
    with new_secret(out) as file:
        for part in _WRITERS[out.suffix](start, end, quarters):
            file.write(part.encode())
    return days
