"""A cloud restored from a backup releases a figure again, after the trustees have closed its month.

The engine, its store and the trustees with their databases are the product's; no broker is between.
"""

import shutil
from datetime import date, timedelta

import msgspec
import pytest

from cloud.release.asking import ASK_AGAIN
from cloud.release.engine import ReleaseEngine
from cloud.store.area import ContributionItem, FigureKey, FigureStage
from cloud.store.sqlite.store import SqliteStore
from protocol.area_cipher import to_bytes
from protocol.area_messages import Contribution, Part
from protocol.calendar import day_end, day_number, day_of_number
from protocol.envelope import Address, open_message, seal_message
from protocol.release import TableRelease, decode
from protocol.topics import TrusteeKind
from protocol.trustee_messages import ToTrustee
from tests.support.trustee_area import COLLECTIVITY, DAY, TrusteeArea
from trustee.log import TrusteeLog

# With a deadline of two days, the figures of March are opened or given up by the 12th of April.
CLOSED = day_number(date(2026, 4, 13))


class Town:
    """Trustees with databases in `folder`, and the cloud that asks them."""

    def __init__(self, folder):
        self.folder = folder
        self.area = TrusteeArea(far=0)
        self.trustees = {
            identity.name: self.area.stored(folder / identity.name, number)
            for number, identity in enumerate(self.area.identities)
        }
        (folder / "cloud").mkdir()
        self.store = SqliteStore.open(folder / "cloud", is_checked=False)
        for document in (self.area.signed_set, self.area.signed_measures):
            self.store.area.put_cosigned(document)
        self.store.area.append_roster(self.area.entries)
        self._now_s = 0.0
        self.start()

    def start(self):
        """Start the release worker, which knows what the store has."""
        self.engine = ReleaseEngine(self.store.area, COLLECTIVITY, self.area.platform_key)

    def contribute(self, day):
        document = self.area.signed_measures.hash
        for home in self.area.near:
            part = Part("classes", "75", to_bytes(home.masked(document, day)))
            made = Contribution(
                home.key, day, document, home.generation, home.entry, home.nonce, (part,)
            )
            item = ContributionItem(home.device, made, msgspec.msgpack.encode(made))
            self.store.area.put_contributions([item], day_end(day_of_number(day)))

    def figure(self, day):
        key = FigureKey(self.area.signed_measures.hash, "classes", "75", day)
        return self.store.area.figure(key)

    def step(self):
        """Advance the figures; return the messages that publish one."""
        now = day_end(day_of_number(self.area.today)) - timedelta(hours=1)
        return [message for message in self.engine.step(now) if "/area/" in message.topic]

    def run(self):
        """Carry messages between worker and trustees until no figure waits."""
        for _ in range(20):
            self.step()
            if self.engine.is_idle():
                return
            for message in list(self.engine.requests(self._now_s)):
                self._carry(message)
            self._now_s += ASK_AGAIN.cap_s
        raise AssertionError("no end")

    def _carry(self, message):
        name = message.topic.split("/")[-2]
        trustee, key = self.trustees[name], self.area.platform_key.public_key()
        address = Address(COLLECTIVITY, name, TrusteeKind.REQUEST)
        asked = open_message(address, message.payload, key, ToTrustee)
        address = Address(COLLECTIVITY, name, TrusteeKind.RESPONSE)
        for answer in trustee.take(asked):
            self.engine.take(name, seal_message(address, answer, trustee.identity.signing_key))

    def close_the_month(self):
        """Let the trustees delete the seeds of March."""
        self.area.today = CLOSED
        for trustee in self.trustees.values():
            trustee.expire()

    def back_up(self):
        """Copy the store as it is now; nothing writes meanwhile."""
        self.store.close()
        shutil.copytree(self.folder / "cloud", self.folder / "copy")
        self._open()

    def restore(self):
        """Put the copy in the place of the store, and start the worker on it."""
        self.store.close()
        shutil.rmtree(self.folder / "cloud")
        shutil.copytree(self.folder / "copy", self.folder / "cloud")
        self._open()

    def _open(self):
        self.store = SqliteStore.open(self.folder / "cloud", is_checked=False)
        self.start()


@pytest.fixture
def town(tmp_path):
    town = Town(tmp_path)
    yield town
    town.store.close()


def released(town, day):
    """Release a day's figure after a backup that has its set and not its sum; return it."""
    town.contribute(day)
    town.area.today = day + 3
    town.step()
    assert town.figure(day).stage is FigureStage.FIXED
    town.back_up()
    town.run()
    figure = town.figure(day)
    assert figure.stage is FigureStage.RELEASED
    return figure


def test_the_stored_answers_release_the_same_figure_again(town):
    before = released(town, DAY)
    town.close_the_month()
    town.restore()
    assert town.figure(DAY).stage is FigureStage.FIXED
    town.run()
    again = town.figure(DAY)
    assert (again.stage, again.opened) == (FigureStage.RELEASED, before.opened)
    values = decode(again.release).values
    assert isinstance(decode(again.release), TableRelease)
    assert values == decode(before.release).values


def test_a_day_that_was_never_answered_is_given_up(town):
    town.contribute(DAY + 1)
    released(town, DAY)
    town.close_the_month()
    town.restore()
    town.run()
    assert town.figure(DAY).stage is FigureStage.RELEASED
    figure = town.figure(DAY + 1)
    assert figure.stage is FigureStage.DISCARDED
    assert "the seeds of this month are deleted" in figure.detail


def test_without_stored_answers_nothing_would_be_released_again(town, monkeypatch):
    """Sabotage: the first test rests on what the trustees keep."""
    released(town, DAY)
    town.close_the_month()
    town.restore()
    monkeypatch.setattr(TrusteeLog, "answer", lambda *_: None)
    town.run()
    assert town.figure(DAY).stage is FigureStage.DISCARDED
