"""The program: a link to the broker, the intake, a server and, where wanted, a writer of metrics."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NoReturn

import structlog

from monitor import directory as monitor_directory
from monitor.desk import open_desk
from monitor.intake import Intake, filters
from monitor.metrics import Connected, MonitorMetrics, make_registry, points
from monitor.report import FleetReport, make_report
from monitor.server import CONNECTIONS_MAX, Health, make_app, make_server, open_socket
from system.beside import running_beside
from system.certificates import CertificateWatch
from system.connections import Connections
from system.metrics import MetricsWriter, Point
from system.mqtt.link import Link
from system.set_aside import FILE_NAME as SET_ASIDE
from system.set_aside import SetAside

BATCH_MAX, BATCH_WINDOW_S = 512, 0.2
LOOK_EVERY_S = 1.0
# After a new connection the broker tells of all chips again, within this time.
TOLD_WITHIN_S = 900.0
# The broker publishes its uptime every ten seconds.
QUIET_MAX_S = 120.0

log = structlog.get_logger()


def _now() -> datetime:
    return datetime.now(UTC)


class MonitorProgram:
    """A monitor, assembled from its directory."""

    def __init__(self, directory: Path) -> None:
        """Read configuration and certificate; nothing runs yet.

        Raises:
            ConfigError: a file is missing or wrong.
        """
        self._directory = directory
        self._config = config = monitor_directory.load_config(directory)
        self._writing = monitor_directory.load_metrics(directory)
        self._intake = Intake(
            config.collectivity, config.chips_max, SetAside(directory / SET_ASIDE), _now
        )
        self._connected = Connected()
        lifetimes = partial(monitor_directory.lifetimes, directory)
        self._watch = CertificateWatch(lifetimes, _now)
        self._registry = make_registry(
            MonitorMetrics(self._intake, self._connected, lifetimes, _now)
        )
        self._link = Link(
            monitor_directory.link_settings(directory),
            filters(config.collectivity),
            self._intake.admits,
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set.

        Raises:
            ConfigError: another program uses its certificate, or its port.
            BaseExceptionGroup: a task failed permanently.
        """
        config = self._config
        async with AsyncExitStack() as opened:
            opened.enter_context(self._link.alone())
            await opened.enter_async_context(self._watch.beside())
            await opened.enter_async_context(open_desk(self._directory, self._report))
            await opened.enter_async_context(self._serving())
            if self._writing is not None:
                writer = MetricsWriter(self._writing, self._directory)
                opened.callback(writer.close)
                await opened.enter_async_context(running_beside(writer.run(self._points), "write"))
            log.info("monitor_started", name=config.name, collectivity=config.collectivity)
            await self._work(stop)

    async def _work(self, stop: asyncio.Event) -> None:
        work = {"link": self._link.run(), "take": self._take(), "look": self._look()}
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(task, name=name) for name, task in work.items()]
            await stop.wait()
            log.info("monitor_stopped")
            for task in tasks:
                task.cancel()

    @asynccontextmanager
    async def _serving(self) -> AsyncIterator[None]:
        """Answer HTTP while the block runs."""
        connections = Connections(CONNECTIONS_MAX, CONNECTIONS_MAX)
        listening = open_socket(self._config.port, connections)
        app = make_app(self._registry, self._health)
        port = self._config.port
        server = make_server(app, connections, lambda: log.info("monitor_serves", port=port))
        async with running_beside(server.serve([listening]), "serve"):
            try:
                yield
            finally:
                server.should_exit = True

    async def _take(self) -> NoReturn:
        while True:
            for received in await self._link.batch(BATCH_MAX, BATCH_WINDOW_S):
                self._intake.take(received.message)
                received.ack()

    async def _look(self) -> NoReturn:
        """Notice connections, and forget the chips of which a new one does not tell."""
        loop, known, since_s = asyncio.get_running_loop(), None, 0.0
        while True:
            connection = self._link.connection
            if connection is None:
                self._connected.since = None
            elif connection != known or self._connected.since is None:
                # It may have begun since the last look.
                known, since_s = connection, loop.time() - 2 * LOOK_EVERY_S
                self._connected.since = _now()
            if known is not None and connection == known and loop.time() - since_s > TOLD_WITHIN_S:
                self._intake.fleet.forget_unseen(since_s)
                since_s = float("inf")
            await asyncio.sleep(LOOK_EVERY_S)

    def _health(self) -> Health:
        chips, last_at = len(self._intake.fleet.chips), self._intake.last_at
        if self._connected.since is None:
            return Health(is_healthy=False, why="There is no session at the broker.", chips=chips)
        if (_now() - (last_at or self._connected.since)).total_seconds() > QUIET_MAX_S:
            return Health(is_healthy=False, why="The broker is silent.", chips=chips)
        return Health(is_healthy=True, why="", chips=chips)

    def _report(self) -> FleetReport:
        return make_report(self._intake, self._connected.since, _now())

    async def _points(self) -> list[Point]:
        return points(self._registry, self._config.collectivity)
