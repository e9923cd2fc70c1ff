"""Writes metrics to InfluxDB, or to a server with its line protocol.

They never concern a single household. What cannot be written is dropped.
"""

import asyncio
import importlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, NoReturn

import msgspec
import structlog

from protocol.errors import ConfigError
from system.conditions import Condition
from system.files import read_secret

WRITE_TIMEOUT_S = 5
MS = 1_000

Point = dict[str, object]
Points = Callable[[], Awaitable[list[Point]]]

log = structlog.get_logger()


class MetricsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a program sends its metrics: table `metrics`, complete or absent.

    Attributes:
        url: the URL of an InfluxDB, or of a server with its line protocol at /api/v2/write.
        org: its organisation.
        bucket: its bucket.
        token_file: a file (0600) with the token, absolute or relative to the program's directory;
            empty if no token is needed.
        interval_s: seconds between two writes.
    """

    url: str
    org: str
    bucket: str
    token_file: str = ""
    interval_s: Annotated[float, msgspec.Meta(gt=0)] = 10.0


def check_metrics(config: MetricsConfig | None, origin: str) -> None:
    """Check what the types cannot express.

    Raises:
        ConfigError: names `origin` and the key.
    """
    if config and not config.url.startswith(("http://", "https://")):
        raise ConfigError(f"{origin}: metrics.url begins with http:// or https://.")


class MetricsWriter:
    """Writes points every few seconds."""

    def __init__(self, config: MetricsConfig, directory: Path) -> None:
        """Read the token.

        Raises:
            ConfigError: the token's file is missing or open to others.
        """
        self._config = config
        self._dropped = Condition()
        # Imported only where metrics are written: it takes a third of a second and 30 MB.
        library = importlib.import_module("influxdb_client")
        self._options = importlib.import_module("influxdb_client.client.write_api").SYNCHRONOUS
        self._client = library.InfluxDBClient(
            config.url,
            token=_token(config, directory),
            org=config.org,
            timeout=WRITE_TIMEOUT_S * MS,
            retries=False,
        )

    async def run(self, points: Points) -> NoReturn:
        """Write what `points` returns, for ever; what cannot be written is dropped."""
        while True:
            await asyncio.sleep(self._config.interval_s)
            await self.write(points)

    async def write(self, points: Points) -> bool:
        """Write what `points` returns now; return whether the server accepted it."""
        try:
            await asyncio.to_thread(self._write, await points())
        except Exception as exc:  # noqa: BLE001 - whatever fails here must not touch the program's work
            if self._dropped.begins(type(exc).__name__):
                log.warning("metrics_dropped", error=type(exc).__name__)
            return False
        if self._dropped.ends():
            log.info("metrics_written")
        return True

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _write(self, points: list[Point]) -> None:
        with self._client.write_api(write_options=self._options) as api:
            api.write(bucket=self._config.bucket, record=points)


def _token(config: MetricsConfig, directory: Path) -> str:
    if not config.token_file:
        return ""
    path = directory / config.token_file
    return read_secret(path, "write the InfluxDB token there, mode 0600.").decode().strip()
