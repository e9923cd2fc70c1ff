"""A home whose chip is not enrolled yet: its meter on a pty, its chip and page, its collectivity."""

import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from html import unescape
from pathlib import Path
from typing import NamedTuple

import httpx
import msgspec

from edge.contracts.enrolling import draw_keys
from edge.household.call import call, door_in
from edge.household.requests import AskFirstRun, AskPairing
from edge.household.shown_first_run import ShownFirstRun
from edge.household.visitors import VisitorRole, household_name
from edge.identity.keys import load_keys
from edge.language.choice import Lang
from edge.simulate.home import HomeSettings, build_home
from edge.simulate.household import synthetic_curve
from edge.simulate.link import PtyLink
from edge.simulate.tariff import MeterOption
from edge.vault.reader import read_vault
from protocol.calendar import day_start
from protocol.errors import ConfigError, TransportError
from tests.support.broker import wait_until
from tests.support.dwelling import make_offer
from tests.support.page_process import PageProcess, sent_patiently

FIRST = date(2026, 3, 1)
FRAME_EVERY_S = 0.05
STEP = timedelta(minutes=5)
CONFIG = """\
rhythm = "quarter_hourly"
send_window_s = 0
metering.is_simulated = true
"""
VOLET = (sys.executable, "-m", "volet.main")
FIRST_RUN, REQUEST, MADE, ANSWER = (
    f"/installation{rest}" for rest in ("", "/demande", "/request.json", "/reponse")
)


class PtyMeter:
    """A meter that sends a frame of five minutes later many times a second."""

    def __init__(self, path: Path) -> None:
        curve = synthetic_curve(3, FIRST - timedelta(days=1), FIRST + timedelta(days=400))
        self._home = build_home(curve, HomeSettings(option=MeterOption.HPHC, seed=3))
        self._at = day_start(FIRST)
        self._link = PtyLink(path)
        self.serial = self._home.meter_at(self._at).profile.serial

    @contextmanager
    def running(self) -> Iterator[None]:
        """Send until the context ends."""
        stopped = threading.Event()

        def run() -> None:
            while not stopped.wait(FRAME_EVERY_S):
                self._link.send(self._home.frame_at(self._at))
                self._at += STEP

        thread = threading.Thread(target=run, name="meter")
        thread.start()
        try:
            yield
        finally:
            stopped.set()
            thread.join()
            self._link.close()


class Form(NamedTuple):
    """A form that carries files: its fields, and its files by their fields."""

    fields: Mapping[str, str]
    files: Mapping[str, bytes] = {}

    def with_token(self, token: str) -> "Form":
        return Form({"form": token} | dict(self.fields), self.files)

    def parts(self) -> dict[str, tuple[str | None, str | bytes]]:
        """Return what httpx sends as multipart/form-data."""
        fields = {name: (None, text) for name, text in self.fields.items()}
        return fields | {name: (f"{name}.json", data) for name, data in self.files.items()}


