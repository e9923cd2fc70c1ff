"""Where the household's own broker is, and how the chip signs in there."""

import os
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from edge.stage import CREDENTIALS
from protocol.errors import ConfigError
from system.files import read_document, read_secret

PASSWORD = "home-broker.password"  # noqa: S105 - a file's name
_NEXT_STEP = "write the password of the household's broker into it, mode 0600."


class HomeConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The household's own smart home.

    Attributes:
        broker: the host of its MQTT broker, on the home network.
        port: its port.
        user: the user's name there, "" for none; the password is in home-broker.password or a credential of that name.
        ca: the authority (PEM) of the broker's certificate, for TLS; "" speaks in the clear.
        discovery: device: one document for all entities; single: one for each, for Home Assistant before 2024.12.
        last_bill: also tell the last bill and the chip's verdict on it.
    """

    broker: Annotated[str, msgspec.Meta(min_length=1, max_length=253)]
    port: Annotated[int, msgspec.Meta(ge=1, le=65_535)] = 1_883
    user: Annotated[str, msgspec.Meta(max_length=256)] = ""
    ca: str = ""
    discovery: Literal["device", "single"] = "device"
    last_bill: bool = False


def read_password(directory: Path) -> str | None:
    """Return the password for the household's broker, None if there is none.

    Raises:
        ConfigError: the file is open to others, or is no text.
    """
    folder = os.environ.get(CREDENTIALS)
    if folder and (given := Path(folder) / PASSWORD).exists():
        data = read_document(given, "name it in the unit.")
    elif (given := directory / PASSWORD).exists():
        data = read_secret(given, _NEXT_STEP)
    else:
        return None
    try:
        return data.decode().split("\n", 1)[0]
    except UnicodeDecodeError as exc:
        raise ConfigError(f"{given} is no text; write the password into it.") from exc
