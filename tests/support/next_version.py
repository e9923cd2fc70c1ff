"""A next version of the wire that exists in tests alone, made by the means of a real one.

It adds a field to one body, gives a field of another a new meaning, moves the fields of a third,
and has a word that the version before lacks. `python -m tests.support.next_version ARGUMENTS` runs
`volet ARGUMENTS` as a release that knows it.
"""

import sys

import msgspec

from protocol import versions
from protocol.calendar import day_number, day_of_number
from protocol.errors import MessageRefused, Reason
from protocol.messages import Ack, Block, Epoch, Fetch, Seen, Statement
from protocol.quotes import QuoteRequest
from protocol.versions import Form, Versions

NEWEST = 2


class _Next(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    pass


class NextSeen(_Next, frozen=True):
    """A `Seen` with a field more."""

    household_key: bytes
    statement: bytes
    language: str


class NextEpoch(_Next, frozen=True):
    """An `Epoch` whose month is counted from 1970-01 instead of being a day's number."""

    household_key: bytes
    month: int
    incarnation: bytes
    seed: bytes
    mac: bytes


class NextBlock(_Next, frozen=True):
    """A `Block` whose commitment comes first."""

    commitment: bytes
    household_key: bytes
    day: int
    incarnation: bytes
    sequence: int
    j0: int
    coefficients: bytes


class NextAck(_Next, frozen=True):
    """An `Ack` inside a map, so that nothing of it can be taken for the version before."""

    ack: Ack
    note: str


class NextFetch(_Next, frozen=True):
    """A `Fetch` with its fields the other way round."""

    reads: int
    count: int
    sequence: int
    incarnation: bytes | None
    household_key: bytes


class NextStatement(_Next, frozen=True):
    """A `Statement` with a field more."""

    statement: Statement
    currency: str


def _month(day: int) -> int:
    first = day_of_number(day)
    return (first.year - 1970) * 12 + first.month - 1


def _first_day(month: int) -> int:
    return day_number(day_of_number(0).replace(year=1970 + month // 12, month=month % 12 + 1))


def _no_words(body: object) -> msgspec.Struct:
    del body
    raise MessageRefused(Reason.VERSION, "version 2 asks for quotes in another way")


NEXT = Versions(
    NEWEST,
    {
        2: (
            Form(
                Seen,
                NextSeen,
                lambda wire: Seen(wire.household_key, wire.statement),
                lambda seen: NextSeen(seen.household_key, seen.statement, "fr"),
            ),
            Form(
                Epoch,
                NextEpoch,
                lambda wire: Epoch(
                    wire.household_key,
                    _first_day(wire.month),
                    wire.incarnation,
                    wire.seed,
                    wire.mac,
                ),
                lambda epoch: NextEpoch(
                    epoch.household_key,
                    _month(epoch.month),
                    epoch.incarnation,
                    epoch.seed,
                    epoch.mac,
                ),
            ),
            Form(
                Block,
                NextBlock,
                lambda wire: Block(*_fields(wire)[1:], wire.commitment),
                lambda block: NextBlock(block.commitment, *_fields(block)[:-1]),
            ),
            Form(Ack, NextAck, lambda wire: wire.ack, lambda ack: NextAck(ack, "")),
            Form(
                Fetch,
                NextFetch,
                lambda wire: Fetch(*reversed(_fields(wire))),
                lambda fetch: NextFetch(*reversed(_fields(fetch))),
            ),
            Form(
                Statement,
                NextStatement,
                lambda wire: wire.statement,
                lambda statement: NextStatement(statement, "EUR"),
            ),
            Form(QuoteRequest, QuoteRequest, lambda wire: wire, _no_words),
        )
    },
)


def _fields(body: msgspec.Struct) -> tuple[object, ...]:
    return tuple(getattr(body, name) for name in body.__struct_fields__)


def main() -> None:
    """Run `volet` as a release that knows the next version."""
    versions.VERSIONS = NEXT
    from volet.main import main as volet  # noqa: PLC0415 - after the next version is known

    volet()


if __name__ == "__main__":
    sys.argv[0] = "volet"
    main()
