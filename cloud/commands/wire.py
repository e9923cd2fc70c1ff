"""`volet cloud wire`: show which versions of the wire are read, and put the newest in use."""

from pathlib import Path

import click
import msgspec

from cloud.commands.opened import open_store
from cloud.config import DEFAULT_DIRECTORY
from cloud.store import Count
from protocol import versions
from system.commands import directory_option

_dir = directory_option(DEFAULT_DIRECTORY, "The collectivity's")


class WireStatus(msgspec.Struct, frozen=True):
    """The output of `volet cloud wire --json`; `chips` counts them by the newest they read."""

    in_use: int
    oldest: int
    newest: int
    chips: tuple[Count, ...]
    changed: bool


@click.command()
@_dir
@click.option(
    "--newest",
    "is_newest",
    is_flag=True,
    help="Put the newest version that this Volet reads in use, for good.",
)
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object.")
def wire(directory: Path, *, is_newest: bool, is_json: bool) -> None:
    """Show which version of the wire is in use, and which the chips read.

    Every program reads a version and the one before. All write the one in use, and the one before
    to a chip that does not read it. Until the newest is in use, each program can go back to the
    release before. Afterwards, those of the collectivity and its trustees cannot; so upgrade all of
    these first. Exit codes: 0 shown, 2 wrong usage, 5 configuration, 6 the store is damaged or of
    another version.
    """
    with open_store(directory) as store:
        before = store.versions.in_use
        if is_newest:
            store.versions.use(versions.VERSIONS.newest)
        status = WireStatus(
            in_use=store.versions.in_use,
            oldest=versions.VERSIONS.oldest,
            newest=versions.VERSIONS.newest,
            chips=store.versions.counts(),
            changed=store.versions.in_use != before,
        )
    click.echo(msgspec.json.encode(status) if is_json else _told(status))


def _told(status: WireStatus) -> str:
    read = " and ".join(map(str, sorted({status.oldest, status.newest})))
    return "\n".join(
        [
            f"Version {status.in_use} of the wire is in use; this Volet reads {read}.",
            *(f"{each.count} chips read version {each.label}." for each in status.chips),
        ]
    )
