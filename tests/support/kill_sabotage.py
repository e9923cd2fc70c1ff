"""The same programs with one rule broken: `python -m tests.support.kill_sabotage RULE …`.

A check that passes on these is useless.
"""

import asyncio
import os
import pickle
import secrets
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

import edge.vault.vault as vault_module
from cloud.commands.run import run as run_worker
from cloud.store.sqlite.batch import BatchWriter
from cloud.worker.worker import Worker
from edge.chip.chip import Chip
from edge.mqtt.message import Connected, Published
from edge.vault.epochs import Epochs, LiveEpoch
from edge.vault.vault import Vault
from protocol.household import EpochPad
from tests.support.kill_fleet import fleet

PADS_SUFFIX = ".pads"  # beside the vault, so that an image of the card holds them too


class EpochsOnDisk(Epochs):
    """Stores pads on the disk and reuses them, which an incarnation must never do."""

    def __init__(self, database, signer) -> None:
        super().__init__(database, signer)
        self._path = Path(database.execute("PRAGMA database_list").fetchone()[2] + PADS_SUFFIX)
        self._pads = {}
        if self._path.exists():
            self.incarnation, self._pads = pickle.loads(self._path.read_bytes())
        for month, (seed, numbers) in self._pads.items():
            pad = EpochPad(month, self.incarnation, seed, np.array(numbers, np.uint64))
            self._live[month] = LiveEpoch(pad, signer.keyring.of_year(month.year))

    def rotate(self) -> None:
        pass

    def live(self, month):
        epoch, made = super().live(month)
        if made is not None:
            self._pads[month] = epoch.pad.seed, list(epoch.pad._pad)
            self._path.write_bytes(pickle.dumps((self.incarnation, self._pads)))
        return epoch, made


def ask_nobody() -> None:
    """Make a chip encrypt and send at once, without fetching the cloud's state."""
    take = Chip.take

    def hasty_take(chip, event) -> None:
        take(chip, event)
        if isinstance(event, Connected) and not chip._vault.is_caught_up:
            chip._catch_up()

    Chip.take = hasty_take
    Chip._compare_holdings = lambda _chip, _states: None
    Chip._suspend_encryption = lambda _chip: None


def reuse_pads() -> None:
    """Make a chip that starts on an old image reuse the image's pads.

    It uses new sequences; with the old ones, the outbox would consider its blocks stored.
    """
    ask_nobody()
    vault_module.Epochs = EpochsOnDisk
    opened = Vault.open.__func__

    def open_vault(kind, directory, signer, **options):
        vault = opened(kind, directory, signer, **options)
        vault._writer._sequence = secrets.randbelow(1 << 30)
        return vault

    Vault.open = classmethod(open_vault)


def trust_the_broker() -> None:
    """Make a chip treat what the broker confirmed as stored by the cloud."""
    take, take_ack = Chip.take, Chip._take_ack

    def trusting_take(chip, event) -> None:
        take(chip, event)
        if isinstance(event, Published) and event.publish.key is not None:
            key = event.publish.key
            chip._vault._database.execute(
                "UPDATE blocks SET state = 2 WHERE incarnation = ? AND sequence = ?",
                (key.incarnation, key.sequence),
            )
            chip._vault._database.execute(
                "UPDATE epochs SET is_stored = 1 WHERE incarnation = ? AND month = ?",
                (key.incarnation, key.month),
            )
            chip._outbox.forget(key)

    def deaf_take_ack(chip, ack) -> None:
        if not chip._vault.is_caught_up:
            take_ack(chip, ack)

    Chip.take = trusting_take
    Chip._take_ack = deaf_take_ack


def store_twice() -> None:
    """Make the store accept a second value for the same quarter-hour."""
    BatchWriter._is_taken = lambda _writer, _household, _block: False


def acknowledge_early() -> None:
    """Make a worker acknowledge a message to the broker and die before it is stored."""

    async def die(_worker, batch) -> None:
        for received in batch:
            received.ack()
        await asyncio.sleep(0.2)  # until the broker has the ack
        os.kill(os.getpid(), signal.SIGKILL)

    Worker._process = die


RULES: dict[str, tuple[Callable[[], None], Callable[..., object]]] = {
    "ask-nobody": (ask_nobody, fleet),
    "reuse-pads": (reuse_pads, fleet),
    "trust-the-broker": (trust_the_broker, fleet),
    "store-twice": (store_twice, run_worker),
    "acknowledge-early": (acknowledge_early, run_worker),
}

if __name__ == "__main__":
    break_it, program = RULES[sys.argv[1]]
    break_it()
    program(sys.argv[2:])
