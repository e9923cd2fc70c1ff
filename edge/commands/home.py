"""`volet edge home`: what the household's own smart home is told, and how to take it back."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from edge.chip.config import EdgeConfig, load_config
from edge.commands.household import HouseholdCommand, confirm, echo, echo_translated
from edge.home.announcer import look_at_chip
from edge.home.choice import CHOICE, HomeChoice, hold_telling
from edge.home.discovery import state_topic
from edge.home.forgetting import forget_told
from edge.home.guard import check_broker
from edge.home.record import HomeRecord, new_record, read_record
from edge.home.settings import HomeConfig, read_password
from edge.home.telling import HomeMessage, HomeTelling
from edge.identity.enrolment import Identity, load_identity
from edge.language.choice import language
from edge.moving.transfer import departure_of
from edge.stage import DEFAULT_DIRECTORY
from edge.status.report import report
from edge.vault.reader import read_vault
from protocol.errors import ConfigError, DocumentRefused
from system.commands import directory_option

NOT_YET = "x" * 16


class HomeReport(msgspec.Struct, frozen=True):
    """What `home --json` prints; a document or value stands as it goes out."""

    broker: str
    port: int
    user: str
    is_encrypted: bool
    is_on: bool
    told: dict[str, msgspec.Raw | str]
    retained: tuple[str, ...]


@click.command("home", cls=HouseholdCommand)
@directory_option(DEFAULT_DIRECTORY, "The chip's")
@click.option("--show", is_flag=True, help="Show what goes out, and where; the default.")
@click.option("--on", "is_on", is_flag=True, help="Tell the home's broker; asks first.")
@click.option(
    "--remove",
    is_flag=True,
    help="Tell it nothing any more and have it forget everything; asks first.",
)
@click.option("--yes", is_flag=True, help="With --on or --remove: do not ask.")
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def home(
    directory: Path, *, show: bool, is_on: bool, remove: bool, yes: bool, is_json: bool
) -> None:
    """Show what your own smart home is told, begin to tell it, or have it forget everything.

    Nothing is told unless edge.toml names a broker of your home in the table [home] and you say so
    with --on. It is off again for each household that comes to this chip, and after a restore.
    Everybody on the home network who may read that broker then sees what the meter shows. The chip
    acts upon nothing that comes from there.
    """
    if show + is_on + remove > 1:
        raise click.UsageError("Give one of --show, --on and --remove.")
    if yes and not (is_on or remove):
        raise click.UsageError("--yes goes with --on or --remove.")
    config, identity = load_config(directory), load_identity(directory)
    if remove:
        _remove(directory, config.home, identity, yes=yes)
        return
    if config.home is None:
        raise ConfigError(
            f"{directory}/edge.toml names no broker of your home; nothing is told. To tell it: add "
            'the table [home] with broker = "HOST".'
        )
    check_broker(config.home, identity)
    if is_on:
        _turn_on(directory, config.home, identity, yes=yes)
    else:
        _show(directory, config, config.home, identity, is_json=is_json)


def _turn_on(directory: Path, config: HomeConfig, identity: Identity, *, yes: bool) -> None:
    if (departure := departure_of(directory)) is not None:
        raise DocumentRefused(
            f"This household has left on {departure.last_day}; the meter counts for others now, and "
            "nothing of it is told."
        )
    read_password(directory)
    echo_translated(_where(config))
    if not yes:
        confirm("Tell this broker what your meter shows, every five seconds?")
    CHOICE.leave(directory, HomeChoice(identity.household_key))
    echo_translated(
        "Your smart home is told from now on, while the chip runs; `volet edge home --remove` takes it "
        "back."
    )


def _remove(directory: Path, config: HomeConfig | None, identity: Identity, *, yes: bool) -> None:
    record = read_record(directory)
    topics = () if record is None else record.topics
    if topics:
        echo("\n".join(topics))
    if topics and not yes:
        confirm("Tell the home's broker nothing any more, and have it forget these topics?")
    was_on = CHOICE.withdraw(directory)
    with hold_telling(directory):
        count = forget_told(directory, config, identity)
    if count:
        echo_translated(
            "The home's broker is told nothing any more, and has forgotten these topics."
        )
    elif was_on:
        echo_translated("The home's broker is told nothing any more; it retains nothing of you.")
    else:
        echo_translated("The home's broker was told nothing; there is nothing to forget.")


def _where(config: HomeConfig) -> str:
    how = "TLS" if config.ca else "MQTT"
    return f"The home's broker: {config.broker}:{config.port}, {how}."


def _show(
    directory: Path, config: EdgeConfig, home: HomeConfig, identity: Identity, *, is_json: bool
) -> None:
    record = read_record(directory) or msgspec.structs.replace(new_record(), id=NOT_YET)
    messages = _messages(directory, config, home, record)
    retained = tuple(message.topic for message in messages if message.is_retained)
    choice = CHOICE.read(directory)
    is_told = choice is not None and choice.household == identity.household_key
    if is_json:
        told: dict[str, msgspec.Raw | str] = {
            message.topic: msgspec.Raw(message.payload) for message in messages
        }
        click.echo(
            msgspec.json.encode(
                HomeReport(
                    home.broker, home.port, home.user, bool(home.ca), is_told, told, retained
                )
            )
        )
        return
    echo_translated(_where(home))
    echo_translated(
        "It is told this:"
        if is_told
        else "It is off, and nothing is told. `volet edge home --on` would tell this:"
    )
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