class NewHome:
    """A chip whose keys are drawn, in `directory`/chip, with its page."""

    def __init__(self, directory: Path, cloud: Path) -> None:
        self.cloud = cloud
        self.chip, self.line = directory / "chip", directory / "tic"
        draw_keys(self.chip)
        (self.chip / "edge.toml").write_text(CONFIG)
        self.page = PageProcess(self.chip)
        self.offer = msgspec.json.encode(make_offer())
        self.log_path = directory / "chip.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the chip, and wait until it answers."""
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [*VOLET, "edge", "run", "--dir", self.chip, "--source", self.line],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_until(self.answers, "the chip to answer")

    def answers(self) -> bool:
        """Return whether the chip answers at its door."""
        assert self._process is not None
        assert self._process.poll() is None, self.log
        try:
            call(door_in(self.chip), AskPairing())
        except TransportError:
            return False
        return True

    def end(self, number: signal.Signals = signal.SIGKILL) -> int:
        """End the chip; return its exit code."""
        if self._process is None:
            return 0
        self._process.send_signal(number)
        process, self._process = self._process, None
        return process.wait()

    def restart(self) -> None:
        """Kill the chip and start it again."""
        self.end()
        self.start()

    @property
    def log(self) -> str:
        return self.log_path.read_text()

    @contextmanager
    def visitor(self, *options: str) -> Iterator[httpx.Client]:
        """Let a visitor in."""
        with self.page.visitor() as visitor:
            assert self.page.pair(visitor, *options).headers["location"] == "/"
            yield visitor

    def send(self, visitor: httpx.Client, path: str, form: Form) -> httpx.Response:
        """Send a form with the visitor's own token."""
        return self.send_with(token_of(visitor), visitor, path, form)

    def send_with(self, token: str, visitor: httpx.Client, path: str, form: Form) -> httpx.Response:
        """Send a form with a token."""
        own = form.with_token(token)
        return sent_patiently(
            visitor, lambda: visitor.post(path, files=own.parts(), headers=self.page.origin)
        )

    def wait_for_meter(self) -> None:
        """Wait until the chip has read which meter it is, without which there is no contract."""
        wait_until(lambda: bool(self.shown().line), "the chip to read its meter")

    def ask_for_contract(self, **changes: str) -> Form:
        """Return the form of a contract as the page sends it first."""
        fields = {"start": FIRST.isoformat(), "consent": "nothing", "follows": "false"}
        return Form(fields | changes, {"offer": self.offer})

    def make_request(self, visitor: httpx.Client) -> None:
        """Go from the line to the request."""
        self.wait_for_meter()
        seen = self.send(visitor, REQUEST, self.ask_for_contract())
        assert seen.status_code == 200, seen.text
        made = self.send(visitor, REQUEST, sure(seen.text))
        assert (made.status_code, made.headers["location"]) == (303, FIRST_RUN)

    def shown(self, lang: Lang = Lang.EN) -> ShownFirstRun:
        """Return what the chip says of its first run."""
        household = household_name(load_keys(self.chip).household.id)
        found = call(
            door_in(self.chip), AskFirstRun(lang=lang, household=household, role=VisitorRole.OWNER)
        )
        assert isinstance(found, ShownFirstRun), found
        return found

    def is_line_good(self) -> bool:
        """Return whether the chip reads its meter, and nothing is wrong with the line."""
        shown = self.shown()
        return bool(shown.line) and not shown.faults

    def enrol(self, visitor: httpx.Client) -> bytes:
        """Hand the request to the collectivity; return its answer."""
        request, answer = self.cloud.parent / "request.json", self.cloud.parent / "answer.json"
        request.write_bytes(visitor.get(MADE).content)
        command = [*VOLET, "cloud", "enrol", request, "--dir", self.cloud, "--out", answer]
        subprocess.run(command, check=True, capture_output=True)
        return answer.read_bytes()

    def take_answer(self, visitor: httpx.Client, answer: bytes) -> httpx.Response:
        """Have an answer installed; return the last page."""
        seen = self.send(visitor, ANSWER, Form({}, {"answer": answer}))
        if seen.status_code != 200:
            return seen
        return self.send(visitor, ANSWER, sure(seen.text))

    def has_metered(self) -> bool:
        """Return whether a quarter-hour is in the vault."""
        with suppress(ConfigError), read_vault(self.chip) as vault:
            return vault.figures().intervals > 0
        return False


def token_of(visitor: httpx.Client) -> str:
    """Return the token of a visitor's forms."""
    return visitor.get(FIRST_RUN).text.split('name="form" value="')[1].split('"')[0]


def sure(page: str) -> Form:
    """Return the form of a page that asks whether one is sure."""
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))
    fields.pop("form")
    return Form({name: unescape(text) for name, text in fields.items()})


@contextmanager
def new_home(directory: Path, cloud: Path) -> Iterator[NewHome]:
    """Run a home from its drawn keys on, with chip, page and meter."""
    home = NewHome(directory, cloud)
    meter = PtyMeter(home.line)
    with meter.running():
        home.start()
        try:
            with home.page:
                yield home
        finally:
            home.end()
