"""A household that has read nothing, from the archive to its bills, by its page: one home, one run.

A booted Debian, the release's archive installed by its user, a meter on a pty, a city with broker,
worker, API and three trustees, a provider, and Chromium. The meter begins a month ago, and sends a
frame of each quarter-hour until it has reached the present: so a month passes in six minutes. What is
dated by the machine's clock, such as the account of all that was sent, is of today throughout.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from edge.language.choice import Lang
from edge.language.numbers import day_text
from edge.page.texts import TEXTS
from protocol.calendar import legal_day
from tests.e2e.test_raspberry_pi_archive import NEEDED
from tests.e2e.test_software_releases import build, hand_over
from tests.support.booted import USER, booted, make_root, skip_without_containers
from tests.support.broker import wait_until
from tests.support.browser import NARROW, Look, Visitor, running_browser, visit
from tests.support.environments import skip_without_registry
from tests.support.french import plain
from tests.support.page_process import ENTER
from tests.support.story_city import FIRM, StoryCity
from tests.support.story_home import ADAPTER, StoryHome, StoryMeter

pytestmark = [pytest.mark.long, pytest.mark.timeout(3_600)]

MONTH, LATER = timedelta(days=30), timedelta(days=3)
ONE_DAY = timedelta(days=1)
TYPED_MAX = 8
# As a household in France has its machine, and what makes the meter's month a month at once.
LOCALE = "LANG=fr_FR.UTF-8\n"
HURRIED = "metering.is_simulated = true\nsend_window_s = 0\n"
MORE_KWH = 40
WRONG = "00000000"
LETTER = "Bonjour,\nvotre compteur sera relevé mardi.\n"
FR, EN = TEXTS[Lang.FR], TEXTS[Lang.EN]


class Household:
    """A household before its page, in a window of 320 CSS pixels, with a city and a provider."""

    def __init__(self, home: StoryHome, city: StoryCity, meter: StoryMeter, first: date) -> None:
        self.home, self.city, self.meter, self.first = home, city, meter, first
        self.yesterday = first
        self.texts = FR
        self.visitor: Visitor

    @contextmanager
    def before(self, browser: Browser) -> Iterator[Visitor]:
        """Sit down before a browser that asks for French."""
        with visit(browser, self.home, Look(Lang.FR, size=NARROW)) as visitor:
            self.visitor = visitor
            yield visitor

    def read(self, place: str = "") -> str:
        """Open a page, or stay, and read it; everybody can, at this width."""
        visitor = self.visitor
        if place:
            assert visitor.go(place) == 200, place
        visitor.tab.wait_for_load_state()
        assert visitor.violations() == "", visitor.tab.url
        assert visitor.overflow_px() <= 0, visitor.tab.url
        return plain(visitor.tab.inner_text("main"))

    def press(self, name: str) -> str:
        """Press the button of that text's name, and read what comes."""
        self.visitor.tab.get_by_role("button", name=self.texts[name]).click()
        return self.read()

    def change(self, place: str, name: str, words: str = "") -> str:
        """Ask for a change, say yes, and read what comes of it."""
        self.read(place)
        seen = self.press(f"{name}_do")
        assert plain(self.texts["change_nothing"]) in seen
        return self.press(f"{words or name}_yes")

    def speak(self, lang: Lang) -> None:
        """Have the page in another language."""
        self.visitor.tab.get_by_role("link", name=self.texts["other_language"]).click()
        self.texts = TEXTS[lang]

    def wait_for(self, place: str, text: str) -> str:
        """Look at a page again until it says so."""

        def is_there() -> bool:
            self.visitor.go(place)
            return plain(text) in plain(self.visitor.tab.inner_text("main"))

        wait_until(is_there, f"{text!r} at {place}", self.home.journal)
        return self.read()


def install(home: StoryHome, archive: str) -> None:
    """Follow the console from the archive to the page; each step ends with the next one."""
    said = home.type(f"mkdir volet && tar xf {archive} -C volet", "sudo volet/install")
    assert "sudo volet edge setup; volet edge init;" in said
    assert f"https://{home.name}/" in said.splitlines()[-1]
    said = home.type("sudo volet edge setup --apply", "volet edge init")
    with (home.chip / "edge.toml").open("a") as settings:
        settings.write(HURRIED)
    start = said.split("`")[1]
    assert start == 'sudo systemctl enable --now "volet-edge@$USER" volet-edge-page.socket'
    assert "`volet edge page --pair`" in said
    home.type(start)
    fingerprint = home.visit_first()
    shown = plain(home.type("volet edge page --show"))
    assert f"https://{home.name}/\n" in shown
    assert f"SHA-256 {fingerprint}\n" in shown


