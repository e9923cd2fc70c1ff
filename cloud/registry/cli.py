"""`volet cloud init`, `enrol`, `revoke`, `renew`, `issue` and `broker-config`."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from cloud.config import DEFAULT_DIRECTORY, CloudConfig, check_config, load_config
from cloud.registry import pki
from cloud.registry.broker import (
    DEFAULT_NAME,
    refresh_broker,
    start_command,
    user_of,
    write_broker,
)
from cloud.registry.enrolment import enrol as enrol_chip
from cloud.registry.renewal import AUTHORITY, lifetimes, renew_authority
from cloud.registry.renewal import renew as renew_roles
from cloud.registry.revocation import revoke_everywhere
from cloud.registry.revoked import revoke_listed
from cloud.store import Store
from cloud.store.sqlite import FILE_NAME, SqliteStore
from protocol.contract import Signed
from protocol.errors import DocumentRefused
from protocol.json_text import read_json
from system.certificates import WARN_AT
from system.commands import directory_option
from system.files import read_document, write_public
from system.shell import quoted

_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False)
_PORT = click.IntRange(1, 65535)

_dir = directory_option(DEFAULT_DIRECTORY, "The collectivity's")
_broker = click.option(
    "--broker", type=_FOLDER, help="The broker's directory; `broker` in the collectivity's."
)


@click.command()
@_dir
@click.option("--collectivity", required=True, help="Its name in topics: a-z, 0-9 and '-'.")
@click.option("--broker-host", required=True, help="Name or address under which chips reach it.")
@click.option("--broker-port", type=_PORT, default=8883, show_default=True)
@click.option("--bind", default="", help="Address on which the broker listens; default: all.")
@click.option("--also", multiple=True, help="A further name in its certificate, e.g. localhost.")
@click.option("--operator-port", type=_PORT, default=8884, show_default=True)
def init(
    directory: Path,
    collectivity: str,
    broker_host: str,
    broker_port: int,
    bind: str,
    also: tuple[str, ...],
    operator_port: int,
) -> None:
    """Draw the collectivity's keys and sign its first certificates. Nothing is drawn twice."""
    config = CloudConfig(collectivity, broker_host, broker_port, bind, also, operator_port)
    check_config(config, "volet cloud init")
    is_new = pki.initialise(directory, config, datetime.now(UTC))
    SqliteStore.open(directory).close()
    if is_new:
        click.echo(
            f"Made the authority of {collectivity} in {directory}; keep a copy of it where nobody "
            f"else reads it.\nNext: `volet cloud broker-config --dir {quoted(directory)}`."
        )
    else:
        click.echo(f"{directory} is {collectivity}'s already; nothing was changed.")


@click.command("new-store")
@_dir
def new_store(directory: Path) -> None:
    """Begin with an empty store, where the old one and all backups of it are lost.

    Each chip must enrol again with the request that it handed in; it keeps its id, and sends again
    what it still has. No store is ever overwritten.
    """
    load_config(directory)
    SqliteStore.make_empty(directory)
    click.echo(
        f"The store in {directory} is empty. Next: enrol each chip again, `volet cloud enrol "
        f"--dir {quoted(directory)} request.json`, then `volet cloud run --dir {quoted(directory)}`."
    )


@click.command()
@_dir
@click.argument("request", metavar="REQUEST.json", type=_FILE)
@click.option("--out", type=_FILE, required=True, help="Where to write the answer.")
@click.option("--prm", help="The delivery point's number, 14 digits; kept encrypted.")
def enrol(directory: Path, request: Path, out: Path, prm: str | None) -> None:
    """Check a chip's request, certify the chip, and write the answer that it installs."""
    data = read_document(request, "ask for the file that `volet edge request` wrote.")
    try:
        signed = read_json(data, Signed)
    except msgspec.MsgspecError as exc:
        raise DocumentRefused(f"{request} is no enrolment request: {exc}.") from exc
    load_config(directory)
    with _open_store(directory) as store:
        enrolled = enrol_chip(directory, store, signed, datetime.now(UTC), prm)
    write_public(out, msgspec.json.encode(enrolled.answer))
    click.echo(
        f"Enrolled {enrolled.device}{' with its contract' if enrolled.has_contract else ''}; "
        f"give {out} back to the chip, where `volet edge enrol {quoted(out.name)}` installs it."
    )


