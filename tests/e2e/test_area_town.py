"""A commune through real processes: chips, broker, worker, four trustees, release; and what breaks.

The demo's own orchestration, on a smaller commune.
"""

import hashlib
import signal
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest

from cloud.commands.measures import shipped_transforms
from cloud.config import load_config
from cloud.governance.documents import cosigned_file, read_cosigned_file
from cloud.store.area import FigureKey, FigureStage
from cloud.store.sqlite.store import FILE_NAME, SqliteStore
from edge.area.figure import FILE_NAME as FIGURES
from edge.area.figure import load_kept
from edge.vault.area import AreaState
from edge.vault.reader import read_vault
from protocol.calendar import day_number, day_of_number, days_between, legal_day
from protocol.errors import Reason, VoletError
from protocol.governance import draw_up, read_cosigned
from protocol.measures import Group, Measure, MeasureKind, Measures, Shares
from protocol.release import decode
from protocol.transform import read_transform
from tests.support.broker import wait_until
from tests.support.chip_process import ChipProcess
from tests.support.page_process import PageProcess
from volet.demo.area_findings import measure_all, quiet_days
from volet.demo.area_play import AreaPlay, Verified
from volet.demo.commune import CELLS, DemoCommune, create_commune
from volet.demo.picture import relative_error
from volet.demo.processes import Programs
from volet.demo.town import create_town

CELL = CELLS[0]
FEW, MANY = 6, 202  # noise for a crowd is cut from 200 homes on
ONE_DAY = timedelta(days=1)
WITHIN_S = 60.0


class AreaTown:
    """A commune that runs, and looks into its store."""

    def __init__(self, commune, programs):
        self.commune = commune
        self.programs = programs
        self.open()

    def open(self):
        self.store = SqliteStore.open(self.commune.cloud, is_checked=False)
        self.play = AreaPlay(self.commune, self.programs, self.store)

    def figure(self, day):
        """The figure of the one group on a day."""
        cosigned = self.store.area.cosigned_documents(Measures.__name__)[-1]
        (measure,) = read_cosigned(cosigned, Measures).measures
        key = FigureKey(cosigned.hash, measure.name, measure.groups[0].code, day_number(day))
        return self.store.area.figure(key)

    def refused(self):
        return {each.label: each.count for each in self.store.figures().dead_letters}

    def restart_broker(self):
        self.programs.restart_broker(load_config(self.commune.cloud).broker_port)

    def release_twice(self, end):
        """Release, put the store back to what it was before, release again; gives both bytes."""
        files = [self.commune.cloud / f"{FILE_NAME}{suffix}" for suffix in ("", "-wal", "-shm")]
        self.programs.stop("worker")
        self.store.close()
        before = [path.read_bytes() if path.exists() else None for path in files]
        found = []
        for _ in range(2):
            for path, data in zip(files, before, strict=True):
                path.unlink(missing_ok=True)
                if data is not None:
                    path.write_bytes(data)
            self.play.release_until(end)
            self.open()
            found.append(self.figure(end - ONE_DAY).release)
            self.store.close()
        self.open()
        self.programs.start_worker()
        return found


@contextmanager
def area_town(folder, homes, days, draw=None):
    """Settle a commune of `homes` homes, and start everything but the homes."""
    first, end = quiet_days(legal_day(datetime.now(UTC)), days)
    town = create_town(folder, date(first.year, first.month, 1), 0, None)
    with Programs(town) as programs:
        programs.start_broker(load_config(town.cloud).broker_port)
        place = DemoCommune(folder / "area", town.cloud, first, end)
        commune = create_commune(place, [(CELL, homes)], broker=town.broker, draw_up=draw)
        programs.restart_broker(load_config(town.cloud).broker_port)
        programs.start_worker()
        area_town = AreaTown(commune, programs)
        try:
            area_town.play.teach()
            yield area_town
        finally:
            area_town.store.close()


def draw_up_alone(commune, out):
    """Measures in which each home adds all the noise, so that six homes make a group."""
    (transform,) = shipped_transforms()
    slots = read_transform(transform).rows
    digest = hashlib.sha256(transform).digest()
    group = Group(CELL, (CELL,), FEW, 1, FEW - 1, slots, digest)
    measures = Measures(
        collectivity=load_config(commune.cloud).collectivity,
        version=1,
        trustees=read_cosigned_file(commune.papers / "trustees.json").hash,
        previous=None,
        effective=day_number(commune.first),
        end=day_number(commune.first) + 365,
        epsilon=2.0,
        delta=1e-6,
        gamma=0.1,
        grid_bits=20,
        days_a_week=7,
        profile_days_a_year=0,
        deadline_h=48,
        measures=(Measure("curve", MeasureKind.CURVE, Shares(1.0, 1.0), (group,)),),
    )
    out.write_bytes(cosigned_file(draw_up(measures)))


