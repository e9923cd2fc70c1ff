"""`volet edge move-out`, `export`, `import` and `erase`: people who move, and chips that stay."""

from datetime import UTC, date, datetime
from pathlib import Path

import click

from edge.backup_words import words
from edge.bills.words import day_text
from edge.config import DEFAULT_DIRECTORY
from edge.contracts.requests import latest_made_at
from edge.enrolling import make_request, write_request
from edge.household_command import HouseholdCommand, confirm, say
from edge.identity import check_keys_are_files, load_contract, load_identity, load_keys
from edge.language import language
from edge.moving.bundle import open_bundle, seal_bundle
from edge.moving.contracts import former_agreements
from edge.moving.departure import leave_order, ordered_at, take_back_order
from edge.moving.erasing import erase as erase_household
from edge.moving.sheet import Sheet, fingerprint_of, render
from edge.moving.transfer import departure_of, left_to_send, pack, take_in
from edge.moving.words import (
    BEGINS_LATER,
    BILL,
    CANCELLED,
    ERASE,
    ERASED,
    ERASING,
    MOVE_OUT,
    MOVED_OUT,
    MOVING_OUT,
    NOT_MOVED,
    NOT_ORDERED,
    NOT_RUNNING,
    REVOKED,
    TOO_LATE,
    WAITING,
)
from edge.stage import REQUEST
from edge.status.presence import StatusFile
from edge.vault.lock import is_in_use
from protocol.calendar import legal_day
from protocol.errors import ConfigError
from protocol.passphrase import check_passphrase, draw_passphrase
from system.commands import directory_option
from system.files import check_is_new, read_document, write_new_secret
from system.passphrase import ask_passphrase, passphrase_file_option
from system.patience import Patience, wait_until
from system.shell import quoted

_FILE = click.Path(path_type=Path, dir_okay=False)

_dir = directory_option(DEFAULT_DIRECTORY, "The chip's")


@click.command("move-out", cls=HouseholdCommand)
@_dir
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(0),
    default=600.0,
    show_default=True,
    help="Stop watching when nothing has moved for so many seconds; the chip goes on.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--cancel", "is_cancelled", is_flag=True, help="Take the order back, while the day is open."
)
def move_out(directory: Path, wait_s: float, *, yes: bool, is_cancelled: bool) -> None:
    """End this household's time here: close the day now, send all, end its contracts.

    The running chip does it with its next good reading; this command asks first, then leaves it
    the order and watches. The order stands until it is carried out or taken back (--cancel).
    Afterwards nothing more is metered for this household on this chip.
    """
    load_identity(directory)
    if is_cancelled:
        _cancel(directory)
        return
    if departure_of(directory) is None and StatusFile(directory).read().revoked_at is not None:
        raise ConfigError(REVOKED[language()])
    if departure_of(directory) is None and ordered_at(directory) is None:
        _say_if_contract_begins_later(directory)
        if not yes:
            click.echo(MOVING_OUT[language()])
            confirm(MOVE_OUT[language()])
        leave_order(directory, datetime.now(UTC))

    def is_told() -> bool:
        departure = departure_of(directory)
        return departure is not None and departure.is_told

    is_over = wait_until(is_told, Patience(wait_s), lambda: left_to_send(directory))
    departure = departure_of(directory)
    if departure is None or not is_over:
        raise ConfigError(
            WAITING[language()][departure is not None]
            + ("" if is_in_use(directory) else NOT_RUNNING[language()])
        )
    last_day = departure.last_day
    bill = BILL[language()][any(start <= last_day for start in _contract_starts(directory))]
    click.echo(
        MOVED_OUT[language()].format(
            last_day=day_text(last_day, language()), directory=quoted(directory), bill=bill
        )
    )


def _say_if_contract_begins_later(directory: Path) -> None:
    """Say, before anything is done, that the household leaves before its contract begins."""
    present = load_contract(directory)
    if present is not None and _today() < present[1].start:
        start = day_text(present[1].start, language())
        click.echo(BEGINS_LATER[language()].format(start=start))


def _contract_starts(directory: Path) -> list[date]:
    """Return the first days of the household's contracts."""
    present = load_contract(directory)
    starts = [each.contract.start for each in former_agreements(directory)]
    return [*starts, *([] if present is None else [present[1].start])]


