"""Has the home's broker forget what it retains of a household, which takes its values along."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec

from edge.home.choice import lock_telling
from edge.home.guard import check_address, check_broker
from edge.home.link import forget
from edge.home.record import HomePlace, read_record, write_record
from edge.home.settings import HomeConfig, read_password
from edge.identity.enrolment import Identity, load_identity
from protocol.errors import ConfigError, VoletError


def forget_told(directory: Path, config: HomeConfig | None, identity: Identity) -> int:
    """Have the broker forget every retained topic of the chip in `directory`; return how many.

    Whoever calls it holds the telling.

    Raises:
        ConfigError: edge.toml does not name the broker that has them, or a wrong one.
        TransportError: it is away, refuses the chip or does not answer.
    """
    record = read_record(directory)
    if record is None or not record.topics:
        return 0
    place = record.place
    if config is None or (place is not None and place != HomePlace(config.broker, config.port)):
        where = "another broker" if place is None else f"{place.broker}:{place.port}"
        raise ConfigError(
            f"What your home was told is retained by {where}, which edge.toml does not name; name it there "
            "in the table [home], and have it forget first."
        )
    check_broker(config, identity)
    check = partial(check_address, config, identity)
    forget(config, read_password(directory), check, record.topics)
    write_record(directory, msgspec.structs.replace(record, topics=(), place=None))
    return len(record.topics)


class Retained(NamedTuple):
    """What a broker goes on retaining, and why."""

    topics: tuple[str, ...]
    why: str


def forget_before_erasure(
    directory: Path, config: Callable[[], HomeConfig | None]
) -> Retained | None:
    """Have the broker forget a household that is about to be erased; return what it does not.

    It is tried once, for some seconds: nothing keeps the household from being erased.
    """
    topics: tuple[str, ...] = ()
    try:
        record = read_record(directory)
        topics = () if record is None else record.topics
        if not topics:
            return None
        if (lock := lock_telling(directory)) is None:
            raise ConfigError("Another command is at it.")
        try:
            forget_told(directory, config(), load_identity(directory))
        finally:
            os.close(lock)
    except VoletError as exc:
        return Retained(topics, str(exc))
    return None
