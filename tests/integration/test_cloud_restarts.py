"""The cloud's worker and the release worker, killed and started again over a store in every state."""

import re
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime

import pytest

from cloud.registry.pki import issue_role
from cloud.release.closing import basis_of, close
from cloud.release.opening import advance, asked
from cloud.store import RequestState
from cloud.store.area import FigureStage
from cloud.store.providers import StoredLetter
from cloud.store.sqlite import schema
from protocol.calendar import day_number, legal_day
from protocol.provider_api import LetterState
from tests.support.area_release import DAY, SmallArea
from tests.support.billing_home import BillingHome
from tests.support.broker import COLLECTIVITY, running_broker, wait_until

WORKER = ("cloud", "run")
RELEASE = ("cloud", "release", "run")
STORE = "store.db"
# The columns that tell a state, and what they may say; a figure without a stage takes
# contributions.
STATES = {
    ("request", "state"): set(RequestState),
    ("letter", "state"): set(LetterState),
    ("area_figure", "stage"): {*FigureStage, None},
}
# What a chip said last of itself: no program of the cloud's goes on from it.
_SAID_BY_CHIPS = {("device_word", "state")}
_TABLE = re.compile(r"CREATE TABLE (\w+) \((.*?)\) STRICT", re.DOTALL)
_TELLING = re.compile(r"\b(state|stage) TEXT")


class Program:
    """A program of the cloud's on its directory."""

    def __init__(self, directory, words: tuple[str, ...]) -> None:
        self._log_path = directory / f"{words[-2]}-{words[-1]}.log"
        self._since = len(self.log)
        with self._log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "volet.main", *words, "--dir", str(directory)],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )

    @property
    def log(self) -> str:
        return self._log_path.read_text() if self._log_path.exists() else ""

    def wait_for_work(self) -> None:
        """Wait until it has a session; then its tasks have begun."""
        wait_until(
            lambda: (
                "broker_connected" in self.log[self._since :] or self._process.poll() is not None
            ),
            "a session",
        )
        assert self._process.poll() is None, self.log

    def end(self, number: signal.Signals) -> int:
        self._process.send_signal(number)
        return self._process.wait(30)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    """A collectivity whose store has something in every state, and a broker."""
    home = BillingHome(tmp_path_factory.mktemp("cloud") / "town")
    directory = home.cloud.directory
    issue_role(directory, "worker-release", datetime.now(UTC))
    _order_statements(home)
    _write_letters(home)
    _release(home)
    home.kill()
    home.cloud.store.close()
    with running_broker(directory):
        yield directory


def _order_statements(home) -> None:
    home.begin()
    home.live(8)
    home.ask(0, 2, b"statement-seen--")
    home.compute(2, 4, b"statement-sent--")
    home.compute(-3, 0, b"before-contract-")
    home.compute(6, 30, b"days-to-come----")


def _write_letters(home) -> None:
    for number, state in enumerate(LetterState):
        home.cloud.store.providers.put_letter(
            StoredLetter(
                bytes([number]) * 16,
                home.agreement.contract_hash,
                home.identity.household_key,
                b"sealed",
                LetterState.PENDING,
                home.clock.at,
            )
        )
        with home.cloud.store._writing():
            home.cloud.store._db.execute(
                "UPDATE letter SET state = ? WHERE id = ?", [state, bytes([number]) * 16]
            )


def _release(home) -> None:
    """Bring the figures of one day after the other one stage further."""
    store = home.cloud.store.area
    area = SmallArea(store=store, collectivity=COLLECTIVITY, platform=home.cloud.key)
    area.contribute_all(day_number(legal_day(datetime.now(UTC))))  # its deadline has not passed
    for number, stage in enumerate((FigureStage.FIXED, FigureStage.CHECKED, FigureStage.RELEASED)):
        day = DAY + number
        area.contribute_all(day)
        basis = basis_of(store, area.key(day))
        figure = close(store, basis, area.roster, area.after(day))
        while figure.stage is not stage:
            answers = area.answers(asked(figure), (0, 1, 2))
            figure = advance(
                store, basis, area.roster, figure, answers, area.after(day), is_complete=True
            )
            store.put_figure(figure)
    area.contribute(area.members[0], DAY + 4)
    close(store, basis_of(store, area.key(DAY + 4)), area.roster, area.after(DAY + 4))


def states(directory) -> dict[tuple[str, str], list]:
    with closing(sqlite3.connect(directory / STORE)) as store:
        return {
            (table, column): [
                value for (value,) in store.execute(f"SELECT {column} FROM {table} ORDER BY rowid")
            ]
            for table, column in STATES
        }


def test_every_state_that_the_store_knows_is_started_from(cloud):
    text = "\n".join(value for value in _texts(schema) if "CREATE TABLE" in value)
    telling = {
        (table, column)
        for table, columns in _TABLE.findall(text)
        for column in _TELLING.findall(columns)
    }
    assert telling - _SAID_BY_CHIPS == set(STATES)
    found = states(cloud)
    for column, wanted in STATES.items():
        assert set(found[column]) == wanted, column


def _texts(module):
    for value in vars(module).values():
        if isinstance(value, str):
            yield value


@pytest.mark.parametrize("words", [WORKER, RELEASE], ids=["worker", "release"])
def test_it_starts_again_and_forgets_nothing(cloud, words):
    before = states(cloud)
    for number in (signal.SIGKILL, signal.SIGTERM):
        program = Program(cloud, words)
        program.wait_for_work()
        assert program.end(number) == (0 if number == signal.SIGTERM else -signal.SIGKILL)
        assert "Traceback" not in program.log, program.log
        after = states(cloud)
        before["letter", "state"] = after["letter", "state"]  # what waited goes at once
        assert after == before
