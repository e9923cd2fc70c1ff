"""`volet cloud release`: release the figures of areas, and list, verify and export them."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.config import DEFAULT_DIRECTORY, SET_ASIDE, load_config
from cloud.registry.key_files import load_key_list, load_platform_key, pki_path
from cloud.registry.key_in_force import until_key_changes
from cloud.release.engine import ReleaseEngine
from cloud.release.export import FORMATS, Format, export
from cloud.release.reading import (
    Period,
    all_figures,
    differs,
    line_of,
    releases_of,
    roster_of,
)
from cloud.release.service import ReleaseService, note, response_filter
from cloud.store.area import AreaStore, FigureStage
from cloud.store.sqlite.store import SqliteStore
from mosquitto.roles import Role
from protocol.calendar import day_number, legal_day
from protocol.errors import DocumentRefused, TransportError
from system.certificates import CertificateWatch, read_lifetimes
from system.commands import directory_option
from system.mqtt.identity import check_identity
from system.mqtt.link import Link, LinkSettings, TlsFiles
from system.patience import Patience
from system.program import begin_program, run_program
from system.set_aside import SetAside
from system.shell import quoted
from system.store_thread import StoreThread

LOOK_EVERY_S = 1.0

_DAY = click.DateTime(["%Y-%m-%d"])
_FIRST, _LAST = datetime(1970, 1, 1), datetime(2200, 1, 1)  # noqa: DTZ001 - days, not instants

_dir = directory_option(DEFAULT_DIRECTORY, "The cloud's")
_json = click.option("--json", "is_json", is_flag=True, help="Print JSON.")
_from = click.option("--from", "start", type=_DAY, default=_FIRST, help="The first day.")
_to = click.option("--to", "end", type=_DAY, default=_LAST, help="The day after the last.")
_name = click.option(
    "--name",
    default="worker-release",
    show_default=True,
    help="Role whose certificate to use: pki/NAME.pem (`volet cloud issue NAME`).",
)

log = structlog.get_logger()


@click.group()
def release() -> None:
    """Figures of areas: opened with the trustees, published and stored."""


@release.command()
@_dir
@_name
def run(directory: Path, name: str) -> None:
    """Close each day after its deadline, ask the trustees and publish, until stopped.

    SIGTERM or Ctrl-C ends it; a kill loses nothing. Trustees and broker may be offline for weeks.
    """
    begin_program()
    run_program(_serve(directory, name))


@release.command()
@_dir
@_name
@click.option(
    "--until", type=_DAY, required=True, help="Close the days before this one; they must be over."
)
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(0),
    default=600.0,
    show_default=True,
    help="Give up after so many seconds without progress by any trustee.",
)
def once(directory: Path, name: str, until: datetime, wait_s: float) -> None:
    """Close, open and publish the days before a day, then stop.

    Exit code 4: trustees have not answered in time. They keep their answers, so asking again gives
    the same ones.
    """
    if until.date() > legal_day(datetime.now(UTC)):
        raise click.BadParameter(
            f"{until:%Y-%m-%d} is still to come; only days that are over are closed.",
            param_hint="--until",
        )
    begin_program()
    run_program(_serve(directory, name, day_number(until.date()), wait_s))


@release.command("list")
@_dir
@_from
@_to
@_json
def list_figures(directory: Path, start: datetime, end: datetime, *, is_json: bool) -> None:
    """List figures with their stage, how many were left out and why, and how many came too late."""
    store = _store(directory)
    lines = [line_of(figure) for figure in all_figures(store, Period(start.date(), end.date()))]
    if is_json:
        click.echo(msgspec.json.encode({"figures": lines}))
        return
    for line in lines:
        left_out = ", ".join(f"{count} {reason}" for reason, count in line.left_out.items())
        words = [line.day, line.measure, line.code, line.stage]
        words += [f"left out: {left_out}."] if left_out else []
        words += [f"too late: {line.late}."] if line.late else []
        click.echo("  ".join([*words, line.detail]).rstrip())
    if not lines:
        click.echo("No figure has been closed in these days.")


@release.command()
@_dir
@_from
@_to
@_json
def verify(directory: Path, start: datetime, end: datetime, *, is_json: bool) -> None:
    """Recompute every release from the store and compare it bit for bit."""
    store = _store(directory)
    roster = roster_of(store)
    period = Period(start.date(), end.date())
    figures = list(all_figures(store, period, FigureStage.RELEASED))
    wrong = []
    for figure in figures:
        difference = differs(store, roster, figure)
        if difference:
            line = line_of(figure)
            wrong.append(f"{line.measure} of {line.code} on {line.day}: {difference}")
    if is_json:
        click.echo(msgspec.json.encode({"releases": len(figures), "differ": wrong}))
    else:
        click.echo(f"{len(figures) - len(wrong)} of {len(figures)} releases are the same again.")
    if wrong:
        raise DocumentRefused("; ".join(wrong))


@release.command("export")
@_dir
@_from
@_to
@click.option("--measure", default="curve", show_default=True)
@click.option("--code", required=True, help="The group's or parent's code.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="csv", show_default=True)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True)
def export_releases(
    directory: Path,
    start: datetime,
    end: datetime,
    measure: str,
    code: str,
    form: Format,
    out: Path,
) -> None:
    """Write one measure's releases for a code to a file."""
    period = Period(start.date(), end.date())
    count = export(releases_of(_store(directory), measure, code, period), form, out)
    click.echo(f"Wrote {count} {'days' if form in ('png', 'svg') else 'rows'} to {out}.")


