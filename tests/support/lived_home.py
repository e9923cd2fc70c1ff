"""A household that has lived through weeks of virtual time, and its page.

The chip lives in this process and has done so when the page opens; the door and the page are the
real ones.
"""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

import httpx

from edge.area.neighbourhood import Neighbourhood
from edge.area.settings import AreaConfig
from edge.household.answers import Answers, LiveChip
from edge.household.door import open_door
from edge.household.pairing import PairingWindow, open_window
from edge.household.panel_questions import PanelQuestions
from edge.household.visitors import VisitorRole
from edge.mqtt.sent import SentAccount
from edge.status.live import LiveValues
from edge.status.report import report
from tests.support.billing_home import BillingHome
from tests.support.page_process import ENTER, PageProcess, patiently


def window_of(home: BillingHome, *, has_button: bool = False) -> PairingWindow:
    """Return the window of a household's chip at its virtual time."""
    return PairingWindow(home.directory, home.clock.now, has_button=has_button)


def answers_of(
    home: BillingHome,
    window: PairingWindow | None = None,
    neighbourhood: Callable[[], Neighbourhood] | None = None,
    questions: PanelQuestions | None = None,
    now: Callable[[], datetime] | None = None,
    *,
    is_simulated: bool = False,
) -> Answers:
    """Return the answers of a household's chip at its virtual time, or at another one."""
    now, area = now or home.clock.now, AreaConfig()
    return Answers(
        home.directory,
        home.identity.household_key,
        window or window_of(home),
        questions or PanelQuestions(home.clock),
        area,
        now,
        LiveChip(
            LiveValues,
            lambda: report(home.directory, area, now(), None),
            neighbourhood or (lambda: home.chip.neighbourhood),
            account_of(home).of,
            is_simulated,
        ),
    )


def account_of(home: BillingHome) -> SentAccount:
    """Return the account of what a household's chip sent, at its virtual time."""
    return SentAccount(home.directory, home.clock.now, home.clock.monotonic_s)


class LivedHome:
    """A household and its page."""

    def __init__(
        self,
        chip: BillingHome,
        page: PageProcess,
        window: PairingWindow,
        questions: PanelQuestions,
    ) -> None:
        self.chip, self.page = chip, page
        self.window, self.questions = window, questions

    def code(self, role: VisitorRole = VisitorRole.OWNER) -> str:
        """Return a code that lets a visitor in, as the console shows it."""
        return open_window(self.chip.directory, role, self.chip.clock.now()).code

    @contextmanager
    def visitor(self, role: VisitorRole = VisitorRole.OWNER) -> Iterator[httpx.Client]:
        """Let a visitor in."""
        with self.page.visitor() as visitor:
            form = {"code": self.code(role)}
            sent = patiently(lambda: visitor.post(ENTER, data=form, headers=self.page.origin))
            assert sent.status_code == httpx.codes.SEE_OTHER
            yield visitor


@contextmanager
def lived_home(chip: BillingHome, *, has_button: bool = False) -> Iterator[LivedHome]:
    """Open a household's page."""
    page, window = PageProcess(chip.directory), window_of(chip, has_button=has_button)
    questions = PanelQuestions(chip.clock, has_panel=has_button)
    with (
        closing(answers_of(chip, window, questions=questions)) as answers,
        open_door(chip.directory, answers.answer),
        page,
    ):
        yield LivedHome(chip, page, window, questions)


@contextmanager
def left_home(directory: Path, *, has_button: bool) -> Iterator[LivedHome]:
    """Open the page of a household that has moved out, in a new directory."""
    chip = BillingHome(directory)
    chip.begin()
    chip.live(2)
    chip.move_out()
    chip.settle()
    with lived_home(chip, has_button=has_button) as home:
        yield home
    chip.kill()
