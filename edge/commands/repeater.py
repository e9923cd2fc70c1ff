"""`volet edge repeater`: whether the raw line is repeated on the home network."""

from pathlib import Path

import click
import msgspec

from edge.commands.household import HouseholdCommand, confirm, echo
from edge.language.choice import language
from edge.moving.repeating import repeat_line
from edge.stage import DEFAULT_DIRECTORY, Stage, next_step, stage
from edge.status.repeater import repeater_in, repeater_text
from edge.tic.repeater.choice import (
    PORT,
    PORT_LEAST,
    RepeaterState,
    load_repeater,
    turn_off,
)
from protocol.errors import ConfigError
from system.commands import directory_option

WARNING = (
    "Everybody on the home network can then read what the meter sends, each second: your whole curve, "
    "and when you are at home. Repeat the line?"
)
TRUE_NUMBERS = (
    "Everybody on the home network can then read what the meter sends, each second: your whole curve, "
    "when you are at home, and the true numbers of your meter and point of delivery, by which others "
    "know you. Repeat the line?"
)


class RepeaterReport(msgspec.Struct, frozen=True):
    """What `repeater --json` prints; `now` is None while the line is not repeated."""

    is_on: bool
    port: int
    address: str
    has_true_numbers: bool
    now: RepeaterState | None


@click.command("repeater", cls=HouseholdCommand)
@directory_option(DEFAULT_DIRECTORY, "The chip's")
@click.argument("turn", type=click.Choice(["on", "off"]), required=False)
@click.option(
    "--port",
    type=click.IntRange(PORT_LEAST, 65_535),
    help=f"With `on`: the TCP port; {PORT} at first.",
)
@click.option(
    "--address",
    help='With `on`: listen on this private address of the machine alone; "" for all of them.',
)
@click.option(
    "--true-numbers", is_flag=True, help="With `on`: do not mask meter and point of delivery."
)
@click.option("--yes", is_flag=True, help="With `on`: do not ask.")
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def repeater(
    directory: Path,
    turn: str | None,
    port: int | None,
    address: str | None,
    *,
    true_numbers: bool,
    yes: bool,
    is_json: bool,
) -> None:
    """Repeat the meter's raw line on the home network, for programs that read it themselves.

    `on` asks first. Off at first, and off again after each enrolment, move, erasure and restore. The
    numbers of meter and point of delivery are replaced by others, always the same ones. Only private
    addresses are answered.
    """
    if turn != "on" and (port is not None or address is not None or true_numbers or yes):
        raise click.UsageError("--port, --address, --true-numbers and --yes go with `on`.")
    if stage(directory) is not Stage.ENROLLED:
        raise ConfigError(f"{directory}: {next_step(directory)}")
    if turn == "on":
        if not yes:
            confirm(TRUE_NUMBERS if true_numbers else WARNING)
        repeat_line(directory, has_true_numbers=true_numbers, port=port, address=address)
    elif turn == "off":
        turn_off(directory)
    choice, now = load_repeater(directory), repeater_in(directory)
    if is_json:
        click.echo(
            msgspec.json.encode(
                RepeaterReport(
                    choice.is_on, choice.port, choice.address, choice.has_true_numbers, now
                )
            )
        )
        return
    echo(repeater_text(now, language()))
