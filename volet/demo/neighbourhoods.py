"""The demo's second part: two weeks of two neighbourhoods, whose sums alone are released."""

from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cloud.config import load_config
from cloud.store.sqlite.store import SqliteStore
from protocol.calendar import legal_day
from volet.demo.area_findings import measure_all, quiet_days
from volet.demo.area_play import AreaPlay
from volet.demo.area_report import TownReport
from volet.demo.commune import CELLS, TRUSTEES, DemoCommune, create_commune
from volet.demo.processes import Programs
from volet.demo.town import DemoTown

DAYS = 14  # the minimum for fitting attackers
_COLUMNS = (
    TextColumn("{task.description:<34}"),
    BarColumn(),
    MofNCompleteColumn(),
    TimeElapsedColumn(),
)


def show_neighbourhoods(
    town: DemoTown,
    programs: Programs,
    store: SqliteStore,
    console: Console,
    homes: int,
    picture: Path,
) -> bool:
    """Play `homes` homes in each IRIS; return whether no attack worked and releases are repeatable.

    Broker and worker must be running. The picture is written to `picture`.
    """
    report = TownReport(console)
    first, end = quiet_days(legal_day(datetime.now(UTC)), DAYS)
    report.paragraph(
        f"\nEnrolling {len(CELLS) * homes} more homes in two IRIS, and {len(TRUSTEES)} trustees …"
    )
    planned = DemoCommune(town.area, town.cloud, first, end)
    commune = create_commune(planned, [(cell, homes) for cell in CELLS], broker=town.broker)
    programs.restart_broker(load_config(town.cloud).broker_port)
    play = AreaPlay(commune, programs, store)
    play.teach()
    play.capture()
    with Progress(*_COLUMNS, console=console) as progress:
        stored = progress.add_task(
            "household-days stored in cloud", total=DAYS * len(commune.places)
        )

        def show_stored(count: int) -> None:
            progress.update(stored, completed=count)

        play.contribute(first, play.middle, show_stored)
        play.release_until(play.middle)
        lost = play.lose_trustee(-1)
        play.contribute(play.middle, end, show_stored)
        waiting = play.wait_for_witness(end)
        play.start_trustee(-1)
        play.release_until(end)
    releases = {group.code: play.releases(group.code) for group in commune.groups}
    measured = measure_all(store.area, commune, releases)
    report.figures(measured)
    picture.parent.mkdir(parents=True, exist_ok=True)
    report.picture(measured, picture)
    report.trustees(lost, waiting, measured, play.statuses())
    is_safe = report.audit(play.audit(), play.captured)
    is_same = report.verified(play.verify())
    is_whole = len(measured) == DAYS * len(commune.groups)
    return is_safe and is_same and is_whole
