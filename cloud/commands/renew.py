"""`volet cloud renew`: renew the certificates of roles and of the authority."""

from datetime import UTC, datetime
from pathlib import Path

import click

from cloud.commands.opened import open_store
from cloud.config import DEFAULT_DIRECTORY
from cloud.registry.broker import DEFAULT_NAME, refresh_broker, save_broker
from cloud.registry.broker_process import is_running
from cloud.registry.broker_restart import restart_if_due
from cloud.registry.key_files import ISSUER, ROOT
from cloud.registry.leftovers import clear_ended, clear_replaced
from cloud.registry.passed_days import METERED_DAYS_MIN
from cloud.registry.renewal import lifetimes
from cloud.registry.renewal import renew as renew_roles
from cloud.registry.roll_over import destroy_ended, drop_replaced_roots
from cloud.store.sqlite.store import FILE_NAME
from system.certificates import WARN_AT
from system.commands import changing, directory_option
from system.console import counted
from system.shell import quoted

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
@click.option(
    "--force",
    "is_forced",
    is_flag=True,
    help="Renew all that the issuer signed, whatever time they have left.",
)
@changing
def renew(directory: Path, broker: Path | None, *, is_forced: bool) -> bool:
    """Renew the certificates of the broker and of workers, monitors, trustees and providers.

    A certificate is renewed when less than half of its lifetime is left, or when a former issuer
    signed it; the broker's also when its names have changed. The broker shows its new certificate
    after a restart: where systemd runs it and root types this, it is restarted; else this says how,
    and until when the former certificate lasts. The API takes its own within seconds, workers take
    theirs with their next connection. A root that was replaced is trusted no more once all that it
    signed has ended. Keys that have ended are destroyed, and the broker forgets messages of names
    whose certificates have ended, once chips have metered a week since; it also forgets key shares
    of chips that were replaced. Run it every month.
    """
    now = datetime.now(UTC)
    renewed = renew_roles(directory, now, is_forced=is_forced)
    if renewed:
        click.echo(f"Renewed: {', '.join(renewed)}.")
    else:
        click.echo("All certificates are fresh; nothing was changed.")
    is_dropped, is_destroyed = _destroy_ended(directory, now)
    broker = broker or directory / DEFAULT_NAME
    has_broker = broker.is_dir()
    if has_broker:
        refresh_broker(directory, broker)
    if has_broker and (renewed or is_dropped):
        click.echo(f"{broker} has them.")
    # Before anybody speaks with it: its certificate may have ended.
    is_restarted = _echo_restarted(broker)
    if cleared := _clear_leftovers(directory, broker, now):
        messages = counted(cleared, "message", "messages")
        click.echo(f"The broker no longer keeps {messages} of those who have left.")
    for lifetime in lifetimes(directory):
        if lifetime.name in (ROOT, ISSUER) and lifetime.is_within(WARN_AT[0], now):
            click.echo(
                f"The {lifetime.name} ends on {lifetime.not_after:%Y-%m-%d}, and all that it signed "
                f"with it; `volet cloud roll-over {quoted(lifetime.name)}` replaces it."
            )
    return bool(renewed) or is_dropped or is_destroyed or is_restarted or bool(cleared)


def echo_refreshed(directory: Path, broker: Path) -> None:
    """Copy new certificates to the broker, if it is on this machine, restart it, and tell."""
    if broker.is_dir():
        refresh_broker(directory, broker)
        click.echo(f"{broker} has them.")
        _echo_restarted(broker)


def _echo_restarted(broker: Path) -> bool:
    """Restart a broker that goes by files of before, and tell, or tell how to restart it.

    Returns whether it was restarted.
    """
    is_restarted, told = restart_if_due(broker)
    if told:
        click.echo(told)
    return is_restarted


def _destroy_ended(directory: Path, now: datetime) -> tuple[bool, bool]:
    """Destroy keys that have ended; return whether a root is trusted no more, and if any were."""
    if not (directory / FILE_NAME).exists():
        return False, False
    with open_store(directory) as store:
        ended = destroy_ended(directory, store, now)
        is_dropped = drop_replaced_roots(directory, store, now)
    if is_dropped:
        click.echo("The replaced root is trusted no more: all that it signed has ended.")
    if ended.destroyed:
        click.echo(f"Destroyed, as they have ended: {', '.join(ended.destroyed)}.")
    if ended.kept:
        click.echo(
            f"Ended by this machine's clock, and kept until chips have metered {METERED_DAYS_MIN} "
            f"days since: {', '.join(ended.kept)}."
        )
    return is_dropped, bool(ended.destroyed)


def _clear_leftovers(directory: Path, broker: Path, now: datetime) -> int:
    """Clear what a running broker keeps of ended certificates and of replaced chips."""
    if not is_running(broker) or not (directory / FILE_NAME).exists():
        return 0
    with open_store(directory) as store:
        cleared = clear_ended(directory, store, now) + clear_replaced(directory, store)
    if cleared:
        save_broker(broker)
    return cleared
