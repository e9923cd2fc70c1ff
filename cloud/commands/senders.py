"""`volet cloud senders`: show what each chip has had stored and refused, the most first."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec
from rich.table import Table

from cloud.commands.opened import open_store
from cloud.config import DEFAULT_DIRECTORY
from cloud.store import DeadLetter
from cloud.store.fleet import DeviceStored
from cloud.store.sqlite.blocks import DEAD_LETTERS_KEPT
from protocol.calendar import legal_day
from protocol.errors import MessageRefused
from protocol.topics import parse_device_topic
from system.commands import directory_option
from system.console import plain_console

NO_CHIP = "no chip's topic"


class SenderReport(msgspec.Struct, frozen=True):
    """A chip by what it has sent, without anything of its content.

    Attributes:
        device: its id, "" for what came on no chip's topic.
        is_enrolled: whether it is enrolled now and not revoked.
        blocks: its blocks that are stored.
        stored_bytes: their size.
        blocks_ahead: those of days to come, which no meter can have measured.
        refused: its messages among the dead letters, by reason.
        last_refused_at: when the last of them came.
    """

    device: str
    is_enrolled: bool
    blocks: int
    stored_bytes: int
    blocks_ahead: int
    refused: dict[str, int]
    last_refused_at: datetime | None


@click.command()
@directory_option(DEFAULT_DIRECTORY, "The collectivity's")
@click.option("--top", type=click.IntRange(1), default=20, show_default=True, help="Chips to show.")
@click.option("--json", "is_json", is_flag=True, help="Print JSON, of all chips.")
def senders(directory: Path, top: int, *, is_json: bool) -> None:
    """Show what each chip has had stored and refused, the most first.

    Refusals are those of the last 10 000 dead letters; of messages beyond a day's quota only the
    first is one. Sizes are those of ciphertexts, which depend on no reading. It reads the index of
    all blocks.
    """
    with open_store(directory) as store:
        enrolled = {str(each.device) for each in store.fleet.devices() if not each.is_revoked}
        stored = store.fleet.stored(legal_day(datetime.now(UTC)))
        letters = _by_sender(store.dead_letters(DEAD_LETTERS_KEPT))
    by_device = {str(each.device): each for each in stored}
    reports = [
        _report(
            device, by_device.get(device), letters.get(device, []), is_enrolled=device in enrolled
        )
        for device in sorted(by_device.keys() | letters.keys())
    ]
    reports.sort(
        key=lambda each: (each.blocks_ahead, sum(each.refused.values()), each.stored_bytes),
        reverse=True,
    )
    if is_json:
        click.echo(msgspec.json.encode({"senders": reports}))
        return
    table = Table("Chip", "blocks", "MB", "of days to come", "refused", "last refused (UTC)")
    for report in reports[:top]:
        table.add_row(*_cells(report))
    plain_console(width=None if plain_console().is_terminal else 140).print(table)
    click.echo(f"{len(reports[:top])} of {len(reports)} senders.")


def _report(
    device: str, stored: DeviceStored | None, letters: list[DeadLetter], *, is_enrolled: bool
) -> SenderReport:
    return SenderReport(
        device,
        is_enrolled,
        blocks=stored.blocks if stored else 0,
        stored_bytes=stored.size_bytes if stored else 0,
        blocks_ahead=stored.blocks_ahead if stored else 0,
        refused=dict(Counter(letter.reason.value for letter in letters).most_common()),
        last_refused_at=max((letter.at for letter in letters), default=None),
    )


def _by_sender(letters: Iterable[DeadLetter]) -> dict[str, list[DeadLetter]]:
    """Group dead letters by the chip that sent them; the broker lets a chip use its own topics."""
    senders: dict[str, list[DeadLetter]] = {}
    for letter in letters:
        try:
            device = str(parse_device_topic(letter.topic).device)
        except MessageRefused:
            device = ""
        senders.setdefault(device, []).append(letter)
    return senders


def _cells(report: SenderReport) -> tuple[str, ...]:
    device = report.device or NO_CHIP
    return (
        device if report.is_enrolled or not report.device else f"{device} (not enrolled)",
        f"{report.blocks:,}",
        f"{report.stored_bytes / 1e6:,.1f}",
        f"{report.blocks_ahead:,}",
        ", ".join(f"{reason} {count:,}" for reason, count in report.refused.items()),
        f"{report.last_refused_at:%Y-%m-%d %H:%M}" if report.last_refused_at else "",
    )