@pytest.mark.usefixtures("mosquitto_available")
def test_a_figure_goes_from_chips_to_a_release_with_a_trustee_killed(tmp_path):
    with area_town(tmp_path, FEW, 1, draw_up_alone) as town:
        commune, play = town.commune, town.play
        play.contribute(commune.first, commune.end)
        play.lose_trustee(1, signal.SIGKILL)
        assert play.wait_for_witness(commune.end) == 1
        play.start_trustee(1)
        first, second = town.release_twice(commune.end)
        assert first
        assert first == second
        release = decode(first)
        assert (release.terms.households, release.terms.roster) == (FEW, FEW)
        assert release.terms.is_witnessed
        assert town.play.verify() == Verified(1, ())
        # The check slots, and the sum; the trustee that was killed was asked for the sum alone.
        assert [each.answered for each in town.play.statuses()] == [2, 1, 2, 2]
        assert town.refused() == {}
        check_page(commune.places[0], release)


def check_page(home, release):
    """Check that a home's page shows what was released beside what its own meter said."""
    day = release.day
    with (
        ChipProcess(home.directory),
        PageProcess(home.directory) as page,
        page.visitor() as visitor,
    ):

        def known():
            return load_kept(home.directory / FIGURES).days

        wait_until(known, "the chip to have the figure")
        page.pair(visitor, "--viewer")
        model = visitor.get("/api/v1/shared", params={"day": day}).json()
        curve = model["beside"]["curve"]
        assert curve["households"] == FEW
        assert curve["mean_wh"] == [round(each / FEW, 1) for each in release.quarter_hours]
        assert curve["band_wh"] == [round(each / FEW, 1) for each in release.band_90]
        assert (model["beside"]["days"], model["beside"]["why_none"]) == ([day], "")
        shown = visitor.get("/partage", params={"jour": day}).text
        assert shown.count('class="mean"') == shown.count('class="band"') == 1
        assert f"{FEW} households of your neighbourhood" in shown
        assert "Your home" in shown
        assert f"/partage?jour={day}#quartier" in visitor.get("/").text


@pytest.mark.long
@pytest.mark.usefixtures("mosquitto_available")
def test_a_neighbourhood_goes_on_with_trustees_away_and_a_home_late(tmp_path):
    with area_town(tmp_path, MANY, 3) as town:
        _story(town)


def _story(town):
    commune, play = town.commune, town.play
    one, two, three = days_between(commune.first, commune.end)
    *punctual, late = commune.places
    play.contribute(one, two, places=punctual)
    play.release_until(two)
    released = town.figure(one)
    assert released.stage is FigureStage.RELEASED
    terms = decode(released.release).terms
    assert (terms.households, terms.roster) == (MANY - 1, MANY)

    # One home is late, one trustee dies.
    lost = play.lose_trustee(1, signal.SIGKILL)
    play.contribute(one, three, places=[late])
    assert area_days(late) == [
        (one, AreaState.REFUSED, Reason.LATE),
        (two, AreaState.STORED, ""),
    ]
    assert town.refused() == {Reason.LATE: 1}
    play.contribute(two, three, places=punctual)
    assert play.wait_for_witness(three) == 1

    # It comes back, learns what the others have answered, and is the witness.
    play.start_trustee(1)
    first, second = town.release_twice(three)
    play = town.play
    assert first == second
    assert decode(first).terms.households == MANY
    # Counted, and left out: nothing else of the figure is another.
    assert town.figure(one) == msgspec.structs.replace(released, late=1)

    # Then another one goes.
    wait_until(lambda: has_caught_up(play, lost), f"{lost} to catch up", play.statuses)
    town.restart_broker()
    gone = play.lose_trustee(2)
    play.contribute(three, commune.end)

    # Two of four open nothing, a third one opens, and the fourth one is the witness.
    other = play.lose_trustee(3)
    with pytest.raises(VoletError, match="exit code 4"):
        play.release_until(commune.end, wait_s=5)
    assert town.figure(three).stage is FigureStage.FIXED
    town.programs.start_trustee(commune.directory / other)
    assert play.wait_for_witness(commune.end) == 1
    town.programs.start_trustee(commune.directory / gone)
    play.release_until(commune.end)
    statuses = {each.name: each for each in play.statuses()}
    assert statuses[lost].answered == 5  # all but the check of day two
    assert statuses[gone].answered == 5  # all but the check of day three
    assert not any(each.alarms for each in statuses.values())
    assert play.verify() == Verified(3, ())

    code = commune.groups[0].code
    (*_, last) = measure_all(town.store.area, commune, {code: play.releases(code)})
    assert last.release.terms.coverage == 1
    assert relative_error(last.picture.released_wh, last.picture.plain_wh) < 0.2


def area_days(place):
    """What became of each day that a chip contributed."""
    with read_vault(place.directory) as vault:
        return [(day_of_number(day), *rest) for day, *rest in vault.area.states(0)]


def has_caught_up(play, name):
    """Whether a trustee knows as many of the others' entries as they have."""
    statuses = {each.name: each for each in play.statuses()}
    own = statuses.pop(name)
    return all(own.others.get(other) == each.answered for other, each in statuses.items())
