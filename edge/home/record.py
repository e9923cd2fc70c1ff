"""What the chip keeps of its smart home: a random id, the entities there were, and energies told.

One file beside the vault (0600), since an energy value must not fall over a restart either. It is
written when something begins, and otherwise once a quarter-hour, as the vault is.
"""

import secrets
from pathlib import Path
from typing import Annotated

import msgspec

from edge.home.energies import Series
from protocol.errors import ConfigError
from protocol.json_text import read_json
from system.files import read_secret, write_secret

FILE_NAME = "home.json"
_ID_BYTES = 8
TOPICS_MAX = 1_000
ENTITIES_MAX = 256

HomeId = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{16}(?!\n)$")]
Salt = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}(?!\n)$")]


class HomePlace(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The broker to which something was told."""

    broker: str
    port: Annotated[int, msgspec.Meta(ge=1, le=65_535)]


class HomeRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is kept.

    Attributes:
        id: names the chip in topics and ids; says nothing of chip, meter or household.
        salt: secret, for the marks of `series`.
        series: each energy counter as it was told last.
        entities: the entities that were shown, by their ids.
        topics: every retained topic that a broker may hold.
        place: the broker that holds them.
    """

    id: HomeId
    salt: Salt
    series: dict[str, Series] = {}
    entities: Annotated[tuple[str, ...], msgspec.Meta(max_length=ENTITIES_MAX)] = ()
    topics: Annotated[tuple[str, ...], msgspec.Meta(max_length=TOPICS_MAX)] = ()
    place: HomePlace | None = None


def new_record() -> HomeRecord:
    """Draw new ids."""
    return HomeRecord(secrets.token_hex(_ID_BYTES), secrets.token_hex(2 * _ID_BYTES))


def read_record(directory: Path) -> HomeRecord | None:
    """Read the record in `directory`; None if nothing was ever told.

    Raises:
        ConfigError: it is damaged, or open to others.
    """
    path = directory / FILE_NAME
    if not path.exists():
        return None
    next_step = "delete it; the smart home then finds a new device."
    try:
        return read_json(read_secret(path, next_step), HomeRecord)
    except msgspec.MsgspecError as exc:
        raise ConfigError(f"{path} is damaged: {exc}; {next_step}") from exc


def write_record(directory: Path, record: HomeRecord) -> None:
    """Write the record."""
    write_secret(directory / FILE_NAME, msgspec.json.encode(record))
