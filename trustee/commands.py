"""`volet trustee …`: whoever keeps a share of what opens an area's figures."""

import asyncio
import signal
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec
import structlog
from rich.table import Table

from protocol.errors import DocumentRefused
from protocol.governance import Charter
from protocol.json_text import read_json
from system.certificates import CertificateWatch, Lifetime
from system.commands import directory_option
from system.console import plain_console
from system.files import read_document, write_public
from system.logs import configure_logs
from system.program import run_program
from system.shell import quoted
from trustee import directory as places
from trustee import files
from trustee.core import TrusteeCore, confirm_first_set
from trustee.documents import CONFIRMED, WAITING, TrustedDocuments
from trustee.log import Alarm, TrusteeLog
from trustee.service import TrusteeProgram
from trustee.words import check_chain, describe

_FILE = click.Path(path_type=Path, dir_okay=False)
_dir = directory_option(places.DEFAULT_DIRECTORY, "The trustee's")

log = structlog.get_logger()


class TrusteeStatus(msgspec.Struct, frozen=True):
    """What `volet trustee status` shows: counts, never a household."""

    name: str
    collectivity: str
    confirmed: str
    waiting: str
    documents: int
    roster: int
    households: int
    answered: int
    others: dict[str, int]
    refused: dict[str, int]
    alarms: tuple[Alarm, ...]
    certificates: tuple[Lifetime, ...]


@click.group()
def trustee() -> None:
    """A trustee: opens sums of an area together with others, and nothing smaller."""


for _command in (files.backup, files.restore, files.backup_key):
    trustee.add_command(_command)


@trustee.command()
@_dir
@click.option("--collectivity", required=True, help="Its name in topics.")
@click.option("--name", required=True, help="trustee-…, the name in the certificate.")
@click.option("--title", required=True, help="What people call this trustee.")
@click.option("--broker-host", required=True)
@click.option("--broker-port", type=click.IntRange(1, 65535), default=8883, show_default=True)
@click.option("--ca", type=_FILE, help="The collectivity's ca.pem.")
def init(  # one option each
    directory: Path,
    collectivity: str,
    name: str,
    title: str,
    broker_host: str,
    broker_port: int,
    ca: Path | None,
) -> None:
    """Draw a trustee's keys, and write trustee.json, which the collectivity needs."""
    config = places.new_config(collectivity, name, title, broker_host, broker_port)
    is_new = places.initialise(directory, config, ca)
    click.echo(
        f"{'Drew keys' if is_new else 'The keys are there'} in {directory}. Next: give "
        f"{directory / places.PUBLIC_NAME} to the collectivity; it issues a certificate "
        f"(`volet cloud issue {name}`) for `volet trustee install --dir {quoted(directory)}`."
    )


@trustee.command()
@_dir
@click.argument("certificate", type=_FILE)
@click.argument("key", type=_FILE)
@click.option("--ca", type=_FILE, help="The collectivity's ca.pem.")
def install(directory: Path, certificate: Path, key: Path, ca: Path | None) -> None:
    """Put the certificate and key in place that the collectivity issued."""
    places.install(directory, certificate, key, ca)
    places.link_settings(directory)
    click.echo(f"Installed. Next: `volet trustee run --dir {quoted(directory)}`.")


@trustee.command()
@_dir
@click.argument("file", type=_FILE)
@click.option("--out", type=_FILE, help="Where to write it; the file itself.")
@click.option("--yes", "is_agreed", is_flag=True, help="Sign without asking.")
def sign(directory: Path, file: Path, out: Path | None, *, is_agreed: bool) -> None:
    """Show in words what a document says, and sign it."""
    identity = places.load_identity(directory)
    try:
        data = read_document(file, "ask who drew it up.")
        charter = read_json(data, Charter)
    except msgspec.MsgspecError as exc:
        raise DocumentRefused(f"{file} is no document: {exc}.") from exc
    click.echo(describe(charter, identity))
    if not is_agreed:
        click.confirm("Sign it?", abort=True)
    signed = charter.signed(identity.name, identity.signing_key)
    write_public(out or file, msgspec.json.encode(signed))
    click.echo(f"Signed {out or file}.")


