"""A month is closed: nobody opens its contributions, not even with all files and a recording.

Broker, worker, release worker, trustees and chips are processes until the figure is released. Then
the same programs go on in this process on the same directories and broker, under a later date.
"""

import asyncio
import shutil
import threading
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import pytest

from cloud.config import load_config
from cloud.governance.documents import read_cosigned_file
from cloud.registry.broker_session import _operator_context
from cloud.registry.key_files import OPERATOR_CERTIFICATE
from cloud.store.area import FigureStage
from edge.simulate.host import host_time_at
from edge.vault.area import AreaTables
from protocol.area_cipher import month_number
from protocol.calendar import day_number, day_of_number, day_start
from protocol.governance import TrusteeSet, read_cosigned
from protocol.sealing import month_topic
from protocol.seeds import first_open_month
from protocol.topics import Kind, all_of_name, device_topic
from tests.e2e.test_area_town import FEW, area_town, draw_up_alone
from tests.support.broker import wait_until
from tests.support.mqtt import Peer
from tests.support.old_seeds import AttackerWithRecording, bytes_in
from trustee.core import TrusteeCore
from trustee.directory import link_settings, load_identity
from trustee.log import TrusteeLog
from trustee.service import TrusteeProgram
from volet.demo.commune import TRUSTEES
from volet.demo.neighbours import frame_at, make_neighbour

DEADLINE_H = 48


class Recorder:
    """Hears everything on the operator's listener of the broker."""

    def __init__(self, cloud):
        self._config = load_config(cloud)
        self._context = _operator_context(cloud, OPERATOR_CERTIFICATE)
        self.peer = self._listen()

    def _listen(self):
        peer = Peer(self._config.operator_port, self._context)
        peer.subscribe(*all_of_name(self._config.collectivity, "+"))
        return peer

    @property
    def recording(self):
        """All (topic, payload) so far."""
        return self.peer.fence()

    def retained(self):
        """What the broker retains now, by topic."""
        peer = self._listen()
        found = dict(peer.fence())
        peer.close()
        return {topic: payload for topic, payload in found.items() if payload}


class ClosedMonth:
    """A town of which a month is about to close; `image` has copies of all directories."""

    def __init__(self, town, recorder, folder):
        self.town, self.recorder, self.commune = town, recorder, town.commune
        self.day = day_number(self.commune.first)
        self.month = month_number(self.day)
        self.closed = self._closed()
        cosigned = read_cosigned_file(self.commune.papers / "trustees.json")
        self.attacker = AttackerWithRecording(
            read_cosigned(cosigned, TrusteeSet), cosigned.hash, recorder.recording
        )
        self.trustees = list(self.commune.trustees)
        self.chips = [place.directory for place in self.commune.places]
        self._image = folder / "image"
        self._image.mkdir()
        self._copies = 0
        for directory in (*self.trustees, *self.chips):
            shutil.copytree(directory, self._image / directory.name)

    def _closed(self):
        return next(
            day
            for day in range(self.month, self.month + 62)
            if first_open_month(day, DEADLINE_H) > self.month
        )

    def opened(self, trustees=None, chips=None):
        """Count the contributions of the month that open with these directories."""
        found = self.attacker.opened(self.month, trustees or self.trustees, chips or self.chips)
        return len(found)

    def secrets(self):
        """Return what must be gone from every file: seeds, sealing keys and letters of the month."""
        found = []
        for directory in self.trustees:
            kept = TrusteeLog.open(directory)
            found += [key for month, key in kept.sealing_keys().items() if month == self.month]
            found += [
                each.seeds[place : place + 32]
                for each in kept.seeds()
                for place in range(0, len(each.seeds), 32)
            ]
            kept.close()
        assert len(found) == 4 + 4 * 3 * FEW
        letters = [letter for each in self.attacker.letters for letter in each.letters]
        # A file may cut a letter in two.
        pieces = [letter[n : n + 32] for letter in letters for n in range(0, len(letter), 32)]
        assert len(letters) == 4 * FEW
        return found, pieces

    def copies(self, folder):
        """Return (trustees, chips): fresh copies of all directories as they were before."""
        self._copies += 1
        to = Path(shutil.copytree(self._image, folder / f"copies-{self._copies}"))
        return [to / path.name for path in self.trustees], [to / path.name for path in self.chips]

    def close_here(self, trustees, chips):
        """Let trustees and chips see the day on which the month is closed, without a broker."""
        for directory in trustees:
            kept = TrusteeLog.open(directory)
            TrusteeCore(load_identity(directory), kept, lambda: self.closed).expire()
            kept.close()
        for directory in chips:
            with patch("volet.demo.neighbours.ChipLink.start"):
                home = self.home(directory)
            self.meter(home)
            home.chip.area.outgoing(1e12)
            home.vault.close()

    def home(self, directory):
        later = day_of_number(self.closed)
        home = make_neighbour(directory, self.commune.begin, [later])
        home.days.clear()
        return home

    def meter(self, home):
        """Let a home's meter send its first frames of the day on which the month is closed."""
        at = day_start(day_of_number(self.closed))
        frames = [at + timedelta(seconds=second) for second in range(8)]
        home.chip.observe_all((frame_at(home.home, each), host_time_at(each)) for each in frames)


