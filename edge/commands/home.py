"""`volet edge home`: what the household's own smart home is told, and how to take it back."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click
import msgspec

from edge.chip.config import EdgeConfig, load_config
from edge.commands.household import HouseholdCommand, confirm, echo, echo_translated
from edge.home.announcer import look_at_chip
from edge.home.discovery import state_topic
from edge.home.guard import check_address, check_broker
from edge.home.link import forget
from edge.home.record import HomeRecord, new_record, read_record, write_record
from edge.home.settings import HomeConfig, read_password
from edge.home.telling import HomeMessage, HomeTelling
from edge.identity.enrolment import load_identity
from edge.language.choice import language
from edge.stage import DEFAULT_DIRECTORY
from edge.status.report import report
from edge.vault.lock import hold_vault
from edge.vault.reader import read_vault
from protocol.errors import ConfigError
from system.commands import directory_option

NOT_YET = "x" * 16


class HomeReport(msgspec.Struct, frozen=True):
    """What `home --json` prints; a document or value stands as it goes out."""

    broker: str
    port: int
    user: str
    is_encrypted: bool
    told: dict[str, msgspec.Raw | str]
    retained: tuple[str, ...]


@click.command("home", cls=HouseholdCommand)
@directory_option(DEFAULT_DIRECTORY, "The chip's")
@click.option("--show", is_flag=True, help="Show what goes out, and where; the default.")
@click.option(
    "--remove", is_flag=True, help="Have the home's broker forget everything; asks first."
)
@click.option("--yes", is_flag=True, help="With --remove: do not ask.")
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def home(directory: Path, *, show: bool, remove: bool, yes: bool, is_json: bool) -> None:
    """Show what your own smart home is told, or have it forget everything.

    Nothing is told unless edge.toml names a broker of your home in the table [home]. Everybody on
    the home network who may read that broker then sees what the meter shows. The chip acts upon
    nothing that comes from there.
    """
    if show and remove:
        raise click.UsageError("Give one of --show and --remove.")
    if yes and not remove:
        raise click.UsageError("--yes goes with --remove.")
    config = load_config(directory)
    if config.home is None:
        raise ConfigError(
            f"{directory}/edge.toml names no broker of your home; nothing is told. To tell it: add "
            'the table [home] with broker = "HOST".'
        )
    identity = load_identity(directory)
    check_broker(config.home, identity)
    if remove:
        _remove(directory, config.home, partial(check_address, config.home, identity), yes=yes)
    else:
        _show(directory, config, config.home, is_json=is_json)


def _remove(
    directory: Path, config: HomeConfig, check: Callable[[str], None], *, yes: bool
) -> None:
    with ExitStack() as held:
        # A chip that runs would tell it all again.
        held.enter_context(hold_vault(directory))
        record = read_record(directory)
        if record is None or not record.topics:
            echo_translated("The home's broker was told nothing; there is nothing to forget.")
            return
        echo("\n".join(record.topics))
        if not yes:
            confirm("Have the home's broker forget these topics?")
        forget(config, read_password(directory), check, record.topics)
        write_record(directory, msgspec.structs.replace(record, topics=(), place=None))
    echo_translated(
        "The home's broker has forgotten these topics. Take the table [home] out of edge.toml before "
        "you start the chip again, or it tells everything anew."
    )


def _show(directory: Path, config: EdgeConfig, home: HomeConfig, *, is_json: bool) -> None:
    record = read_record(directory) or msgspec.structs.replace(new_record(), id=NOT_YET)
    messages = _messages(directory, config, home, record)
    retained = tuple(message.topic for message in messages if message.is_retained)
    if is_json:
        told: dict[str, msgspec.Raw | str] = {
            message.topic: msgspec.Raw(message.payload) for message in messages
        }
        click.echo(
            msgspec.json.encode(
                HomeReport(home.broker, home.port, home.user, bool(home.ca), told, retained)
            )
        )
        return
    how = "TLS" if home.ca else "MQTT"
    echo_translated(f"The home's broker: {home.broker}:{home.port}, {how}.")
    for message in messages:
        echo(f"{message.topic}\n  {message.payload.decode()}")
    echo_translated(
        f"Beside these, {state_topic(record.id, 'availability')} says whether the chip is there. The "
        "values of a frame, such as power and tariff period, are added while the chip runs, every five "
        "seconds."
    )


def _messages(
    directory: Path, config: EdgeConfig, home: HomeConfig, record: HomeRecord
) -> Sequence[HomeMessage]:
    """Return the latest message on each topic, as far as the vault knows the values."""
    now = datetime.now(UTC)
    with read_vault(directory) as vault:
        state = vault.values.state()
    account = None if state is None else state.account
    telling = HomeTelling(home, record, language())
    seen = look_at_chip(directory, home, report(directory, config.area, now, None), now)
    messages = [*telling.announce(), *telling.chip(seen)]
    if account is not None:
        messages += telling.stored(account)
    return tuple({message.topic: message for message in messages}.values())