async def _serve(
    directory: Path, name: str, until: int | None = None, wait_s: float | None = None
) -> None:
    """Run the service until a signal or, with `until`, until everything is done.

    It goes on with each platform key that follows.

    Raises:
        TransportError: too few trustees have answered, and there was no progress for `wait_s`.
    """
    load_config(directory)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    is_over = False
    while not is_over:
        key = load_platform_key(directory)
        async with until_key_changes(directory, key, stop) as ending:
            await _serve_under(key, ending, directory, name, until, wait_s)
            is_over = stop.is_set() or not ending.is_set()


async def _serve_under(
    platform_key: Ed25519PrivateKey,
    stop: asyncio.Event,
    directory: Path,
    name: str,
    until: int | None,
    wait_s: float | None,
) -> None:
    config = load_config(directory)
    tls = TlsFiles(
        *(pki_path(directory, file) for file in ("ca.pem", f"{name}.pem", f"{name}.key"))
    )
    check_identity(
        tls,
        name,
        Role.WORKER,
        f"make it with `volet cloud issue {name} --dir {quoted(directory)}`.",
    )
    settings = LinkSettings(
        host=config.broker_host,
        port=config.broker_port,
        client_id=name,
        tls=tls,
        key_list=lambda: load_key_list(directory),
        if_double="a collectivity needs one release worker; end one of them.",
    )
    link = Link(settings, [response_filter(config.collectivity)])
    thread = StoreThread()
    try:
        store = await thread.run(SqliteStore.open_existing, directory)
        engine = ReleaseEngine(store.area, config.collectivity, platform_key, note, store.versions)
        service = ReleaseService(
            link,
            thread,
            engine,
            lambda: datetime.now(UTC),
            SetAside(directory / SET_ASIDE.format(program=name)),
        )
        files = {"authority": tls.ca, name: tls.certificate}
        watch = CertificateWatch(lambda: read_lifetimes(files), lambda: datetime.now(UTC))
        try:
            with link.alone(), _logged(config.collectivity):
                async with watch.beside():
                    running = service.run(stop, until, ends_when_idle=until is not None)
                    if wait_s is None:
                        await running
                    else:
                        await _while_it_moves(
                            running, lambda: thread.run(_progress, store, engine), Patience(wait_s)
                        )
        finally:
            await thread.run(store.close)
    finally:
        thread.close()


@contextmanager
def _logged(collectivity: str) -> Iterator[None]:
    """Log the program's start and stop."""
    log.info("release_started", collectivity=collectivity)
    try:
        yield
    finally:
        log.info("release_stopped")


def _progress(store: SqliteStore, engine: ReleaseEngine) -> object:
    """Return a value that changes when a trustee answers or a figure reaches a new stage."""
    asking = engine.asking
    return store.figures().area_figures, [asking.known(name) for name in asking.names()]


async def _while_it_moves(
    running: Coroutine[None, None, None],
    progress: Callable[[], Awaitable[object]],
    patience: Patience,
) -> None:
    """Run to the end while the value of `progress` keeps changing.

    Raises:
        TransportError: the value has not changed for too long.
    """
    task = asyncio.ensure_future(running)
    while not (await asyncio.wait({task}, timeout=LOOK_EVERY_S))[0]:
        if not patience.lasts(await progress()):
            task.cancel()
            await asyncio.wait({task})
            raise TransportError(
                "Not enough trustees have answered; `volet cloud release list` shows what waits. "
                "Asking again is safe."
            )
    await task


def _store(directory: Path) -> AreaStore:
    return SqliteStore.open_existing(directory).area
