"""`volet cloud roll-over`: replace a key by its successor while chips run."""

from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from cloud.commands.renew import echo_refreshed
from cloud.config import DEFAULT_DIRECTORY
from cloud.registry import roll_over as registry
from cloud.registry.broker import DEFAULT_NAME
from cloud.registry.broker_session import retained_key_list
from cloud.registry.key_files import ROOT
from cloud.registry.key_list_behind import is_behind
from protocol.errors import ConfigError, DocumentRefused, TransportError
from protocol.json_text import read_json
from system.commands import changing, directory_option
from system.files import read_document

_FOLDER = click.Path(path_type=Path, file_okay=False)
_FILE = click.Path(path_type=Path, dir_okay=False)
_DAY = click.DateTime(["%Y-%m-%d"])
_dir = directory_option(DEFAULT_DIRECTORY, "The collectivity's")
_root = click.option(
    "--root",
    type=_FOLDER,
    help="The root's directory, on its stick. Default: `root` in the collectivity's.",
)
_broker = click.option(
    "--broker",
    type=_FOLDER,
    help="The broker's directory. Default: `broker` in the collectivity's.",
)


@click.group("roll-over")
def roll_over() -> None:
    """Replace a key by its successor. The root signs it, chips and trustees take it by themselves.

    A directory that was put back from before an earlier roll-over would list a second successor,
    which all chips and trustees refuse for good. So the broker on this machine is asked whether its
    list has keys that the directory lacks; nothing is replaced then (exit code 5). If it cannot be
    asked, the command says so and goes on.
    """


@roll_over.command()
@_dir
@_root
@_broker
@click.option(
    "--withdraw",
    "withdraws",
    is_flag=True,
    help="Let nothing count any more that former issuers signed, after a theft.",
)
@changing
def issuer(directory: Path, root: Path | None, broker: Path | None, *, withdraws: bool) -> bool:
    """Replace the issuer, which signs certificates, and renew those of broker and roles."""
    _refuse_to_fork(directory)
    now = datetime.now(UTC)
    root = root or directory / ROOT
    is_replaced = registry.roll_over_issuer(directory, root, now, withdraws=withdraws)
    if not is_replaced:
        click.echo(
            f"The issuer was replaced less than {registry.REPEATED_WITHIN.days} days ago, and "
            "signs; nothing was drawn. After a theft, replace it with --withdraw."
        )
    elif withdraws:
        click.echo(
            "Another issuer signs from now on. Until the broker is restarted, it lets in whom the "
            "former ones certified; chips get other certificates from the API (`volet cloud api run`)."
        )
    else:
        click.echo("Another issuer signs from now on; chips go on with what the former one signed.")
    echo_refreshed(directory, broker or directory / DEFAULT_NAME)
    return is_replaced


@roll_over.command()
@_dir
@_root
@click.option("--to", "successor", type=_FOLDER, required=True, help="Directory for the new root.")
@_broker
@changing
def root(directory: Path, root: Path | None, successor: Path, broker: Path | None) -> bool:
    """Replace the root by a new one, which the old one signs, and the issuer with it."""
    _refuse_to_fork(directory)
    registry.roll_over_root(directory, root or directory / ROOT, successor, datetime.now(UTC))
    click.echo(
        f"{successor} holds the root from now on. Chips and trustees trust it alone as soon "
        "as they have the list of keys. Publish the new fingerprint."
    )
    echo_refreshed(directory, broker or directory / DEFAULT_NAME)
    return True


@roll_over.command()
@_dir
@_root
@click.option("--from", "begins", type=_DAY, help="First day of the successor. Default: in 3 days.")
@click.option(
    "--until", "ends", type=_DAY, help="First day without the old key. Default: 30 later."
)
@changing
def platform(
    directory: Path, root: Path | None, begins: datetime | None, ends: datetime | None
) -> bool:
    """Replace the key that signs acks and statements. Programs that run change over by themselves."""
    _refuse_to_fork(directory)
    first, last = registry.roll_over_platform(
        directory,
        root or directory / ROOT,
        datetime.now(UTC),
        begins.date() if begins else None,
        ends.date() if ends else None,
    )
    click.echo(
        f"The successor signs from {first} on; nothing by the old key counts from {last} on."
    )
    return True


@roll_over.command()
@_dir
@_root
@click.argument("succession", metavar="SUCCESSION.json", type=_FILE)
@changing
def registrar(directory: Path, root: Path | None, succession: Path) -> bool:
    """List the registrar's successor, from the file that `volet cloud roster roll-over` wrote."""
    data = read_document(succession, "`volet cloud roster roll-over` writes it.")
    try:
        statement = read_json(data, registry.Succession)
    except msgspec.MsgspecError as exc:
        raise DocumentRefused(f"{succession} is no succession: {exc}.") from exc
    _refuse_to_fork(directory)
    registry.roll_over_registrar(directory, root or directory / ROOT, statement)
    click.echo("The registrar's successor is listed.")
    return True


def _refuse_to_fork(directory: Path) -> None:
    """Check that the broker here retains no key list which has keys that the directory lacks.

    Raises:
        ConfigError: it does.
    """
    try:
        retained = retained_key_list(directory)
    except TransportError:
        click.echo(
            "No broker could be asked here whether it has a newer list of keys. If this directory "
            "was put back from a backup, see first that a worker runs on it.",
            err=True,
        )
        return
    if retained and is_behind(directory, retained):
        raise ConfigError(
            f"The broker has a list of keys that {directory} lacks: it was put back from before a "
            "key was replaced. Put the newest backup back; another successor would be a fork, which "
            "chips and trustees refuse for good."
        )