def _cancel(directory: Path) -> None:
    """Take the order back, unless the last day is closed."""
    was_ordered = departure_of(directory) is None and take_back_order(directory)
    # The running chip may have been carrying it out at this moment.
    if departure_of(directory) is not None:
        raise ConfigError(TOO_LATE[language()])
    click.echo((CANCELLED if was_ordered else NOT_ORDERED)[language()])


@click.command(cls=HouseholdCommand)
@_dir
@click.option("--out", type=_FILE, required=True, help="Where to write the bundle.")
@click.option("--sheet", type=_FILE, help="Write a recovery sheet to print: .html, or text.")
@click.option("--keys-only", is_flag=True, help="Without the vault: small, but without ledger.")
@click.option(
    "--draw", is_flag=True, help="Draw the passphrase, show it once, put it on the sheet."
)
@passphrase_file_option
def export(
    directory: Path,
    out: Path,
    sheet: Path | None,
    passphrase_file: Path | None,
    *,
    keys_only: bool,
    draw: bool,
) -> None:
    """Write the household's keys, contracts and vault into a file under a passphrase.

    With --keys-only the vault stays here: another chip fetches the blocks back from the cloud, but
    takes the year's privacy budget as spent, as nobody knows what of it was. An existing file is
    never overwritten.
    """
    if draw and passphrase_file is not None:
        raise click.UsageError("--draw draws the passphrase, --passphrase-file reads it; say one.")
    if sheet is not None and sheet.absolute() == out.absolute():
        raise click.UsageError("--out and --sheet name one file; keep the sheet apart.")
    for path in (out, sheet):
        if path is not None:
            check_is_new(path)
    bundle = pack(directory, keys_only=keys_only)
    if draw:
        passphrase = draw_passphrase()
    else:
        passphrase = ask_passphrase(passphrase_file, is_new=True, prompts=words().prompts)
        check_passphrase(passphrase)
    data = seal_bundle(bundle, passphrase)
    write_new_secret(out, data)
    say(f"Wrote {out}. Fingerprint: {fingerprint_of(data)}")
    if draw:
        say(f"Passphrase: {passphrase}")
    if sheet is not None:
        written = Sheet(
            made_on=_today(),
            file=out.name,
            fingerprint=fingerprint_of(data),
            device=bundle.devices[-1].device,
            has_ledger=bundle.vault is not None,
            passphrase=passphrase if draw else "",
        )
        write_new_secret(sheet, render(written, sheet))
        say(f"Wrote {sheet}; print it, keep it away from the bundle, delete the file.")


@click.command("import", cls=HouseholdCommand)
@_dir
@click.argument("bundle", metavar="FILE", type=_FILE)
@passphrase_file_option
def import_command(directory: Path, bundle: Path, passphrase_file: Path | None) -> None:
    """Take a household into this chip, from the bundle that another one exported.

    The chip keeps its own keys, and makes a request that the collectivity takes as the household's
    going on here.
    """
    data = read_document(bundle, "name the file that `volet edge export` wrote.")
    check_keys_are_files(directory)
    passphrase = ask_passphrase(passphrase_file, is_new=False, prompts=words().prompts)
    opened = open_bundle(data, passphrase, str(bundle))
    taken = take_in(directory, opened, _today())
    path = directory / REQUEST
    write_request(
        directory,
        path,
        make_request(load_keys(directory), None, None, after=latest_made_at(directory)),
    )
    say(f"This chip has the household {taken.household_key.hex()[:16]}… now.")
    if not taken.has_ledger:
        say(
            "The bundle had no ledger: this year's privacy budget counts as spent; readings are "
            "fetched back from the cloud."
        )
    say(
        f"Wrote {path}; hand it to the collectivity, then `volet edge enrol --dir {quoted(directory)} "
        "ENROLMENT.json`. With a contract for the new meter, make it anew with `volet edge request "
        "--offer`."
    )


@click.command(cls=HouseholdCommand)
@_dir
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(directory: Path, *, yes: bool) -> None:
    """Destroy the household's keys and vault on this chip, and draw new keys for who comes next."""
    departure = departure_of(directory)
    if not yes:
        click.echo(ERASING[language()])
        if departure is None or not departure.is_told:
            click.echo(NOT_MOVED[language()])
        confirm(ERASE[language()])
    count = erase_household(directory)
    click.echo(ERASED[language()].format(count=count, directory=quoted(directory)))


def _today() -> date:
    return legal_day(datetime.now(UTC))