@contextmanager
def running(programs):
    """Run trustees' programs in a thread."""
    stop, loop = asyncio.Event(), asyncio.new_event_loop()

    async def run_all():
        await asyncio.gather(*(program.run(stop) for program in programs))

    thread = threading.Thread(target=loop.run_until_complete, args=(run_all(),))
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


@pytest.mark.long
@pytest.mark.usefixtures("mosquitto_available")
def test_what_was_contributed_in_a_closed_month_never_opens_again(tmp_path, monkeypatch):
    with area_town(tmp_path, FEW, 1, draw_up_alone) as town:
        recorder = Recorder(town.commune.cloud)
        town.play.contribute(town.commune.first, town.commune.end)
        town.play.release_until(town.commune.end)
        assert town.figure(town.commune.first).stage is FigureStage.RELEASED
        for name in TRUSTEES:
            town.programs.stop(name)
        closed = ClosedMonth(town, recorder, tmp_path)
        assert len(closed.attacker.contributions) == FEW
        assert closed.opened() == FEW, "before it closes, whoever has everything opens everything"
        _each_rule_is_needed(closed, tmp_path, monkeypatch)
        _the_month_closes(closed)
        recorder.peer.close()


def _the_month_closes(closed):
    secrets, letters = closed.secrets()
    commune, recorder = closed.commune, closed.recorder
    collectivity = load_config(commune.cloud).collectivity
    kept = [TrusteeLog.open(directory) for directory in closed.trustees]
    programs = [
        TrusteeProgram(
            TrusteeCore(load_identity(directory), each, lambda: closed.closed),
            link_settings(directory),
        )
        for directory, each in zip(closed.trustees, kept, strict=True)
    ]
    sealing = {month_topic(collectivity, name, closed.month) for name in TRUSTEES}
    keys = {device_topic(collectivity, place.device, Kind.KEY) for place in commune.places}
    homes = [closed.home(directory) for directory in closed.chips]
    assert sealing | keys <= set(recorder.retained())
    with running(programs):
        for home in homes:
            closed.meter(home)

        def is_cleared():
            for home in homes:
                home.step()
            return not (sealing | keys) & set(recorder.retained())

        wait_until(is_cleared, "keys and letters to be cleared")
    for home in homes:
        home.link.stop(home.chip.goodbye())
        home.vault.close()
    for each in kept:
        each.close()
    assert closed.opened() == 0
    files = bytes_in([commune.directory, commune.cloud])
    assert not any(secret in files for secret in secrets)
    kept = bytes_in(closed.chips + closed.trustees)
    assert not any(letter in kept for letter in letters)
    # The recording goes on: what has come since does not help either.
    assert {topic for topic, _ in recorder.recording} >= sealing | keys


def _each_rule_is_needed(closed, folder, monkeypatch):
    copies = closed.copies(folder)
    closed.close_here(*copies)
    assert closed.opened(*copies) == 0
    secrets, letters = closed.secrets()
    files = bytes_in([*copies[0], *copies[1]])
    assert not any(each in files for each in (*secrets, *letters))
    for target, name, change in (
        (TrusteeLog, "close_months", _keys_stay),
        (TrusteeLog, "close_months", _trustees_seeds_stay),
        (AreaTables, "forget_seeds", _nothing_is_forgotten),
    ):
        copies = closed.copies(folder)
        with monkeypatch.context() as patched:
            patched.setattr(target, name, change(getattr(target, name)))
            closed.close_here(*copies)
        assert closed.opened(*copies) == FEW, change.__name__
    # What an empty write-ahead log is for, is shown by the unit tests of trustee and chip.
    copies = closed.copies(folder)
    with monkeypatch.context() as patched:
        patched.setattr(AreaTables, "forget_letters", _nothing_is_forgotten(None))
        closed.close_here(*copies)
    files = bytes_in(copies[1])
    assert any(letter in files for letter in letters)


def _keys_stay(close_months):
    def close(kept, month, later, superseded_on):
        keys = kept.sealing_keys()
        superseded = close_months(kept, month, later, superseded_on)
        for ended, key in keys.items():
            if ended < month:
                kept.put_sealing_key(ended, key)
        return superseded

    return close


def _trustees_seeds_stay(close_months):
    return lambda kept, month, _, superseded_on: close_months(kept, month, (), superseded_on)


def _nothing_is_forgotten(_):
    return lambda *_: False
