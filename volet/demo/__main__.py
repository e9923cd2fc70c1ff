"""`./run demo`: create a town, play a month, bill it, and show what each party saw."""

import shutil
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from types import FrameType

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cloud.api.local_backend import LocalBackend
from cloud.config import load_config
from cloud.store.sqlite.store import SqliteStore
from edge.bills.judgement import Judgement
from edge.bills.verifier import read_judgement
from edge.identity.enrolment import load_identity
from edge.vault.reader import read_vault
from protocol.bill import Bill
from protocol.calendar import days_between, legal_day
from protocol.errors import VoletError
from protocol.ids import HouseholdKeyId
from protocol.provider_api import ContractFilter, Drafting, RequestState
from protocol.topics import Kind, device_topic
from provider import service as provider
from system.console import plain_console
from volet.demo.findings import departed, indices, plain_bill
from volet.demo.neighbourhoods import show_neighbourhoods
from volet.demo.papers import show_papers
from volet.demo.processes import Programs
from volet.demo.report import DemoReport
from volet.demo.town import DemoTown, Household, create_town, demo_tariff

MONTH = 3  # with a change of time: one day has 92 quarter-hours
HOMES = 21
NEIGHBOURS = 220
POLL_S = 0.2
SAMPLE_BYTES = 32


@click.command()
@click.option("--keep", is_flag=True, help="Leave everything running until Ctrl-C.")
@click.option("--homes", type=click.IntRange(1), default=HOMES, show_default=True)
@click.option(
    "--month",
    type=click.DateTime(["%Y-%m"]),
    help="The month to bill. Default: the last complete March.",
)
@click.option("--seconds", type=click.FloatRange(10), default=60.0, show_default=True)
@click.option("--curve", type=click.Path(path_type=Path), help="The first home's load curve (CSV).")
@click.option(
    "--neighbours",
    type=click.IntRange(0),
    default=NEIGHBOURS,
    show_default=True,
    help="Homes in each of two IRIS whose figures are released; 0 for bills only.",
)
@click.option(
    "--picture",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("demo-data/neighbourhood.svg"),
    show_default=True,
    help="Where to draw the released curves, SVG or PNG.",
)
def demo(
    *,
    homes: int,
    month: datetime | None,
    seconds: float,
    curve: Path | None,
    neighbours: int,
    picture: Path,
    keep: bool,
) -> None:
    """Play and bill a month of a town with emulated meters, then two weeks of its neighbourhoods."""
    signal.signal(signal.SIGTERM, _interrupt)
    directory = Path(tempfile.mkdtemp(prefix="volet-demo-"))
    try:
        billed_month = month.date() if month else last_march(legal_day(datetime.now(UTC)))
        plan = DemoPlan(billed_month, homes, seconds, curve, neighbours, picture)
        is_right = run(directory, plan, is_kept=keep)
    except VoletError as exc:
        click.echo(f"volet: {exc}\nWhat the programs said is in {directory / 'logs'}.", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        is_right = True
    shutil.rmtree(directory)
    sys.exit(0 if is_right else 3)


@dataclass(frozen=True)
class DemoPlan:
    """The options of the demo; see the command's help."""

    month: date
    homes: int
    seconds: float
    curve: Path | None
    neighbours: int
    picture: Path


def last_march(today: date) -> date:
    """Return the first day of the last complete March, which is too recent for data to expire."""
    return date(today.year if today.month > MONTH else today.year - 1, MONTH, 1)


def run(directory: Path, plan: DemoPlan, *, is_kept: bool) -> bool:
    """Run the demo in `directory`; return whether every bill was right and no attack worked."""
    console = plain_console(width=None if sys.stdout.isatty() else 100)
    report = DemoReport(console)
    report.paragraph(f"Enrolling {plan.homes} homes with the authority of a town …")
    town = create_town(directory, plan.month, plan.homes, plan.curve)
    port = load_config(town.cloud).broker_port
    with Programs(town) as programs:
        programs.start_broker(port)
        programs.start_worker()
        store = SqliteStore.open(town.cloud, is_checked=False)
        try:
            play(town, programs, store, console, plan.seconds)
            is_right = bill_month(town, programs, store, report)
            is_right &= show_papers(town, programs, report, plan.picture.parent)
            if plan.neighbours:
                is_right &= show_neighbourhoods(
                    town, programs, store, console, plan.neighbours, plan.picture
                )
        finally:
            store.close()
        if is_kept:
            report.keeping(town, port)
            while True:
                programs.check()
                time.sleep(POLL_S)
    return is_right


def play(
    town: DemoTown, programs: Programs, store: SqliteStore, console: Console, seconds: float
) -> None:
    """Play the month until everything is stored."""
    first = town.households[0]
    speed = (town.end - town.begin).total_seconds() / seconds
    link = town.directory / "ttyTIC"
    programs.start_meter(first, link, speed)
    programs.start_chip(first, link)
    programs.start_fleets(speed)
    days = len(days_between(town.month, town.month_end))
    keys = [load_identity(household.directory).household_key for household in town.households]
    columns = (
        TextColumn("{task.description:<34}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        read = progress.add_task("days the first chip has closed", total=days)
        stored = progress.add_task(
            "days of all homes stored in cloud", total=days * len(town.households)
        )

        def counts() -> tuple[int, int]:
            closed = closed_days(first, town)
            complete = sum(stored_days(store, key, town) for key in keys)
            progress.update(read, completed=closed)
            progress.update(stored, completed=complete)
            return closed, complete

        programs.wait(
            lambda: counts()[1] == days * len(town.households), "the month to be stored", counts
        )


def closed_days(household: Household, town: DemoTown) -> int:
    """Return how many days of the month a chip has closed."""
    with read_vault(household.directory) as vault:
        return len(vault.day_rows(town.month, town.month_end))


def stored_days(store: SqliteStore, key: HouseholdKeyId, town: DemoTown) -> int:
    """Return how many days of the month the cloud has of a household."""
    blocks = store.blocks_of_days(key, town.month, town.month_end)
    return len({block.day for block in blocks})


def bill_month(town: DemoTown, programs: Programs, store: SqliteStore, report: DemoReport) -> bool:
    """Request every home's bill, and show what each party saw."""
    first = town.households[0]
    counted = indices(first.home, town.month, town.month_end)
    report.meter(counted)
    identity = load_identity(first.directory)
    topic = device_topic(identity.collectivity, identity.device, Kind.BLOCK)
    period = (town.month, town.month_end)
    outgoing = departed(store, identity.household_key, first.home, period, len(topic))
    block = store.blocks_of_days(identity.household_key, *period)[0]
    report.departed(outgoing, block.coefficients[:SAMPLE_BYTES])

    key = provider.load_key(town.provider)
    requested_s = time.monotonic()
    backend = LocalBackend(store, key.public_key().public_bytes_raw())
    requests = {}
    for contract in backend.contracts(ContractFilter()):
        provider.accept(backend, key, bytes.fromhex(contract.contract))
        request = provider.request_statement(backend, key, contract, Drafting(*period))
        requests[contract.household_key] = request.hex()

    def seen() -> int:
        states = [backend.statement(request).state for request in requests.values()]
        return states.count(RequestState.SEEN)

    programs.wait(lambda: seen() == len(requests), "the chips to see their statements", seen)
    elapsed_s = time.monotonic() - requested_s
    report.computed(backend.statement(requests[identity.household_key.hex()]), elapsed_s)
    results = [(home.directory.name, *bills(town, home)) for home in town.households]
    judgement = results[0][2]
    if judgement is not None:
        report.opened(judgement)
    return report.checks(results)


def bills(town: DemoTown, household: Household) -> tuple[Bill, Judgement | None]:
    """Return a home's plain-text bill from the meter itself, and the judgement of its chip."""
    counted = indices(household.home, town.month, town.month_end)
    plain = plain_bill(demo_tariff(town.month), counted, town.month, town.month_end)
    with read_vault(household.directory) as vault:
        rows = vault.statements()
    return plain, read_judgement(rows[-1]) if rows else None


def _interrupt(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise KeyboardInterrupt


if __name__ == "__main__":
    demo()
