"""`volet cloud run`: run a worker, assembled from the collectivity's directory."""

import asyncio
import signal
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click
import msgspec
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.config import DEFAULT_DIRECTORY, SET_ASIDE, load_config, load_metrics
from cloud.ingest.pipeline import Ingest
from cloud.ingest.quotas import Quotas
from cloud.registry.key_files import (
    load_key_list,
    load_platform_key,
    load_signed_list,
    pki_path,
    share_group,
)
from cloud.registry.key_in_force import until_key_changes
from cloud.registry.key_list_behind import is_behind
from cloud.registry.reissuing import reissue
from cloud.registry.renewal import lifetimes
from cloud.store import Store
from cloud.store.sqlite.store import SqliteStore
from cloud.worker.gauges import certificate_points, chip_points
from cloud.worker.metrics import Metrics
from cloud.worker.worker import BatchObserver, NoCounts, Worker, WorkerSettings, shared_filters
from mosquitto.roles import Role
from system.certificates import CertificateWatch
from system.commands import directory_option
from system.metrics import Point
from system.mqtt.identity import check_identity
from system.mqtt.link import Link, LinkSettings, TlsFiles
from system.program import begin_program, run_program
from system.set_aside import SetAside
from system.shell import quoted
from system.store_thread import StoreThread

_IF_DOUBLE = (
    "end one of them, or give a further worker a certificate of its own "
    "(`volet cloud issue worker-2`, then start it with --name worker-2)."
)

log = structlog.get_logger()


@click.command()
@directory_option(DEFAULT_DIRECTORY, "The cloud's")
@click.option(
    "--name",
    default="worker",
    show_default=True,
    help="Role whose certificate to use: pki/NAME.pem.",
)
def run(directory: Path, name: str) -> None:
    """Receive, store and acknowledge messages from chips and publish statements, until stopped.

    SIGTERM or Ctrl-C ends it after the current batch; a kill loses nothing either. It reconnects
    when the broker is away. Exit codes: 0 stopped, 2 wrong usage, 5 configuration, 6 the store is
    damaged or of another version.
    """
    begin_program()
    run_program(serve(directory, name))


async def serve(directory: Path, name: str) -> None:
    """Run a worker until a signal; it goes on with each platform key that follows.

    Raises:
        ConfigError: the directory lacks a file, or a key of cloud.toml is wrong.
        StoreError: the store is damaged or of another version.
        BaseExceptionGroup: a task failed permanently.
    """
    load_config(directory)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    while not stop.is_set():
        key = load_platform_key(directory)
        async with until_key_changes(directory, key, stop) as ending:
            await _serve(directory, name, key, ending)


async def _serve(
    directory: Path, name: str, platform_key: Ed25519PrivateKey, stop: asyncio.Event
) -> None:
    config = load_config(directory)
    quotas = Quotas()
    link = Link(
        _link_settings(directory, config.broker_host, config.broker_port, name),
        shared_filters(config.collectivity, share_group(directory)),
        quotas.admits,
    )
    set_aside = SetAside(directory / SET_ASIDE.format(program=name))
    settings = WorkerSettings(
        collectivity=config.collectivity,
        platform_key=platform_key,
        clock=lambda: datetime.now(UTC),
        set_aside=set_aside,
        key_list=lambda: msgspec.msgpack.encode(load_signed_list(directory)),
        is_behind=partial(is_behind, directory),
    )
    thread = StoreThread()
    try:
        store = await thread.run(SqliteStore.open, directory)
        try:
            ingest = await thread.run(
                Ingest,
                store,
                config.collectivity,
                platform_key,
                settings.clock,
                set_aside,
                partial(reissue, directory, store),
            )
            counts = _counts(directory, config.collectivity, thread, store)
            watch = CertificateWatch(lambda: lifetimes(directory), settings.clock)
            with link.alone():
                log.info("worker_started", collectivity=config.collectivity)
                async with watch.beside():
                    worker = Worker(link, thread, store, ingest, settings, quotas, counts)
                    await worker.run(stop)
        finally:
            await thread.run(store.close)
    finally:
        thread.close()


def _link_settings(directory: Path, host: str, port: int, name: str) -> LinkSettings:
    tls = TlsFiles(
        *(pki_path(directory, file) for file in ("ca.pem", f"{name}.pem", f"{name}.key"))
    )
    check_identity(
        tls,
        name,
        Role.WORKER,
        f"make it with `volet cloud issue {name} --dir {quoted(directory)}`.",
    )
    return LinkSettings(
        host=host,
        port=port,
        client_id=name,
        tls=tls,
        key_list=lambda: load_key_list(directory),
        if_double=_IF_DOUBLE,
    )


def _counts(directory: Path, collectivity: str, thread: StoreThread, store: Store) -> BatchObserver:
    config = load_metrics(directory)
    if config is None:
        return NoCounts()

    async def gauges() -> list[Point]:
        states = await thread.run(store.fleet.states)
        softwares = await thread.run(store.fleet.softwares)
        return [
            *chip_points(collectivity, states, softwares),
            *certificate_points(collectivity, lifetimes(directory)),
        ]

    return Metrics(config, directory, collectivity, gauges)