@click.command()
@_dir
@click.argument("name", metavar="DEVICE|ROLE")
@_broker
def revoke(directory: Path, name: str, broker: Path | None) -> None:
    """Shut a chip, worker, monitor or trustee out, and end its open session."""
    load_config(directory)
    with _open_store(directory) as store:
        revoke_everywhere(
            directory, store, name, broker or directory / DEFAULT_NAME, datetime.now(UTC)
        )
    click.echo(f"{name} is revoked; it has no session and gets none.")


@click.command()
@_dir
@_broker
@click.option("--force", "is_forced", is_flag=True, help="Renew all, whatever time is left.")
@click.option(
    "--authority",
    "is_for_authority",
    is_flag=True,
    help="Renew the authority's own certificate first: its fingerprint changes.",
)
def renew(directory: Path, broker: Path | None, *, is_forced: bool, is_for_authority: bool) -> None:
    """Renew the certificates of the broker and of workers, monitors, trustees and providers.

    Renewed is what has less than half of its time left, and the broker's if its names have changed;
    run it each month. A running broker takes them at once; a worker at its next start.
    """
    now = datetime.now(UTC)
    if is_for_authority:
        authority = renew_authority(directory, now)
        click.echo(
            f"The authority holds until {authority.not_after:%Y-%m-%d}. Publish its new "
            "fingerprint, and enrol each chip again before the old certificate ends, or at once if "
            "it has."
        )
    renewed = renew_roles(directory, now, is_forced=is_forced)
    if renewed:
        click.echo(f"Renewed: {', '.join(renewed)}.")
    if not renewed and not is_for_authority:
        click.echo("All certificates are fresh; nothing was changed.")
    broker = broker or directory / DEFAULT_NAME
    if broker.is_dir() and (renewed or is_for_authority):
        is_told = refresh_broker(directory, broker)
        click.echo(f"{broker} has them{'; the broker that runs there, too' if is_told else ''}.")
    for each in lifetimes(directory):
        if each.name == AUTHORITY and each.is_within(WARN_AT[0], now):
            click.echo(
                f"The authority ends on {each.not_after:%Y-%m-%d}, and all others with it; "
                "`volet cloud renew --authority` gives it another ten years."
            )


@click.command()
@_dir
@click.argument("name", metavar="ROLE")
def issue(directory: Path, name: str) -> None:
    """Certify one more role: worker-2, monitor-grid, trustee-consumers, and the like."""
    path = pki.issue_role(directory, name, datetime.now(UTC))
    click.echo(
        f"Wrote {path} and {path.with_suffix('.key').name}. "
        f"Next: `volet cloud broker-config --dir {quoted(directory)}`, so that the broker lets it in."
    )


@click.command("broker-config")
@_dir
@click.option("--out", type=_FOLDER, help="The broker's directory; `broker` in the collectivity's.")
@click.option(
    "--user",
    help="Whom the broker runs as; as before, and at first mosquitto if root runs this, else yourself.",
)
def broker_config(directory: Path, out: Path | None, user: str | None) -> None:
    """Write everything the broker needs into one directory; again after each change.

    A broker that runs there reads its rules and certificates again; new ports take a restart.
    """
    broker = out or directory / DEFAULT_NAME
    is_told = write_broker(directory, broker, user or user_of(broker))
    if (directory / FILE_NAME).exists():
        with _open_store(directory) as store:
            if revoked := revoke_listed(directory, store):
                click.echo(f"Revoked again, as the broker's list names them: {', '.join(revoked)}.")
    click.echo(
        f"Wrote {broker}. "
        + (
            "The broker that runs there has read it."
            if is_told
            else f"Start it: `{start_command(broker)}`."
        )
    )


@contextmanager
def _open_store(directory: Path) -> Iterator[Store]:
    store = SqliteStore.open_existing(directory)
    try:
        yield store
    finally:
        store.close()
