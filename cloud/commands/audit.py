"""`volet cloud audit`: what an attacker gets, measured; `… capture` records what they would have."""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
from rich.table import Table

from cloud.audit import attacks, uniform
from cloud.audit.attacks import AttackResult
from cloud.audit.capture import DEFAULT_NAME, link_settings, read_capture, record
from cloud.audit.observed import from_store, from_traffic
from cloud.audit.releases import of_releases, released_curves
from cloud.audit.truth import Truth, read_truth
from cloud.audit.views import View, of_curves, of_observed
from cloud.commands.opened import open_store
from cloud.config import DEFAULT_DIRECTORY, load_config
from protocol.errors import ConfigError
from system.commands import directory_option
from system.console import plain_console
from system.logs import configure_logs

_WIDTH = 120
_HOUSEHOLDS_MIN = 9
_DAYS_MIN = 14
_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)


@click.group(invoke_without_command=True)
@click.option("--truth", type=_FILE, help="The plain curves, Parquet: household, day, h00 to h95.")
@click.option("--capture", "traffic", type=_FILE, help="Recorded traffic, JSON lines.")
@click.option(
    "--store",
    "directory",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="The cloud's directory, for its store and releases.",
)
@click.option("--json", "is_json", is_flag=True, help="Print JSON, a finding a line.")
@click.pass_context
def audit(
    context: click.Context,
    truth: Path | None,
    traffic: Path | None,
    directory: Path | None,
    *,
    is_json: bool,
) -> None:
    """Run attacks that work on plain load curves on what leaves the chips.

    Needs curves that are known, as a demo or volunteers have them; household is the device id, day
    a number since 1970, h00 to h95 are Wh. Links anonymous weeks to named ones, tells days of low
    use, tells quarter-hours in which 1 kW went on or off, and looks at all words together.
    Exit codes: 0 all kept; 1 one is broken, or there was too little to tell; 2 wrong usage,
    5 configuration, 6 the store is damaged or of another version.
    """
    if context.invoked_subcommand is not None:
        return
    if truth is None:
        raise click.UsageError("--truth FILE says whose curves the attacks are held against.")
    if traffic is None and directory is None:
        raise click.UsageError("Name what to attack: --capture FILE, --store DIR, or both.")
    known = read_truth(truth)
    if len(known.households) < _HOUSEHOLDS_MIN or len(known.days) < _DAYS_MIN:
        raise ConfigError(
            f"{truth} has {len(known.households)} households and {len(known.days)} days; attackers "
            f"are fitted on {_HOUSEHOLDS_MIN} and {_DAYS_MIN} at least."
        )
    findings = []
    for finding in _findings(known, traffic, directory):
        findings.append(finding)
        if is_json:
            click.echo(msgspec.json.encode(finding))
    if not is_json:
        _print(findings)
    bad = [one for one in findings if one.verdict not in ("reference", "kept")]
    if bad:
        said = "; ".join(f"{one.attack} on {one.on}: {one.verdict}" for one in bad)
        raise click.ClickException(f"Not shown to be safe: {said}.")


@audit.command()
@directory_option(DEFAULT_DIRECTORY, "The cloud's")
@click.option("--name", default=DEFAULT_NAME, show_default=True, help="Whose certificate to show.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="Where to write, 0600; must not exist.",
)
@click.option("--for", "for_s", type=click.FloatRange(0, min_open=True), help="Seconds to record.")
def capture(directory: Path, name: str, out: Path, for_s: float | None) -> None:
    """Record all that a worker's certificate may read, until stopped.

    Make the certificate first: `volet cloud issue worker-audit`, then `volet cloud broker-config`.
    Exit codes: 0 stopped, 2 wrong usage, 5 configuration.
    """
    configure_logs()
    config = load_config(directory)
    settings = link_settings(directory, config, name)

    async def recording() -> int:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        if for_s is not None:
            loop.call_later(for_s, stop.set)
        with os.fdopen(_new_file(out), "wb") as file:
            return await record(settings, config.collectivity, file, stop)

    click.echo(f"{asyncio.run(recording()):,} messages in {out}.")


def _findings(truth: Truth, traffic: Path | None, directory: Path | None) -> Iterator[AttackResult]:
    yield from attacks.run(of_curves(truth), truth)
    if traffic is not None:
        view = of_observed("traffic", from_traffic(read_capture(traffic)), truth)
        yield from _all(view, truth, str(traffic))
    if directory is None:
        return
    with open_store(directory) as store:
        view = of_observed("store", from_store(store, truth.days), truth)
        yield from _all(view, truth, str(directory))
        released = of_releases(released_curves(store.area, truth.days), truth)
    if released is not None:
        view, tried = released
        yield attacks.absence(view, tried)
        yield attacks.appliances(view, tried)


def _all(view: View, truth: Truth, where: str) -> Iterator[AttackResult]:
    if not view.features:
        raise ConfigError(
            f"{where} holds nothing of the households and days in the truth; give curves of the "
            "same devices (their ids as `household`) and days."
        )
    yield from attacks.run(view, truth)
    yield from uniform.run(view)


def _new_file(path: Path) -> int:
    try:
        return os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except OSError as exc:
        raise ConfigError(f"{path} cannot be made: {exc.strerror}; name a new file.") from exc


def _print(findings: list[AttackResult]) -> None:
    table = Table(title="What an attacker gets")
    for name in ("attack", "on", "score", "95 % interval", "chance", "may reach", "n", "verdict"):
        table.add_column(name, justify="left" if name in ("attack", "on", "verdict") else "right")
    for one in findings:
        table.add_row(
            one.attack,
            one.on,
            f"{one.score:.3f}",
            "" if one.low == one.high else f"{one.low:.3f} - {one.high:.3f}",
            f"{one.chance:.3f}",
            "" if one.limit is None else f"{one.limit:.3f}",
            f"{one.n:,}",
            one.verdict,
            style="bold red" if one.verdict == "broken" else None,
        )
    # Where nobody tells how wide the screen is, the table must not be folded.
    plain_console(width=None if sys.stdout.isatty() else _WIDTH).print(table)
