"""`volet cloud audit`: measure what an attacker gets; `… capture` records what they would see."""

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
@click.option("--truth", type=_FILE, help="Plain curves, Parquet: household, day, h00 to h95.")
@click.option("--capture", "traffic", type=_FILE, help="Recorded traffic, JSON lines.")
@click.option(
    "--store",
    "directory",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="The cloud's directory, to attack its store and releases.",
)
@click.option("--json", "is_json", is_flag=True, help="Print JSON, one finding per line.")
@click.pass_context
def audit(
    context: click.Context,
    truth: Path | None,
    traffic: Path | None,
    directory: Path | None,
    *,
    is_json: bool,
) -> None:
    """Try attacks that succeed on plain load curves against what leaves the chips.

    Needs the true curves, from a demo or from volunteers: household is the device id, day the
    number of days since 1970, h00 to h95 are in Wh. The attacks link anonymous weeks to named ones,
    detect days of low use, detect quarter-hours in which 1 kW was switched on or off, and test
    whether all words that the chips sent look uniform.
    Exit codes: 0 every bound holds; 1 a bound is broken, or there was too little data to decide; 2
    wrong usage, 5 configuration, 6 the store is damaged or of another version.
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
    bad = [finding for finding in findings if finding.verdict not in ("reference", "kept")]
    if bad:
        listed = "; ".join(
            f"{finding.attack} on {finding.on}: {finding.verdict}" for finding in bad
        )
        raise click.ClickException(f"Not shown to be safe: {listed}.")


@audit.command()
@directory_option(DEFAULT_DIRECTORY, "The cloud's")
@click.option("--name", default=DEFAULT_NAME, show_default=True, help="Whose certificate to show.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="New file to write, with mode 0600.",
)
@click.option("--for", "for_s", type=click.FloatRange(0, min_open=True), help="Seconds to record.")
def capture(directory: Path, name: str, out: Path, for_s: float | None) -> None:
    """Record everything that a worker's certificate may read, until stopped.

    Issue the certificate first: `volet cloud issue worker-audit`, then `volet cloud broker-config`.
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
    for finding in findings:
        table.add_row(
            finding.attack,
            finding.on,
            f"{finding.score:.3f}",
            "" if finding.low == finding.high else f"{finding.low:.3f} - {finding.high:.3f}",
            f"{finding.chance:.3f}",
            "" if finding.limit is None else f"{finding.limit:.3f}",
            f"{finding.n:,}",
            finding.verdict,
            style="bold red" if finding.verdict == "broken" else None,
        )
    # In a pipe the width is unknown, and the table must not be folded.
    plain_console(width=None if sys.stdout.isatty() else _WIDTH).print(table)
