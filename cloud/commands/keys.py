"""`volet cloud keys`: list the collectivity's keys, past and present."""

from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec
from rich.table import Table

from cloud.config import DEFAULT_DIRECTORY, load_config
from cloud.registry.key_files import load_key_list
from cloud.registry.key_states import KeyState, keys_on_list
from system.commands import directory_option
from system.console import plain_console

_MEANS = {
    KeyState.WAITS: "signs from its first day on",
    KeyState.SIGNS: "signs",
    KeyState.COUNTS: "counts until its end",
    KeyState.ENDED: "ended",
    KeyState.WITHDRAWN: "withdrawn",
}


@click.command()
@directory_option(DEFAULT_DIRECTORY, "The collectivity's")
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def keys(directory: Path, *, is_json: bool) -> None:
    """List the keys of platform, registrar, issuer and root, past and present, with their days.

    These are the keys of the list that the root signs and that chips and trustees follow. Which of
    them have taken the newest list, nobody reports. Certificates' ends: `volet cloud status`.
    """
    load_config(directory)
    listed = keys_on_list(load_key_list(directory), datetime.now(UTC))
    if is_json:
        click.echo(msgspec.json.encode(listed))
        return
    table = Table("key", "first day", "ends on", "state")
    for each in listed:
        table.add_row(
            f"{each.key} {each.number}",
            str(each.begins or "from the start"),
            str(each.ends or "not yet known"),
            _MEANS[each.state],
        )
    plain_console().print(table)
