"""`volet cloud renew`: renew the certificates of roles and of the authority."""

from datetime import UTC, datetime
from pathlib import Path

import click

from cloud.config import DEFAULT_DIRECTORY
from cloud.registry.broker import (
    DEFAULT_NAME,
    refresh_broker,
)
from cloud.registry.renewal import AUTHORITY, lifetimes, renew_authority
from cloud.registry.renewal import renew as renew_roles
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
@click.option(
    "--authority",
    "is_for_authority",
    is_flag=True,
    help="Renew the authority's own certificate first; its fingerprint changes.",
)
def renew(directory: Path, broker: Path | None, *, is_forced: bool, is_for_authority: bool) -> None:
    """Renew the certificates of the broker and of workers, monitors, trustees and providers.

    A certificate is renewed when less than half of its lifetime is left; the broker's also when its
    names have changed. Run it every month. A running broker uses new certificates at once, a worker
    from its next start.
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
        is_reloaded = refresh_broker(directory, broker)
        click.echo(
            f"{broker} has them{'; the broker that runs there, too' if is_reloaded else ''}."
        )
    for lifetime in lifetimes(directory):
        if lifetime.name == AUTHORITY and lifetime.is_within(WARN_AT[0], now):
            click.echo(
                f"The authority ends on {lifetime.not_after:%Y-%m-%d}, and all others with it; "
                "`volet cloud renew --authority` gives it another ten years."
            )
