"""The chip's program ended and started again in every state that its directory can be in.

One story is lived through in one process, for each consent; the real program is started on a copy
of the directory in each state, meters, is ended, and started again.
"""

import shutil
import signal
import sqlite3
import sys
from contextlib import closing
from datetime import timedelta

import pytest

from edge.simulate.home import SimulatedHome
from edge.vault.database import FILE_NAME
from protocol.calendar import QUARTER_HOUR, day_number, quarter_hour
from protocol.contract import Consent
from tests.support import restart_coverage
from tests.support.billing_home import FIRST, BillingHome, wire_from
from tests.support.broker import wait_until
from tests.support.chip_process import ChipProcess
from tests.support.made_once import made_once
from tests.support.restart_coverage import seen_in, wanted
from tests.support.restart_recorder import Image
from tests.support.restart_story import STATES, images_of, tell
from tests.support.sweeps import swept

KILL, TERM = signal.SIGKILL, signal.SIGTERM
SECOND = timedelta(seconds=1)
# A day that was fetched back learns its meter's name with the first frame.
ROWS = {"days": "SELECT day, fingerprint, is_encrypted FROM days"}
# What goes on by itself, at each start or with each reading; nothing of it is ever taken away.
GROWING = ("intervals", "days", "epochs", "epoch_keys", "notices")
# Where metering stands: read by what it closes.
MOVING = ("meter",)
# In these states something waits for the start itself, of whatever consent.
TAKEN_UP_AT_START = {
    "quotes_ordered": ("quotes",),
    # Fetched from the cloud once more, this time with their keys.
    "year_keys_came_back": ("blocks", "days", "intervals", "epoch_keys"),
    "word_said": ("receipt_words", "receipt_mismatches", "receipt_days"),
    "leave_ordered": ("receipt_words", "receipt_mismatches", "receipt_days"),
}
HAVE_LEFT = (
    *("left_and_not_told", "left_and_told", "last_receipt_unsent", "last_bill"),
    *("exported", "another_is_to_be_erased"),
)


@pytest.fixture(scope="module")
def stories(tmp_path_factory):
    """The images of the stories that have been told, by consent; each is told once."""

    def images(consent: Consent) -> dict[str, Image]:
        told = made_once(tmp_path_factory, f"story-{consent}", lambda to: tell(to, consent))
        return images_of(told)

    return images


@pytest.fixture(scope="module")
def wire():
    return wire_from(FIRST)


def cases():
    """Each state with each consent and both signals; every sixth once in every run."""
    for number, state in enumerate(STATES):
        once = (KILL,) if number % 4 else (TERM,)
        rare = () if number % 6 == 0 else (pytest.mark.long,)
        yield pytest.param(state, Consent.TOTAL, once, id=f"{state}-once", marks=rare)
        for consent in Consent:
            name = f"{state}-{consent}"
            yield pytest.param(state, consent, (KILL, TERM), marks=pytest.mark.long, id=name)


class Card:
    """A copy of an image, and the meter that its chip hears."""

    def __init__(self, image: Image, state: str, wire: SimulatedHome, directory) -> None:
        shutil.copytree(image.directory, directory)
        self.directory = directory
        self.at = image.at
        self._wire = wire
        self._has_left = state in HAVE_LEFT

    def meter_on(self, chip: ChipProcess) -> None:
        """Let the meter send frames over the next quarter-hours; the chip keeps what they close."""
        begin = self.at + QUARTER_HOUR
        end = begin + QUARTER_HOUR
        for at in (begin, begin + SECOND, begin + 2 * SECOND, end, end + SECOND):
            chip.feed(self._wire.frame_at(at))
        self.at = end
        day, j = quarter_hour(end - QUARTER_HOUR)
        expected = day_number(day), j
        wait_until(
            lambda: chip.has_ended or self._has_left or self._last_quarter_hour() >= expected,
            f"the chip to meter\n{chip.log}",
        )

    def rows(self) -> dict[str, set]:
        """Return all rows by table."""
        path = self.directory / FILE_NAME
        if not path.exists():
            return {}
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            names = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            return {
                name: set(database.execute(ROWS.get(name, f"SELECT * FROM {name}")).fetchall())
                for (name,) in names.fetchall()
            }

    def _last_quarter_hour(self) -> tuple[int, int]:
        with closing(sqlite3.connect(self.directory / FILE_NAME)) as database:
            last = "SELECT day, j FROM intervals ORDER BY day DESC, j DESC LIMIT 1"
            return database.execute(last).fetchone() or (0, 0)


def check_same(before: dict[str, set], after: dict[str, set], taken_up: tuple[str, ...]) -> None:
    """Check that a start has lost nothing, and has done nothing again."""
    for table, rows in before.items():
        if table in (*MOVING, *taken_up):
            continue
        if table in GROWING:
            assert rows <= after[table], table
        else:
            assert rows == after[table], table


