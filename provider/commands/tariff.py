"""`volet provider tariff`: check tariffs, and make regulated tariffs, calendars and series."""

from datetime import UTC, date, datetime
from pathlib import Path

import click
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol.calendar import legal_day
from protocol.contract import sign_document
from protocol.errors import DocumentRefused
from protocol.schedule import Schedule
from protocol.tariff import RegisterCalendar
from provider.commands.options import DAY, FILE, json_option, provider_directory
from provider.service import load_key
from system.files import read_document, write_public
from tariffs import check as linter
from tariffs.calendars import ejp_calendar, hphc_calendar, read_windows, tempo_calendar
from tariffs.days import read_peak_days, read_tempo_days, tempo_days, tempo_source
from tariffs.grids import GridOption, grids, parse_option
from tariffs.problems import Severity
from tariffs.regulated import PROVIDER, regulated_tariffs
from tariffs.schema import KINDS, schema_text
from tariffs.series import make_series, read_prices

REFUSED = 1

_out = click.option("--out", type=FILE, required=True, help="Where to write the signed document.")
_name = click.option("--name", required=True, help="The name by which tariffs refer to it.")
_source = click.option("--source", default="", help="Where the data comes from.")


@click.group()
def tariff() -> None:
    """Tariffs as documents: regulated tariffs, calendars, market series and a linter."""


@tariff.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=FILE)
@json_option
def check(files: tuple[Path, ...], *, is_json: bool) -> None:
    """Report errors and oddities in tariffs, each with its line and how to correct it.

    FILEs are tariffs, calendars, series (JSON) or signed documents. Tariffs are checked against the
    calendars among them. Exit code 1 if there is an error; warnings alone end with 0.
    """
    texts = {path: read_document(path, "name a tariff as JSON.") for path in files}
    today = legal_day(datetime.now(UTC))
    reports = linter.check_files(linter.read_texts(files, texts), today)
    errors, warnings = (linter.count(reports, severity) for severity in Severity)
    if is_json:
        report = {"problems": reports, "errors": errors, "warnings": warnings}
        click.echo(msgspec.json.encode(report))
    else:
        click.echo("\n".join(linter.in_words(reports)))
    if errors:
        click.get_current_context().exit(REFUSED)


@tariff.command()
@click.option("--option", required=True, type=click.Choice([str(option) for option in GridOption]))
@click.option("--kva", required=True, type=click.IntRange(1), help="The subscribed power.")
@click.option("--since", type=DAY, help="Leave out grids that ended by this day.")
@click.option("--provider", default=PROVIDER, show_default=True, help="The seller's name.")
@click.option(
    "--calendar", help="For quotes on other meters: the calendar by which registers count."
)
@click.option(
    "--publisher", help="Key of that calendar's publisher; `volet provider key` shows it."
)
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="A directory."
)
def regulated(
    option: str,
    kva: int,
    since: datetime | None,
    provider: str,
    calendar: str | None,
    publisher: str | None,
    out: Path,
) -> None:
    """Write the regulated French tariff (Tarif Bleu) as tariff files, one for each grid."""
    if (calendar is None) != (publisher is None):
        raise click.UsageError("--calendar and --publisher go together.")
    counted = None
    if calendar is not None and publisher is not None:
        counted = msgspec.convert({"publisher": publisher, "calendar": calendar}, RegisterCalendar)
    tariffs = regulated_tariffs(
        parse_option(option),
        kva,
        since.date() if since else None,
        provider=provider,
        register_calendar=counted,
    )
    out.mkdir(parents=True, exist_ok=True)
    for grid_tariff in tariffs:
        path = out / f"{option}_{kva}kva_{grid_tariff.valid_from}.json"
        write_public(path, msgspec.json.format(msgspec.json.encode(grid_tariff), indent=1) + b"\n")
        click.echo(str(path))
    starts = {grid_tariff.valid_from for grid_tariff in tariffs}
    for grid in grids():
        for text in grid.assumed if grid.valid_from in starts else ():
            click.echo(f"Grid of {grid.name}: {text}", err=True)


