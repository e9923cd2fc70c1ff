"""The hostile parties, each in a process of its own, which also burns as much CPU without sending."""

import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from benchmarks import storm_chips
from benchmarks.load import LoadChip
from benchmarks.stack import HOST
from benchmarks.storm_others import Caller, HostileProvider, hold_silent, log_lines
from benchmarks.storm_town import HOSTILE, LIAR, StormTown
from benchmarks.storm_wire import Access, HostileClient, Publish
from volet.area.town import COLLECTIVITY

_BURN_STEP_S = 0.05
_END_S = 60.0
# As if they were elsewhere: what the town needs of the cores is not taken from it.
_LEAST_PRIORITY = 19

# Attacks until the monotonic clock shows the time given, and returns counts of what it did.
Attack = Callable[[float], Counter[str]]


@dataclass(frozen=True, slots=True)
class Attacked:
    """What an attacker did, and how many seconds of a core it took for that."""

    counts: Counter[str]
    cpu_s: float


class Attacker:
    """A hostile party, which waits for its commands in a process of its own."""

    def __init__(self, name: str, process: BaseProcess, commands: Connection) -> None:
        self.name = name
        self._process, self._commands = process, commands

    @classmethod
    def start(cls, name: str, attack: Attack) -> "Attacker":
        """Fork a process for it."""
        context = multiprocessing.get_context("fork")
        commands, answers = context.Pipe()
        process = context.Process(target=_serve, args=(attack, answers), daemon=True)
        process.start()
        return cls(name, process, commands)

    def attack(self, seconds: float) -> None:
        """Begin to attack."""
        self._commands.send(("attack", seconds))

    def burn(self, share: float, seconds: float) -> None:
        """Begin to take this share of a core for so long, without sending."""
        self._commands.send(("burn", share, seconds))

    def result(self) -> Attacked:
        """Wait for what it has done."""
        counts, cpu_s = self._commands.recv()
        return Attacked(counts, cpu_s)

    def close(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.join(_END_S)


@contextmanager
def attackers(town: StormTown) -> Iterator[Sequence[Attacker]]:
    """Start a process for each hostile party. Chips of the town's last become hostile."""
    started = [Attacker.start(name, attack) for name, attack in _attacks(town).items()]
    try:
        yield started
    finally:
        for each in started:
            each.close()


_CHIPS: tuple[Callable[[LoadChip], Iterator[Publish]], ...] = (
    storm_chips.retained,
    storm_chips.blocks,
    storm_chips.incarnations,
    storm_chips.malformed,
    storm_chips.others,
)
HOSTILE_CHIPS = len(_CHIPS) + 3  # beside those: letters, quotes, subscriptions


def hostile_chips(town: StormTown) -> Sequence[LoadChip]:
    """Return the chips that attack, in the order of their attacks."""
    return town.chips[-HOSTILE_CHIPS:]


def _attacks(town: StormTown) -> dict[str, Attack]:
    chips = iter(hostile_chips(town))
    attacks: dict[str, Attack] = {}

    def add(name: str, messages: Callable[[LoadChip], Iterator[Publish]]) -> None:
        chip = next(chips)
        attacks[f"chip: {name}"] = partial(
            _flood, town.access(chip.device), partial(messages, chip)
        )

    for messages in _CHIPS:
        add(messages.__name__, messages)
    add("letters", lambda chip: storm_chips.letters(chip, town.sealing))
    add("quotes", lambda chip: storm_chips.quotes(chip, town.providers.heads))
    attacks["chip: subscriptions"] = partial(_subscribe, town.access(next(chips).device))
    attacks["trustee: log lines"] = partial(
        _flood, town.access(LIAR), partial(log_lines, COLLECTIVITY, LIAR, town.liar_key)
    )
    ca, providers = town.access(LIAR).ca, town.providers
    key = providers.key.private_bytes_raw()
    for name, token in (("provider: calls", providers.tokens[HOSTILE]), ("anybody: calls", "")):
        caller = Caller(
            ca, town.api_port, token, HOSTILE.title(), key, providers.offer, providers.contract
        )
        attacks[name] = partial(_call, caller)
    ports = (town.api_port, town.stack.port)
    attacks["anybody: silent connections"] = partial(
        hold_silent, tuple((HOST, port) for port in ports), ca
    )
    return attacks


def _flood(
    access: Access, messages: Callable[[], Iterator[Publish]], deadline_s: float
) -> Counter[str]:
    client = HostileClient(access)
    client.flood(messages(), deadline_s)
    client.close()
    return client.counts


def _subscribe(access: Access, deadline_s: float) -> Counter[str]:
    client = HostileClient(access)
    client.subscribe(storm_chips.filters(), deadline_s)
    while time.monotonic() < deadline_s:
        time.sleep(_BURN_STEP_S)
    client.close()
    return client.counts


def _call(caller: Caller, deadline_s: float) -> Counter[str]:
    provider = HostileProvider(caller)
    provider.flood(deadline_s)
    return provider.counts


def _serve(attack: Attack, commands: Connection) -> None:
    os.nice(_LEAST_PRIORITY)
    while True:
        command, *amounts = commands.recv()
        begun_s = time.process_time()
        if command == "attack":
            counts = attack(time.monotonic() + amounts[0])
        else:
            share, seconds = amounts
            counts = _burn(share, time.monotonic() + seconds)
        commands.send((counts, time.process_time() - begun_s))


def _burn(share: float, deadline_s: float) -> Counter[str]:
    """Take a share of a core by the clock, as far as there is one."""
    begun_s, used_s = time.monotonic(), time.process_time()
    while (now_s := time.monotonic()) < deadline_s:
        due_s = share * (now_s - begun_s) - (time.process_time() - used_s)
        if due_s <= 0:
            time.sleep(_BURN_STEP_S)
            continue
        end_s = time.process_time() + min(due_s, _BURN_STEP_S)
        while time.process_time() < end_s:
            pass
    return Counter()