def start_again(card: Card, state: str, signals, *command: str) -> None:
    """Start the program on a copy of an image, end it by each signal; each time it goes on."""
    taken_up = TAKEN_UP_AT_START.get(state, ())
    for number in signals:
        before = card.rows()
        with ChipProcess(card.directory, *command) as chip:
            card.meter_on(chip)
            assert chip.end(number) == (0 if number == TERM else -KILL), chip.log
        check_same(before, card.rows(), taken_up)
        assert "subject_set_aside" not in chip.log, chip.log
        assert "message_set_aside" not in chip.log, chip.log
        assert "Traceback" not in chip.log, chip.log
        taken_up = ()


@pytest.mark.parametrize(("state", "consent", "signals"), list(cases()))
def test_a_chip_starts_again(stories, wire, state, consent, signals, tmp_path):
    card = Card(stories(consent)[state], state, wire, tmp_path / "chip")
    start_again(card, state, signals)


PANEL = "[panel]\nline_gpio = 17\ncity_gpio = 22\nhome_gpio = 23\nbutton_gpio = 27\nquiet = true\n"


@pytest.mark.parametrize("state", swept(["last_bill", *STATES], 40))
def test_a_chip_with_a_panel_starts_again(stories, wire, state, tmp_path):
    card = Card(stories(Consent.TOTAL)[state], state, wire, tmp_path / "chip")
    with (card.directory / "edge.toml").open("a") as config:
        config.write(PANEL)
    with ChipProcess(card.directory, environment={"GPIOZERO_PIN_FACTORY": "mock"}) as chip:
        card.meter_on(chip)
        assert chip.end(TERM) == 0, chip.log
    assert "panel_cannot_tell" not in chip.log, chip.log
    assert "Traceback" not in chip.log, chip.log


@pytest.mark.parametrize("pins", swept(["line_gpio = 15", "line_gpio = 17\nhome_gpio = 17", ""], 3))
def test_a_panel_that_cannot_be_used_does_not_stop_metering(stories, wire, pins, tmp_path):
    card = Card(stories(Consent.TOTAL)["enrolled"], "enrolled", wire, tmp_path / "chip")
    with (card.directory / "edge.toml").open("a") as config:
        config.write(f"[panel]\n{pins}\n")
    with ChipProcess(card.directory, environment={"GPIOZERO_PIN_FACTORY": "mock"}) as chip:
        card.meter_on(chip)
        assert chip.end(TERM) == 0, chip.log
    assert chip.log.count("panel_unusable") == 1, chip.log


def test_every_state_that_the_code_knows_is_started_from(stories, tmp_path):
    assert sorted(stories(Consent.TOTAL)) == sorted(STATES)
    seen = set()
    for consent in (Consent.NOTHING, Consent.TOTAL):
        for state, image in stories(consent).items():
            copy = tmp_path / consent / state
            shutil.copytree(image.directory, copy)
            seen |= seen_in(copy)
    assert wanted() <= seen, f"take a copy of it beside restart_story.py: {wanted() - seen}"


def test_a_new_state_is_wanted_by_itself(monkeypatch):
    known = wanted()
    columns = {"id": int, "is_opened": int, "note": str}
    table = ("parcels", columns, ("id",), frozenset(("note",)))
    monkeypatch.setattr(restart_coverage, "_TABLES", (table,))
    assert wanted() - known == {
        ("parcels",),
        ("parcels", "is_opened", "0"),
        ("parcels", "is_opened", "1"),
        ("parcels", "note", "empty"),
        ("parcels", "note", "set"),
    }
    untold = ("parcels", {"id": int, "state": int}, ("id",), frozenset())
    monkeypatch.setattr(restart_coverage, "_TABLES", (untold,))
    with pytest.raises(KeyError, match="parcels"):
        wanted()


def test_with_the_old_fault_a_bill_is_set_aside_and_noticed(stories, wire, tmp_path):
    """It ended the chip at each start; now one receipt waits, and the log says so."""
    command = (sys.executable, "-m", "tests.support.restart_sabotage")
    state = "bill_without_a_receipt"
    card = Card(stories(Consent.TOTAL)[state], state, wire, tmp_path / "chip")
    with pytest.raises(AssertionError, match="message_set_aside"):
        start_again(card, state, (KILL,), *command)


def test_the_last_short_bill_gets_its_receipt_without_a_restart(tmp_path):
    home = BillingHome(tmp_path / "town")
    home.begin()
    home.live(30)
    home.move_out()
    home.settle()
    home.ask(28, home.days_lived(), b"statement-number")
    assert list(home.vault.receipts.states()) == [b"statement-number"]
    home.kill()