@tariff.command()
@click.argument("kind", type=click.Choice([*KINDS]))
def schema(kind: str) -> None:
    """Print the JSON schema of a kind of document."""
    click.echo(schema_text(kind), nl=False)


@tariff.command("hphc")
@provider_directory
@_name
@click.option("--windows", type=FILE, required=True, help="The off-peak windows, JSON.")
@click.option("--from", "start", type=DAY, required=True, help="The first day.")
@click.option("--to", "end", type=DAY, required=True, help="The day after the last.")
@_out
def hphc(
    directory: Path, name: str, windows: Path, start: datetime, end: datetime, out: Path
) -> None:
    """Sign the calendar of a meter's off-peak windows, by season, in legal time.

    The windows file has `seasons`: [{"from": "11-01", "to": "04-01", "off_peak":
    ["22:30-06:30"]}, …], 8 hours a day.
    """
    key = load_key(directory)
    data = read_document(windows, "name off-peak windows as JSON.")
    parsed = read_windows(data, str(windows))
    _sign(hphc_calendar(_public(key), name, parsed, start.date(), end.date()), key, out)


@tariff.command()
@provider_directory
@_name
@click.option("--days", type=FILE, help="CSV date,colour. [default: the included days]")
@click.option("--from", "start", type=DAY, help="The first day. [default: the list's]")
@click.option("--to", "end", type=DAY, help="The day after the last. [default: the list's]")
@_source
@_out
def tempo(
    directory: Path,
    name: str,
    days: Path | None,
    start: datetime | None,
    end: datetime | None,
    source: str,
    out: Path,
) -> None:
    """Sign the Tempo calendar of days whose colours are known, each from 06:00 to 06:00.

    A later document of the same name begins with the day on which this one ends.
    """
    key = load_key(directory)
    colours = tempo_days() if days is None else read_tempo_days(_text(days), str(days))
    if not colours:
        raise DocumentRefused(f"{days} names no day.")
    first = start.date() if start else min(colours)
    last = end.date() if end else date.fromordinal(max(colours).toordinal() + 1)
    origin = source or (tempo_source() if days is None else "")
    calendar = tempo_calendar(_public(key), name, colours, first, last, source=origin)
    _sign(calendar, key, out)


@tariff.command()
@provider_directory
@_name
@click.option("--days", type=FILE, required=True, help="CSV of the peak days.")
@click.option("--from", "start", type=DAY, required=True, help="The first day.")
@click.option("--to", "end", type=DAY, required=True, help="The day after the last.")
@_source
@_out
def ejp(
    directory: Path,
    name: str,
    days: Path,
    start: datetime,
    end: datetime,
    source: str,
    out: Path,
) -> None:
    """Sign the EJP calendar: mobile peaks from 07:00 to 01:00 on the days named."""
    key = load_key(directory)
    peaks = read_peak_days(_text(days), str(days))
    calendar = ejp_calendar(_public(key), name, peaks, start.date(), end.date(), source=source)
    _sign(calendar, key, out)


@tariff.command()
@provider_directory
@_name
@click.option("--prices", type=FILE, required=True, help="CSV of instant and €/MWh.")
@_source
@_out
def series(directory: Path, name: str, prices: Path, source: str, out: Path) -> None:
    """Sign a market series of hourly or quarter-hourly prices, which may be negative.

    A long series becomes several documents that are small enough for the log: OUT, OUT-2, OUT-3, …
    """
    key = load_key(directory)
    rows = read_prices(_text(prices), str(prices))
    documents = make_series(_public(key), name, rows, str(prices), source)
    for number, document in enumerate(documents, 1):
        suffix = "" if number == 1 else f"-{number}"
        _sign(document, key, out.with_name(f"{out.stem}{suffix}{out.suffix}"))


def _sign(document: Schedule, key: Ed25519PrivateKey, out: Path) -> None:
    signed = sign_document(document, key)
    write_public(out, msgspec.json.encode(signed))
    click.echo(f"Signed {signed.kind} {document.name}, {signed.hash.hex()}, in {out}.")


def _public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


def _text(path: Path) -> str:
    try:
        return read_document(path, "name a CSV file.").decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise DocumentRefused(f"{path} is no text in UTF-8.") from exc
