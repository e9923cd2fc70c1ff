"""Fetches back what the cloud holds and the vault does not, after a lost store or a restored image.

The cloud answers with the payloads as they were signed. Before anything is opened, each payload is
checked with the key of the chip that signed it, this one or a former one of the household. The MAC
of a header says under which keys it was made. If they are gone, its blocks are kept unopened. This
chip cannot send again what a former chip signed.
"""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from datetime import date

import msgspec
import numpy as np
import structlog

from edge.vault.epochs import NO_KEYS
from edge.vault.rebuild import RecoveredBlock, RecoveredHeader
from edge.vault.rows import EpochRow
from edge.vault.signer import Signer
from edge.vault.vault import Vault
from protocol import versions
from protocol.backoff import RetryPolicy
from protocol.calendar import day_number, day_of_number, month_of
from protocol.errors import MessageRefused, Reason
from protocol.ids import Incarnation
from protocol.layout import MONTH_COEFFICIENTS, coefficient
from protocol.messages import Block, Epoch, Fetch, IncarnationState, check_block
from protocol.topics import Kind

PAGE_BLOCKS = 64
# What a household sends in 14 years, quarter-hour by quarter-hour; an ack that names more is false.
MISSING_MAX = 1 << 19
PAGE_AGAIN = RetryPolicy(first_s=20.0, cap_s=600.0, floor_s=20.0)
# After as many answers without a block, the cloud has deleted it (after 14 months) or lost it.
ANSWERS = 3

log = structlog.get_logger()


class Missing(msgspec.Struct, frozen=True):
    """What the cloud holds of one incarnation and the vault lacks.

    `epochs` are those that the vault has, by month (a day number).
    """

    state: IncarnationState
    sequences: tuple[int, ...]
    epochs: dict[int, EpochRow] = {}


def missing_here(
    vault: Vault, states: Sequence[IncarnationState], given_up: AbstractSet[tuple[bytes, int]]
) -> list[Missing]:
    """Return what the cloud holds (`states`) and `vault` lacks, without what was given up.

    Raises:
        MessageRefused: the cloud names more than a household can have sent.
    """
    missing = []
    room = MISSING_MAX
    for state in states:
        lacking = vault.blocks.missing_here(state, room)
        room -= len(lacking)
        if room <= 0:
            raise MessageRefused(Reason.BOUNDS, "more blocks than a household can have sent")
        sequences = [n for n in lacking if (state.incarnation, n) not in given_up]
        if sequences:
            epochs = vault.epochs.of_incarnation(Incarnation(state.incarnation))
            missing.append(Missing(state, tuple(sequences), epochs))
    return missing


def fetch(
    household_key: bytes, incarnation: bytes | None = None, sequence: int = 1, count: int = 0
) -> Fetch:
    """Return a question to the cloud; without an incarnation it asks for the whole state."""
    return Fetch(household_key, incarnation, sequence, count, versions.VERSIONS.newest)


class Recovered(msgspec.Struct, frozen=True):
    """What the cloud returned, checked and opened.

    `lost`: (incarnation, sequence) of the blocks that it did not return.
    """

    headers: tuple[RecoveredHeader, ...]
    blocks: tuple[RecoveredBlock, ...]
    lost: tuple[tuple[bytes, int], ...]


