"""`volet edge export`: write the household to a file encrypted with a passphrase."""

from datetime import UTC, datetime
from pathlib import Path

import click

from edge.commands.backup_words import words
from edge.commands.household import HouseholdCommand, echo_translated
from edge.moving.bundle import seal_bundle
from edge.moving.exported import note_export
from edge.moving.sheet import Sheet, fingerprint_of, render
from edge.moving.transfer import pack
from edge.stage import DEFAULT_DIRECTORY
from protocol.calendar import legal_day
from protocol.passphrase import check_passphrase, draw_passphrase
from system.commands import directory_option
from system.files import check_is_new, write_new_secret
from system.passphrase import ask_passphrase, passphrase_file_option

_FILE = click.Path(path_type=Path, dir_okay=False)
_dir = directory_option(DEFAULT_DIRECTORY, "The chip's")


@click.command(cls=HouseholdCommand)
@_dir
@click.option("--out", type=_FILE, required=True, help="Where to write the bundle.")
@click.option("--sheet", type=_FILE, help="Write a recovery sheet to print: .html, or text.")
@click.option("--keys-only", is_flag=True, help="Leave out the vault, and its ledger.")
@click.option(
    "--draw", is_flag=True, help="Generate the passphrase, show it once and put it on the sheet."
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
    """Write the household's keys, contracts and vault to a file encrypted with a passphrase.

    With --keys-only the vault stays here. The other chip then fetches the blocks from the cloud,
    but it counts this year's privacy budget as spent, because it cannot know how much is left. An
    existing file is never overwritten.
    """
    if draw and passphrase_file is not None:
        raise click.UsageError("--draw draws the passphrase, --passphrase-file reads it; say one.")
    if sheet is not None and sheet.absolute() == out.absolute():
        raise click.UsageError("--out and --sheet name one file; keep the sheet apart.")
    for path in (out, sheet):
        if path is not None:
            check_is_new(path)
    packed_at = datetime.now(UTC)
    bundle = pack(directory, keys_only=keys_only)
    if draw:
        passphrase = draw_passphrase()
    else:
        passphrase = ask_passphrase(passphrase_file, is_new=True, prompts=words().prompts)
        check_passphrase(passphrase)
    data = seal_bundle(bundle, passphrase)
    write_new_secret(out, data)
    note_export(directory, packed_at, has_vault=bundle.vault is not None)
    echo_translated(f"Wrote {out}. Fingerprint: {fingerprint_of(data)}")
    if draw:
        echo_translated(f"Passphrase: {passphrase}")
    if sheet is not None:
        written = Sheet(
            made_on=legal_day(datetime.now(UTC)),
            file=out.name,
            fingerprint=fingerprint_of(data),
            device=bundle.devices[-1].device,
            has_ledger=bundle.vault is not None,
            passphrase=passphrase if draw else "",
        )
        write_new_secret(sheet, render(written, sheet))
        echo_translated(f"Wrote {sheet}; print it, keep it away from the bundle, delete the file.")
