"""`volet cloud wire`: show which versions of the wire are read, and put the newest in use."""

from pathlib import Path

import click
import msgspec

from cloud.commands.opened import open_store
from cloud.config import DEFAULT_DIRECTORY
from cloud.store import Count
from protocol import versions
from system.commands import directory_option
from system.console import counted

_dir = directory_option(DEFAULT_DIRECTORY, "The collectivity's")


class WireStatus(msgspec.Struct, frozen=True):
    """The output of `volet cloud wire --json`.

    `chips` counts them by the newest version that they read; "" stands for never heard.
    """

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
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object.")
def wire(directory: Path, *, is_newest: bool, yes: bool, is_json: bool) -> None:
    """Show which version of the wire is in use, and which the chips read.

    Every program reads a version and the one before. All write the one in use, and the one before
    to a chip that does not read it. Until the newest is in use, each program can go back to the
    release before. Afterwards, those of the collectivity and its trustees cannot; so upgrade all of
    these first: chips are counted here, trustees and providers are not. Exit codes: 0 shown or put
    in use, 1 not confirmed, 2 wrong usage, 5 configuration, 6 the store is damaged or of another
    version.
    """
    with open_store(directory) as store:
        before = store.versions.in_use
        if is_newest and before < versions.VERSIONS.newest:
            if not yes:
                click.confirm(_question(store.versions.counts()), abort=True, err=True)
            store.versions.use(versions.VERSIONS.newest)
        status = WireStatus(
            in_use=store.versions.in_use,
            oldest=versions.VERSIONS.oldest,
            newest=versions.VERSIONS.newest,
            chips=store.versions.counts(),
            changed=store.versions.in_use != before,
        )
    if is_json:
        click.echo(msgspec.json.encode(status))
        return
    if is_newest and not status.changed:
        click.echo("The newest version that this Volet reads is in use already.")
    click.echo(_text(status))


def _question(chips: tuple[Count, ...]) -> str:
    newest = versions.VERSIONS.newest
    behind = sum(each.count for each in chips if each.label and int(each.label) < newest)
    unheard = sum(each.count for each in chips if not each.label)
    return (
        f"{counted(behind, 'chip does', 'chips do')} not read version {newest}, and "
        f"{counted(unheard, 'chip was', 'chips were')} never heard; they go on with the version "
        "before, for as long as it is read. Trustees and providers are not counted: they must all "
        f"read version {newest} by now. There is no way back. Put it in use?"
    )


def _text(status: WireStatus) -> str:
    read = " and ".join(map(str, sorted({status.oldest, status.newest})))
    return "\n".join(
        [
            f"Version {status.in_use} of the wire is in use; this Volet reads {read}.",
            *(
                f"{counted(each.count, 'chip reads', 'chips read')} version {each.label}."
                if each.label
                else f"{counted(each.count, 'chip was', 'chips were')} never heard."
                for each in status.chips
            ),
        ]
    )