def enter(household: Household) -> None:
    """Type a wrong code first, then the chip's."""
    visitor = household.visitor
    household.read("/")
    visitor.type_code(WRONG)
    assert "volet edge page --pair" in household.read()
    visitor.type_code(household.home.code())
    visitor.tab.wait_for_url("**/installation")


def set_up(household: Household, answer: Path) -> None:
    """Go through the first run: with a provider's offer, in French, and English from half way on."""
    city, tab = household.city, household.visitor.tab
    assert household.meter.serial in household.read()
    tab.locator("#offer").set_input_files(city.offer)
    tab.locator("#start").fill(household.first.isoformat())
    assert "15,49 € TTC" in household.press("request_see")
    household.press("request_yes")
    with tab.expect_download() as loading:
        tab.get_by_role("link", name=FR["request_load"]).click()
    request = answer.with_name("request.json")
    loading.value.save_as(request)
    assert "with its contract" in city.enrol(request, answer)
    tab.locator("#answer").set_input_files(request)
    assert "pas la réponse" in household.press("answer_see")
    household.speak(Lang.EN)
    tab.locator("#answer").set_input_files(answer)
    assert city.authority in household.press("answer_see")
    assert EN["first_run_done_title"] in household.press("answer_yes")
    tab.get_by_role("link", name=EN["first_run_go"]).click()
    assert EN["no_day"] in household.read()


def live_until_now(household: Household) -> None:
    """Let the days pass until the city has yesterday."""
    home = household.home
    household.meter.catch_up()
    # The day may have changed while the month passed.
    household.yesterday = legal_day(household.meter.at) - ONE_DAY
    wait_until(lambda: home.closed_until() == household.yesterday, "yesterday", home.journal)
    wait_until(lambda: home.unsent() == 0, "the city to have yesterday", home.unsent)


def see_what_left(household: Household) -> None:
    """Know what left the home yesterday: how much was metered, and the bytes that went."""
    texts, day = household.texts, day_text(household.yesterday, Lang.EN)
    assert day in household.read("/")
    shared = household.read("/partage")
    assert plain(texts["shared_title"].format(day=day)) in shared
    assert texts["stored"] in shared
    assert "from 00:00 to 24:00" in shared
    (energy,) = household.visitor.tab.locator(".amount").all_inner_texts()
    assert energy in household.visitor.tab.inner_text("main")
    assert not energy.startswith("0.")


def get_the_first_bill(household: Household, pdf: Path) -> None:
    """Get the month's bill, know what it is and whether it is right, in both languages; keep it."""
    end = household.first + MONTH
    assert "the household's chip has it" in household.city.bill(household.first, end)
    page = household.wait_for("/factures", EN["verdict_correct"])
    assert "receipt" in page
    household.speak(Lang.FR)
    page = household.read("/factures")
    assert "Vérifiée par votre boîtier : elle est juste." in page
    assert "n'a pas pu être lu" not in page
    total = household.visitor.tab.locator("p.amount").inner_text()
    with household.visitor.tab.expect_download() as loading:
        household.visitor.tab.get_by_role("link", name=FR["bill_pdf"]).click()
    loading.value.save_as(pdf)
    assert pdf.read_bytes().startswith(b"%PDF-")
    amount = plain(total).split(":")[1].strip()
    assert amount.replace(",", ".") in household.city.receipts()
    for register in (1, 2):
        since, until = (household.meter.index_kwh(day, register) for day in (household.first, end))
        assert f"{until - since} kWh" in page
    assert f"{amount}, juste" in household.wait_for("/", FR["last_bill"])


def get_a_wrong_bill(household: Household) -> None:
    """See at once that a bill is wrong, by how much, and what to do; then that it was put right."""
    start, end = household.first + MONTH, household.yesterday + ONE_DAY
    household.city.bill_wrongly(start, end, MORE_KWH)
    household.wait_for("/", FR["wrong_bills"].format(count=1))
    page = household.read("/factures")
    assert "NE CONCORDE PAS" in page
    assert plain(FR["differs_next"]) in page
    (line,) = [each for each in page.splitlines() if "cette facture compte" in each]
    stated, own = (int(each.split()[-1]) for each in line.split(" kWh")[:2])
    assert stated == own + MORE_KWH
    assert "aucun reçu" in page
    household.city.bill(start, end)
    household.wait_for("/factures", FR["settled"])
    assert "qui ne sont pas justes" not in household.read("/")


