"""`volet edge import`: import a household from another chip."""

from datetime import UTC, datetime
from pathlib import Path

import click

from edge.commands.backup_words import words
from edge.commands.household import HouseholdCommand, echo_translated
from edge.contracts.enrolling import make_request, write_request
from edge.contracts.requests import latest_made_at
from edge.identity.keys import check_keys_are_files, load_keys
from edge.moving.bundle import open_bundle
from edge.moving.transfer import take_in
from edge.stage import DEFAULT_DIRECTORY, REQUEST
from protocol.calendar import legal_day
from system.commands import directory_option
from system.files import read_document
from system.passphrase import ask_passphrase, passphrase_file_option
from system.shell import quoted

_FILE = click.Path(path_type=Path, dir_okay=False)
_dir = directory_option(DEFAULT_DIRECTORY, "The chip's")


@click.command("import", cls=HouseholdCommand)
@_dir
@click.argument("bundle", metavar="FILE", type=_FILE)
@passphrase_file_option
def import_command(directory: Path, bundle: Path, passphrase_file: Path | None) -> None:
    """Import a household into this chip from the bundle that another chip exported.

    The chip keeps its own keys and writes an enrolment request. With it, the collectivity lets the
    household continue on this chip.
    """
    data = read_document(bundle, "name the file that `volet edge export` wrote.")
    check_keys_are_files(directory)
    passphrase = ask_passphrase(passphrase_file, is_new=False, prompts=words().prompts)
    opened = open_bundle(data, passphrase, str(bundle))
    taken = take_in(directory, opened, legal_day(datetime.now(UTC)))
    path = directory / REQUEST
    write_request(
        directory,
        path,
        make_request(load_keys(directory), None, None, after=latest_made_at(directory)),
    )
    echo_translated(f"This chip has the household {taken.household_key.hex()[:16]}… now.")
    if not taken.has_ledger:
        echo_translated(
            "The bundle had no ledger: this year's privacy budget counts as spent; readings are "
            "fetched back from the cloud."
        )
    echo_translated(
        f"Wrote {path}; hand it to the collectivity, then `volet edge enrol --dir {quoted(directory)} "
        "ENROLMENT.json`. With a contract for the new meter, make it anew with `volet edge request "
        "--offer`."
    )
