"""`volet edge run` and `volet edge status`."""

from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from edge.agent import Agent, stop_on_signals
from edge.area.report import AreaSummary, summary
from edge.area.settings import load_choices
from edge.bills.judge import Agreement
from edge.config import DEFAULT_DIRECTORY, load_config
from edge.household_command import HouseholdCommand
from edge.identity import load_contract, load_identity, read_signed
from edge.key_form import rewrite_old_key
from edge.vault.reader import VaultReader, read_vault
from protocol.calendar import day_number, legal_day, quarter_hour_start
from system.commands import directory_option
from system.logs import configure_logs

_directory = directory_option(DEFAULT_DIRECTORY, "The chip's")


@click.command(cls=HouseholdCommand)
@_directory
@click.option(
    "--source",
    help="The meter: a serial device, a pty, a capture file, or - for standard input.",
)
def run(directory: Path, source: str | None) -> None:
    """Follow the meter, encrypt, send, and check what comes back, until stopped.

    A capture file or standard input ends; then the chip ends too, as soon as the cloud has
    acknowledged everything.
    Exit codes: 0 stopped, 5 configuration, 6 the vault cannot go on (start again).
    """
    configure_logs()
    config = load_config(directory)
    if source is not None:
        config = msgspec.structs.replace(config, source=source)
    identity = load_identity(directory)
    agreement = load_agreement(directory)
    with (
        stop_on_signals() as stop,
        Agent.open(directory, identity, config, agreement=agreement) as agent,
    ):
        rewrite_old_key(directory)
        agent.run(stop)


def load_agreement(directory: Path) -> Agreement | None:
    """Read what the household has signed, None if it has no contract.

    Raises:
        ConfigError: the documents are damaged or do not belong together.
    """
    documents = load_contract(directory)
    if documents is None:
        return None
    offer, contract = documents
    return Agreement(read_signed(directory / "contract.json", "").hash, contract, offer)


class ChipReport(msgspec.Struct, frozen=True):
    """What `volet edge status` tells the household of its own chip.

    `last_quarter_hour_end` is the instant up to which the meter is accounted for; `left_after` the
    last day of a household that has moved out.
    """

    intervals: int
    days: int
    blocks: int
    outbox_depth: int
    incarnations: int
    statements: int
    last_quarter_hour_end: str | None
    last_day_closed: str | None
    waiting_for_cloud: int
    notices: tuple[str, ...]
    area: AreaSummary
    left_after: str | None = None


@click.command(cls=HouseholdCommand)
@_directory
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def status(directory: Path, *, is_json: bool) -> None:
    """Show what the chip has metered, kept and still to send; for the household's own eyes."""
    config, choices = load_config(directory).area, load_choices(directory)
    today = day_number(legal_day(datetime.now(UTC)))
    with read_vault(directory) as vault:
        report = _report(vault, summary(vault, choices, config, today))
    if is_json:
        click.echo(msgspec.json.encode(report))
        return
    click.echo(
        f"Metered up to     {report.last_quarter_hour_end or 'nothing yet'}\n"
        f"Last day closed   {report.last_day_closed or 'none yet'}\n"
        f"Quarter-hours     {report.intervals} in the clear, {report.waiting_for_cloud} of them "
        "not yet encrypted\n"
        f"Blocks            {report.blocks} under {report.incarnations} incarnations\n"
        f"Outbox            {report.outbox_depth} to send or to be acknowledged\n"
        f"Statements        {report.statements}\n"
        f"Area lane         {report.area.words}"
    )
    if report.left_after is not None:
        click.echo(f"Moved out         {report.left_after} was this household's last day here")
    for notice in report.notices:
        click.echo(f"Notice            {notice}")


def _report(vault: VaultReader, area: AreaSummary) -> ChipReport:
    figures = vault.figures()
    departure = vault.departures.get()
    last = figures.last_quarter_hour
    end = None if last is None else quarter_hour_start(last[0], last[1] + 1)
    return ChipReport(
        intervals=figures.intervals,
        days=figures.days,
        blocks=figures.blocks,
        outbox_depth=figures.outbox_depth,
        incarnations=figures.incarnations,
        statements=figures.statements,
        last_quarter_hour_end=None if end is None else end.isoformat(),
        last_day_closed=None if figures.last_day_closed is None else str(figures.last_day_closed),
        waiting_for_cloud=figures.intervals_to_encrypt,
        notices=tuple(
            f"{notice.at.isoformat()} {notice.kind}{': ' if notice.detail else ''}{notice.detail}"
            for notice in vault.values.notices()[-20:]
        ),
        area=area,
        left_after=None if departure is None else departure.last_day.isoformat(),
    )
