"""`volet cloud enrol`: check a chip's request and answer it."""

from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from cloud.commands.opened import open_store
from cloud.config import DEFAULT_DIRECTORY
from cloud.registry.enrolment import enrol as enrol_chip
from protocol.contract import Signed
from protocol.errors import DocumentRefused
from protocol.ids import public_key_text
from protocol.json_text import read_json
from system.commands import Change, changing, directory_option
from system.console import counted
from system.files import read_document, write_public
from system.shell import quoted

_FILE = click.Path(path_type=Path, dir_okay=False)
_dir = directory_option(DEFAULT_DIRECTORY, "The collectivity's")


@click.command()
@_dir
@click.argument("request", metavar="REQUEST.json", type=_FILE)
@click.option("--out", type=_FILE, required=True, help="Where to write the answer.")
@click.option("--prm", help="The delivery point's number, 14 digits; kept encrypted.")
@changing
def enrol(directory: Path, request: Path, out: Path, prm: str | None) -> Change:
    """Check a chip's request, certify the chip and write the answer for it to install."""
    data = read_document(request, "ask for the file that `volet edge request` wrote.")
    try:
        signed = read_json(data, Signed)
    except msgspec.MsgspecError as exc:
        raise DocumentRefused(f"{request} is no enrolment request: {exc}.") from exc
    with open_store(directory) as store:
        enrolled = enrol_chip(directory, store, signed, datetime.now(UTC), prm)
    write_public(out, msgspec.json.encode(enrolled.answer))
    click.echo(
        f"Enrolled {enrolled.device}{' with its contract' if enrolled.has_contract else ''}; "
        f"give {out} back to the chip, where `volet edge enrol {quoted(out.name)}` installs it."
    )
    if enrolled.stranger is not None:
        name, key = enrolled.stranger
        click.echo(
            f"No registered provider has the key of its offer, {public_key_text(key)}. Whoever signed it "
            f"calls itself {name}: find out whose key it is before you give the answer back."
        )
        for rival in enrolled.rivals:
            click.echo(
                f"{counted(rival.contracts, 'contract')} already named {rival.title} with another key that "
                f"is not registered, {public_key_text(rival.key)}: at least one of the two is not "
                "its own."
            )
    facts: dict[str, object] = {"device": enrolled.device}
    if enrolled.stranger is not None:
        name, key = enrolled.stranger
        facts["unregistered"] = {"title": name, "key": key}
    return Change(is_changed=True, facts=facts)