def read_a_letter(household: Household, paper: Path) -> None:
    """Read what the provider writes."""
    paper.write_text(LETTER)
    contract = household.city.firm("contracts").split()[0]
    household.city.firm("letter", contract, paper)
    assert FIRM in household.wait_for("/lettres", LETTER.splitlines()[1])


def take_part_and_stop(household: Household) -> None:
    """Compare the trustees' fingerprint, confirm it at the chip, take part, stop, and begin again."""
    city, home = household.city, household.home
    assert city.fingerprint in household.read("/accords")
    assert "Dès lors votre foyer participe" in household.read()
    said = home.type(f"volet edge trustees --confirm '{city.fingerprint}'")
    assert "participe" in said
    assert "Vous participez" not in household.change("/accords", "stop_part")
    assert "Vous participez" in household.change("/accords", "take_part")


def change_and_change_back(household: Household) -> None:
    """Have the line repeated and no more; keep more of the curve, which less needs the chip for."""
    household.change("/etat", "repeat_line")
    household.wait_for("/etat", "9600")
    household.change("/etat", "repeat_end")
    assert "Pas répétée" in household.read("/etat")
    household.read("/donnees")
    for months, words in ((12, "keep_months"), (3, "")):
        household.visitor.tab.locator("#months").select_option(str(months))
        seen = household.press("keep_curve_do")
        if not words:
            assert "volet edge curve --keep" in seen
            continue
        assert f"{months} mois" in household.press(f"{words}_yes")
        household.read("/donnees")


def let_another_browser_in_and_out(household: Household, browser: Browser) -> None:
    """Let somebody see the curve alone, put them out; five wrong codes shut the window; log out."""
    with visit(browser, household.home, Look(Lang.EN, size=NARROW)) as other:
        other.go(ENTER)
        other.type_code(household.home.code("--viewer"))
        other.tab.wait_for_url(f"{other.address}/")
        assert EN["last_bill"] not in other.tab.inner_text("main")
        assert other.go("/factures") == 403
        household.read("/etat")
        viewer = household.visitor.tab.locator(".sessions li", has_text=FR["viewer"])
        viewer.get_by_role("button").click()
        household.visitor.tab.wait_for_url("**/etat")
        assert viewer.count() == 0
        other.go("/")
        assert other.tab.url == other.address + ENTER
        code = int(household.home.code())
        for more in range(1, 6):
            other.type_code(f"{(code + more) % 10**8:08}")
        other.type_code(f"{code:08}")
        assert other.tab.url == other.address + ENTER
        assert other.strangers() == other.complaints == []
    household.press("leave")
    assert household.visitor.tab.url.endswith(ENTER)


def test_a_household_gets_from_an_archive_to_its_bills_with_its_page(broker, tmp_path):
    skip_without_containers()
    skip_without_registry(tmp_path)
    archive = build(tmp_path, "0.1.0")
    root, first = tmp_path / "root", legal_day(datetime.now(UTC)) - MONTH - LATER
    make_root(root, *NEEDED)
    with (root / "etc/environment").open("a") as environment:
        environment.write(LOCALE)
    hand_over(archive, root / "home" / USER)
    with ExitStack() as stack:
        meter = stack.enter_context(StoryMeter(tmp_path / "tic", first).running())
        city = stack.enter_context(StoryCity(broker, tmp_path / "city").running())
        city.open_business(first)
        bind = f"--bind={meter.device}:{ADAPTER}"
        machine = stack.enter_context(booted(root, tmp_path / "console.log", bind))
        home = StoryHome(machine)
        household = Household(home, city, meter, first)
        install(home, archive.name)
        browser = stack.enter_context(running_browser(tmp_path / "browser", home))
        visitor = stack.enter_context(household.before(browser))
        enter(household)
        assert len(home.typed) <= TYPED_MAX, home.typed
        set_up(household, tmp_path / "reponse.json")
        assert "Accepted 1 of 1" in city.firm("accept", "--all")
        live_until_now(household)
        see_what_left(household)
        get_the_first_bill(household, tmp_path / "facture.pdf")
        get_a_wrong_bill(household)
        read_a_letter(household, tmp_path / "lettre.txt")
        take_part_and_stop(household)
        change_and_change_back(household)
        let_another_browser_in_and_out(household, browser)
        assert visitor.complaints == visitor.strangers() == []
