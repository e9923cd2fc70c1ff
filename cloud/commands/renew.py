"""`volet cloud renew`: renew the certificates of roles and of the authority."""

from datetime import UTC, datetime
from pathlib import Path

import click

from cloud.config import DEFAULT_DIRECTORY
from cloud.registry.broker import (
    DEFAULT_NAME,
    refresh_broker,
)
from cloud.registry.key_files import ISSUER, ROOT
from cloud.registry.renewal import lifetimes
from cloud.registry.renewal import renew as renew_roles
from cloud.registry.roll_over import destroy_ended
from system.certificates import WARN_AT
from system.commands import directory_option

_FOLDER = click.Path(path_type=Path, file_okay=False)
_dir = directory_option(DEFAULT_DIRECTORY, "The collectivity's")
_broker = click.option(
    "--broker",
    type=_FOLDER,
    help="The broker's directory. Default: `broker` in the collectivity's.",
)


@click.command()
@_dir
@_broker
@click.option("--force", "is_forced", is_flag=True, help="Renew all, whatever time they have left.")
def renew(directory: Path, broker: Path | None, *, is_forced: bool) -> None:
    """Renew the certificates of the broker and of workers, monitors, trustees and providers.

    A certificate is renewed when less than half of its lifetime is left; the broker's also when its
    names have changed. Keys that have ended are destroyed. Run it every month. A running broker
    uses new certificates at once, a worker from its next start.
    """
    now = datetime.now(UTC)
    renewed = renew_roles(directory, now, is_forced=is_forced)
    if renewed:
        click.echo(f"Renewed: {', '.join(renewed)}.")
    else:
        click.echo("All certificates are fresh; nothing was changed.")
    if ended := destroy_ended(directory, now):
        click.echo(f"Destroyed, as they have ended: {', '.join(ended)}.")
    broker = broker or directory / DEFAULT_NAME
    if renewed:
        echo_refreshed(directory, broker)
    for lifetime in lifetimes(directory):
        if lifetime.name in (ROOT, ISSUER) and lifetime.is_within(WARN_AT[0], now):
            click.echo(
                f"The {lifetime.name} ends on {lifetime.not_after:%Y-%m-%d}, and all that it signed "
                f"with it; `volet cloud roll-over {lifetime.name}` replaces it."
            )


def echo_refreshed(directory: Path, broker: Path) -> None:
    """Copy new certificates to the broker, if it is on this machine, and tell."""
    if broker.is_dir():
        is_reloaded = refresh_broker(directory, broker)
        click.echo(
            f"{broker} has them{'; the broker that runs there, too' if is_reloaded else ''}."
        )
