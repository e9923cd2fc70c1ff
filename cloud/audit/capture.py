"""Records traffic as an operator of the broker sees it, as JSON lines with one message each.

Recording needs a worker's certificate of its own (`volet cloud issue worker-audit`). The broker
uses the certificate's name as the client's, so a running worker's certificate would take over its
session.
"""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from cloud.config import CloudConfig
from cloud.registry.key_files import load_key_list, pki_path
from protocol.errors import ConfigError
from protocol.json_text import read_json
from protocol.topics import Kind, TrusteeKind, all_devices, trustee_topic
from system.mqtt.link import Link, LinkSettings, TlsFiles

DEFAULT_NAME = "worker-audit"
_BATCH = 256
_WINDOW_S = 0.05


class Captured(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One message: arrival in seconds since 1970, topic, payload (Base64 in JSON)."""

    at_s: float
    topic: str
    payload: bytes


def read_capture(path: Path) -> Iterator[Captured]:
    """Read what `record` wrote, message by message.

    Raises:
        ConfigError: there is no such file, or a line is not a message; names the line.
    """
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    yield read_json(line, Captured)
                except msgspec.MsgspecError as exc:
                    raise ConfigError(
                        f"{path}, line {number}: no captured message ({exc}); record anew with "
                        "`volet cloud audit capture`."
                    ) from exc
    except OSError as exc:
        raise ConfigError(f"{path} cannot be read: {exc.strerror}.") from exc


def write_line(file: BinaryIO, captured: Captured) -> None:
    """Write one message as a line."""
    file.write(msgspec.json.encode(captured) + b"\n")


def filters(collectivity: str) -> list[str]:
    """Return filters for all that a worker's certificate may read."""
    kinds = (Kind.EPOCH, Kind.BLOCK, Kind.FETCH, Kind.SEEN, Kind.AREA, Kind.ASK, Kind.KEY)
    return [
        *(all_devices(collectivity, kind) for kind in kinds),
        trustee_topic(collectivity, "+", TrusteeKind.RESPONSE),
    ]


def link_settings(directory: Path, config: CloudConfig, name: str) -> LinkSettings:
    """Return the link settings for the certificate `name`.

    Raises:
        ConfigError: there is no such certificate, or it is the first worker's.
    """
    files = [pki_path(directory, file) for file in ("ca.pem", f"{name}.pem", f"{name}.key")]
    lacking = [file.name for file in files if not file.exists()]
    if name == "worker" or lacking:
        raise ConfigError(
            f"A capture needs a worker's certificate of its own, and {name} is "
            f"{'not there' if lacking else 'the running worker'}; make one with `volet cloud issue "
            f"{DEFAULT_NAME}`, then `volet cloud broker-config`."
        )
    return LinkSettings(
        host=config.broker_host,
        port=config.broker_port,
        client_id=name,
        tls=TlsFiles(*files),
        key_list=lambda: load_key_list(directory),
        session_expiry_s=0,
        if_double="end one of them, or make a further certificate (`volet cloud issue "
        "worker-audit2`) and name it with --name.",
    )


async def record(
    settings: LinkSettings, collectivity: str, file: BinaryIO, stop: asyncio.Event
) -> int:
    """Write every message until `stop`; return how many.

    Raises:
        ConfigError: the certificate files cannot be used, or another program uses them.
    """
    link = Link(settings, filters(collectivity))
    with link.alone():
        return await _write_all(link, file, stop)


async def _write_all(link: Link, file: BinaryIO, stop: asyncio.Event) -> int:
    running = asyncio.create_task(link.run(), name="link")
    stopping = asyncio.create_task(stop.wait(), name="stop")
    count = 0
    try:
        while not stop.is_set():
            taking = asyncio.create_task(link.batch(_BATCH, _WINDOW_S), name="take")
            await asyncio.wait({taking, running, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not taking.done():
                taking.cancel()
                break
            at_s = time.time()
            for received in taking.result():
                write_line(file, Captured(at_s, received.message.topic, received.message.payload))
                received.ack()
                count += 1
            file.flush()
        if running.done():
            running.result()
    finally:
        for task in (running, stopping):
            task.cancel()
        await asyncio.gather(running, stopping, return_exceptions=True)
    return count