class Recovery:
    """Asks for one page at a time and collects the answers in memory, so that all or none count."""

    def __init__(self, signer: Signer, missing: Sequence[Missing]) -> None:
        """Fetch `missing` for the household of `signer`."""
        self._signer = signer
        self._wanted = {part.state.incarnation: set(part.sequences) for part in missing}
        self._epochs = {
            (part.state.incarnation, month): epoch
            for part in missing
            for month, epoch in part.epochs.items()
        }
        self._headers: dict[tuple[bytes, int], RecoveredHeader] = {}
        self._blocks: dict[tuple[bytes, int], tuple[Block, bytes]] = {}
        self._lost: list[tuple[bytes, int]] = []
        self._page: set[tuple[bytes, int]] = set()
        self._page_of = b""
        self._is_waiting = False
        self._has_progress = False
        self._answers = 0
        self._ask_again_s = 0.0
        self._pauses = PAGE_AGAIN.waits_s()

    @property
    def is_complete(self) -> bool:
        """True if there is nothing left to wait for."""
        return not any(self._wanted.values())

    def request(self, now_s: float) -> Fetch | None:
        """Return the next request to send, None if none is due."""
        if self.is_complete or (self._is_waiting and now_s < self._ask_again_s):
            return None
        incarnation, wanted = next((i, w) for i, w in self._wanted.items() if w)
        first = min(wanted)
        self._page = {(incarnation, n) for n in wanted if n < first + PAGE_BLOCKS}
        self._page_of = incarnation
        self._is_waiting, self._has_progress = True, False
        self._ask_again_s = now_s + next(self._pauses)
        return fetch(self._signer.household.id, incarnation, first, PAGE_BLOCKS)

    def take_ack(self, states: Sequence[IncarnationState]) -> None:
        """Handle an ack: one for the requested incarnation ends the answer."""
        if not self._is_waiting or self._page_of not in [state.incarnation for state in states]:
            return
        self._is_waiting = False
        self._pauses = PAGE_AGAIN.waits_s()
        self._answers = 0 if self._has_progress else self._answers + 1
        if self._answers >= ANSWERS:
            self._give_up_page()

    def take_epoch(self, payload: bytes) -> None:
        """Handle a returned header; its keys may be gone with a chip that was lost.

        Raises:
            MessageRefused: no chip of this household signed it, or it is not this household's.
        """
        header, is_own = self._signer.open_household(Kind.EPOCH, payload, Epoch)
        if header.household_key != self._signer.household.id:
            raise MessageRefused(Reason.MAC, "the epoch is not this household's")
        key = header.incarnation, header.month
        keys = self._signer.keyring.maker_of(header)
        name = NO_KEYS if keys is None else keys.id
        self._headers[key] = RecoveredHeader(header, payload if is_own else b"", name)
        self._epochs[key] = EpochRow(header.seed, name)

    def take_block(self, payload: bytes) -> None:
        """Handle a returned block.

        Raises:
            MessageRefused: no chip of this household signed it, it is out of bounds, or its header
                is missing.
        """
        block, is_own = self._signer.open_household(Kind.BLOCK, payload, Block)
        check_block(block)
        if block.household_key != self._signer.household.id:
            raise MessageRefused(Reason.BOUNDS, "the block is another household's")
        if (block.incarnation, _month(block)) not in self._epochs:
            raise MessageRefused(Reason.NO_EPOCH)
        if block.sequence not in self._wanted.get(block.incarnation, ()):
            return
        self._wanted[block.incarnation].discard(block.sequence)
        self._blocks[block.incarnation, block.sequence] = block, payload if is_own else b""
        self._page.discard((block.incarnation, block.sequence))
        self._has_progress = True

    def result(self) -> Recovered:
        """Return all blocks, opened with one SEAL decryption for each incarnation and month."""
        by_epoch: dict[tuple[bytes, int], list[tuple[Block, bytes]]] = {}
        for block, payload in self._blocks.values():
            by_epoch.setdefault((block.incarnation, _month(block)), []).append((block, payload))
        opened = [
            block
            for epoch, blocks in by_epoch.items()
            for block in self._open_month(self._epochs[epoch], blocks)
        ]
        return Recovered(tuple(self._headers.values()), tuple(opened), tuple(self._lost))

    def _open_month(
        self, epoch: EpochRow, blocks: Sequence[tuple[Block, bytes]]
    ) -> Iterator[RecoveredBlock]:
        keys = self._signer.keyring.with_id(epoch.keys)
        if keys is None:
            yield from (RecoveredBlock(block, payload, None) for block, payload in blocks)
            return
        month = np.zeros(MONTH_COEFFICIENTS, np.uint64)
        for block, _ in blocks:
            first = _first(block)
            month[first : first + block.j1 - block.j0] = block.values()
        plain = keys.seal.open_own(epoch.seed, month)
        for block, payload in blocks:
            first = _first(block)
            values = plain[first : first + block.j1 - block.j0]
            yield RecoveredBlock(block, payload, tuple(values))

    def _give_up_page(self) -> None:
        log.error("blocks_not_given_back", blocks=len(self._page))
        for incarnation, sequence in self._page:
            self._wanted[incarnation].discard(sequence)
        self._lost += self._page
        self._page.clear()
        self._answers = 0


def _day(block: Block) -> date:
    return day_of_number(block.day)


def _month(block: Block) -> int:
    return day_number(month_of(_day(block)))


def _first(block: Block) -> int:
    return coefficient(_day(block), block.j0)