@trustee.command()
@_dir
@click.argument("fingerprint")
def confirm(directory: Path, fingerprint: str) -> None:
    """Trust the first set of trustees that has this fingerprint."""
    places.load_config(directory)
    kept = TrusteeLog.open(directory)
    try:
        waiting = (kept.fact(WAITING) or b"").decode()
        if waiting and waiting != " ".join(fingerprint.upper().split()):
            raise DocumentRefused(
                f"The set that waits has another fingerprint, {waiting}: compare it again, sign by "
                "sign, and ask the collectivity if they differ."
            )
        confirm_first_set(kept, fingerprint)
    finally:
        kept.close()
    click.echo(
        "Confirmed; a running trustee takes the set within a minute."
        if waiting
        else "Confirmed; the set is taken when the collectivity sends it."
    )


@trustee.command()
@_dir
def run(directory: Path) -> None:
    """Answer the release worker until stopped.

    SIGTERM or Ctrl-C ends it; a kill loses nothing either. Exit codes: 0 stopped, 2 wrong usage,
    5 configuration, 6 the database is damaged or of another version.
    """
    configure_logs()
    run_program(_serve(directory))


@trustee.command()
@_dir
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object.")
def status(directory: Path, *, is_json: bool) -> None:
    """Show documents, seeds, answers, refusals and alarms, in counts."""
    found = read_status(directory)
    if is_json:
        click.echo(msgspec.json.encode(found))
        return
    table = Table(title=f"{found.name} of {found.collectivity}", show_header=False)
    for name, value in msgspec.structs.asdict(found).items():
        if isinstance(value, dict):
            for what, count in value.items():
                table.add_row(f"{name} {what}", str(count))
        elif not isinstance(value, tuple):
            table.add_row(name, str(value))
    for each in found.certificates:
        table.add_row(f"certificate {each.name} ends", f"{each.not_after:%Y-%m-%d}")
    for alarm in found.alarms:
        table.add_row(
            "ALARM", f"{alarm.kind} {alarm.measure} {alarm.group} {alarm.day}: {alarm.trustees}"
        )
    plain_console().print(table)


@trustee.command("log")
@_dir
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object a line.")
def show_log(directory: Path, *, is_json: bool) -> None:
    """Verify the log's chain and signatures, and show what was answered."""
    identity = places.load_identity(directory)
    kept = places.open_existing_log(directory)
    try:
        entries = check_chain(kept.entries(identity.name), identity)
    finally:
        kept.close()
    for entry in entries:
        if is_json:
            click.echo(msgspec.json.encode(entry))
        else:
            click.echo(
                f"{entry.number} {entry.ask} {entry.measure} {entry.group} day {entry.day}: "
                f"{entry.households} households, request {entry.request.hex()[:16]}"
            )
    if not is_json:
        click.echo(f"The chain of {len(entries)} entries is whole.")


async def _serve(directory: Path) -> None:
    identity = places.load_identity(directory)
    settings = places.link_settings(directory)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    kept = TrusteeLog.open(directory)
    try:
        watch = CertificateWatch(lambda: places.lifetimes(directory), lambda: datetime.now(UTC))
        async with watch.beside():
            await TrusteeProgram(TrusteeCore(identity, kept), settings).run(stop)
    finally:
        kept.close()


def read_status(directory: Path) -> TrusteeStatus:
    """Read what a trustee's database holds, in counts.

    Raises:
        ConfigError, StoreError: the directory lacks something, or the database is damaged.
    """
    config = places.load_config(directory)
    kept = places.open_existing_log(directory)
    try:
        counters = kept.counters()
        documents = TrustedDocuments(kept, config.collectivity)
        return TrusteeStatus(
            name=config.name,
            collectivity=config.collectivity,
            confirmed=(kept.fact(CONFIRMED) or b"").decode(),
            waiting="" if documents.trustees else (kept.fact(WAITING) or b"").decode(),
            documents=len(documents.hashes),
            roster=len(documents.roster),
            households=len({each.household_key for each in kept.seeds()}),
            answered=kept.holding(config.name).length,
            others={
                each.trustee: each.length for each in kept.holdings() if each.trustee != config.name
            },
            refused={
                name.removeprefix("refused_"): count
                for name, count in counters.items()
                if name.startswith("refused_")
            },
            alarms=tuple(kept.alarms()),
            certificates=places.lifetimes(directory),
        )
    finally:
        kept.close()
