"""The household's page over a running chip, as a browser talks to it."""

import itertools
import json
import os
import signal
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from functools import partial
from http.client import HTTPSConnection
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from edge.page.live import STREAMS_MAX_EACH
from edge.page.names import AUTHORITY
from edge.page.server import CONNECTIONS_MAX_EACH
from edge.page.sessions import LASTS, form_token
from edge.page.visit import SESSION_COOKIE
from edge.stage import PAGE_DIRECTORY
from edge.vault.reader import read_vault
from tests.integration.test_index_confirmed import START, Feed
from tests.support.broker import enrol_chip, wait_until
from tests.support.chip_process import ChipProcess
from tests.support.page_process import ENTER, PageProcess, patiently

FRAMES = 24
MEMORY_MAX_KB = 45_000
PAGES = (
    "/",
    "/partage?jour=2026-01-14",
    "/budget",
    "/factures",
    "/lettres",
    "/offres",
    "/accords",
    "/donnees",
    "/etat",
    "/aide",
)
MODELS = (
    *("today", "shared", "budget", "bills", "letters", "offers", "agreements"),
    *("own-curve", "state", "live"),
)
READ_BACK = (*PAGES, *(f"/api/v1/{name}" for name in MODELS))


class Home:
    """A chip that meters, and its page."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.feed = Feed()
        self.chip = ChipProcess(directory)
        self.page = PageProcess(directory)

    def __enter__(self):
        self.chip.__enter__()
        self.feed.send(self.chip, FRAMES)
        wait_until(self.has_metered, "the chip to have metered")
        self.page.__enter__()
        return self

    def __exit__(self, *_):
        self.page.__exit__()
        self.chip.close()

    def has_metered(self) -> bool:
        with read_vault(self.directory) as vault:
            return vault.figures().intervals > 0

    @contextmanager
    def visitor(self, *options: str) -> Iterator[httpx.Client]:
        with self.page.visitor() as visitor:
            assert self.page.pair(visitor, *options).headers["location"] == "/"
            yield visitor


@pytest.fixture(scope="module")
def enrolled(shared_broker, tmp_path_factory):
    directory = tmp_path_factory.mktemp("home") / "chip"
    enrol_chip(shared_broker.cloud, directory)
    return directory


@pytest.fixture(scope="module")
def home(enrolled):
    with Home(enrolled) as home:
        yield home


def test_nothing_is_shown_before_a_visitor_is_let_in(home):
    with home.page.visitor() as visitor:
        for place in (*PAGES, "/live", "/partage"):
            answer = visitor.get(place)
            assert (answer.status_code, answer.headers["location"]) == (303, ENTER), place
        for name in MODELS:
            answer = visitor.get(f"/api/v1/{name}")
            assert answer.status_code == 401, name
            assert answer.json()["error"].startswith("Nobody has let you in")
        assert visitor.post("/sortir", headers=home.page.origin).headers["location"] == ENTER


def test_a_visitor_with_the_code_sees_what_the_meter_said_and_what_left(home):
    with home.visitor() as visitor:
        for place in READ_BACK:
            assert visitor.get(place).status_code == 200, place
        shared = visitor.get("/api/v1/shared", params={"day": START.date().isoformat()}).json()
        known = [each["energy_wh"] for each in shared["quarters"] if each["energy_wh"] is not None]
        with read_vault(home.directory) as vault:
            stored = vault.values.intervals(START.date(), START.date() + timedelta(days=1))
        assert known == [each.energy_wh for each in stored]
        assert known
        shown = visitor.get("/partage", params={"jour": START.date().isoformat()}).text
        assert "What left your home for 2026-01-14" in shown
        today = visitor.get("/partage", params={"jour": shared["days"][1]}).text
        assert "Nothing else leaves from this chip." in today
        assert "Status messages" in today


@pytest.mark.skipif("COVERAGE_PROCESS_CONFIG" in os.environ, reason="Coverage takes 5 MB itself.")
def test_it_takes_little_memory_while_somebody_looks(home):
    with home.visitor() as visitor:
        for place in (*READ_BACK, "/static/page.css", ENTER) * 3:
            visitor.get(place)
    memory = Path(f"/proc/{home.page.pid}/smaps_rollup").read_text()
    resident_kb = int(memory.split("\nRss:")[1].split()[0])
    assert resident_kb < MEMORY_MAX_KB, memory


def test_a_code_lets_one_visitor_in_and_once(home):
    code = home.page.code()
    with home.page.visitor() as first, home.page.visitor() as second:
        let_in = first.post(ENTER, data={"code": code}, headers=home.page.origin)
        assert let_in.status_code == 303
        cookie = let_in.headers["set-cookie"]
        for part in ("__Host-volet=", "HttpOnly", "Secure", "SameSite=strict", "Path=/"):
            assert part in cookie
        lasts_s = int(cookie.split("Max-Age=")[1].split(";")[0])
        assert lasts_s > 2 * LASTS.total_seconds(), "it goes on as long as it is used"
        late = second.post(ENTER, data={"code": code}, headers=home.page.origin)
        assert late.status_code == 403
        assert "No visitor is let in now" in late.text


def test_a_token_that_was_there_before_lets_nobody_in(home):
    """Whoever puts a cookie of his own into a browser must not share its session (fixation)."""
    planted = "planted-by-somebody-else"
    with home.page.visitor() as victim, home.page.visitor() as attacker:
        for each in (victim, attacker):
            each.cookies.set(SESSION_COOKIE, planted, domain="localhost.local")
        assert home.page.pair(victim).headers["location"] == "/"
        assert victim.cookies.get(SESSION_COOKIE, domain="localhost.local") != planted
        assert victim.get("/").status_code == 200
        assert attacker.get("/").status_code == 303


def test_the_fifth_wrong_code_shuts_the_window(home):
    code = home.page.code()
    wrong = f"{(int(code) + 1) % 10**8:08}"
    with home.page.visitor() as visitor:
        for _ in range(5):
            answer = visitor.post(ENTER, data={"code": wrong}, headers=home.page.origin)
            assert answer.status_code == 403
        right = visitor.post(ENTER, data={"code": code}, headers=home.page.origin)
        assert "No visitor is let in now" in right.text


def test_a_session_ends_where_its_visitor_or_another_ends_it(home):
    with home.visitor() as first, home.visitor() as second:
        page = second.get("/etat").text
        form = page.split('name="form" value="')[1].split('"')[0]
        refused = second.post("/sortir", headers=home.page.origin)
        assert refused.status_code == 403, "no form token"
        assert "This form is of another visit" in refused.text
        names = {part.split('"')[0] for part in page.split("/etat/sessions/")[1:]}
        for name in names:
            ended = second.post(
                f"/etat/sessions/{name}", data={"form": form}, headers=home.page.origin
            )
            assert ended.headers["location"] == "/etat"
        assert first.get("/").status_code == 303
        assert second.get("/").status_code == 200
        second.post("/sortir", data={"form": form}, headers=home.page.origin)
        assert second.get("/").status_code == 303


def test_a_session_that_is_ended_sees_no_values_of_the_line_any_more(home):
    with home.visitor() as visitor, visitor.stream("GET", "/live") as stream:
        lines = (line for line in stream.iter_lines() if line)
        assert next(lines)
        form = form_token(visitor.cookies[SESSION_COOKIE])
        visitor.post("/sortir", data={"form": form}, headers=home.page.origin)
        assert len(list(itertools.islice(lines, 3))) < 3


def test_one_who_sees_the_curve_only_ends_no_session_of_others(home):
    with home.visitor() as owner, home.visitor("--viewer") as viewer:
        page = owner.get("/etat").text
        names = {part.split('"')[0] for part in page.split("/etat/sessions/")[1:]}
        shown = viewer.get("/etat").text
        assert "/etat/sessions/" not in shown
        form = {"form": shown.split('name="form" value="')[1].split('"')[0]}
        for name in names:
            ended = viewer.post(f"/etat/sessions/{name}", data=form, headers=home.page.origin)
            assert ended.status_code == 403
        assert owner.get("/").status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({}, 403),
        ({"Host": "evil.example"}, 421),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
def test_a_form_of_another_site_lets_nobody_in(home, headers, status):
    with home.page.visitor() as visitor:
        origin = {} if headers == {} else home.page.origin
        sent = visitor.post(ENTER, data={"code": home.page.code()}, headers=origin | headers)
        assert sent.status_code == status
        assert "set-cookie" not in sent.headers


def test_a_name_that_is_bent_to_the_pages_address_shows_nothing(home):
    with home.visitor() as visitor:
        assert visitor.get("/", headers={"Host": "volet.local.evil.example"}).status_code == 421
        assert (
            visitor.get("/", headers={"Host": f"192.168.1.7:{home.page.port}"}).status_code == 200
        )


def test_what_is_too_large_or_unknown_is_refused(home):
    with home.visitor() as visitor:
        large = {"code": "1" * 70_000}
        assert visitor.post(ENTER, data=large, headers=home.page.origin).status_code == 413
        assert visitor.get("/partage?jour=yesterday").status_code == 404
        assert visitor.get("/partage?jour=2001-01-01").status_code == 422
        assert visitor.request("PUT", "/").status_code == 405


@pytest.mark.parametrize("folder", ["/static/", "/static//", "/", "/donnees/courbe."])
@pytest.mark.parametrize("up", ["../", "%2e%2e/", "..%2f", "%2e%2e%2f", "..\\", "x/../../"])
def test_no_path_leads_out_of_the_pages_files(home, folder, up):
    for target in ("app.py", "../" * 9 + "etc/passwd"):
        answer = patiently(partial(ask_as_it_stands, home, f"{folder}{up}{target}"))
        assert answer.status_code in {303, 404}, target
        assert "def " not in answer.text
        assert "root:" not in answer.text


def ask_as_it_stands(home, path):
    """Ask for a path that browsers and httpx would make short before they send it."""
    context = ssl.create_default_context(cafile=home.directory / PAGE_DIRECTORY / AUTHORITY)
    with closing(HTTPSConnection("localhost", home.page.port, context=context)) as sent:
        sent.request("GET", path)
        answer = sent.getresponse()
        return httpx.Response(answer.status, headers=answer.getheaders(), content=answer.read())


def test_what_a_script_asks_wrongly_is_told_as_json(home):
    with home.visitor() as visitor:
        for place, status in (
            ("/api/v1/keys", 404),
            ("/api/v1/shared?day=yesterday", 404),
            ("/api/v1/shared?day=2001-01-01", 422),
        ):
            answer = visitor.get(place)
            assert (answer.status_code, list(answer.json())) == (status, ["error"]), place
            assert answer.json()["error"], place
        for method in ("POST", "PUT"):
            assert "error" in visitor.request(method, "/api/v1/today").json()
        elsewhere = visitor.get("/api/v1/today", headers={"Host": "evil.example"})
        assert (elsewhere.status_code, list(elsewhere.json())) == (421, ["error"])


def test_every_answer_keeps_to_itself(home):
    with home.visitor() as visitor:
        for place in (*READ_BACK, "/static/page.css", "/nowhere", ENTER):
            headers = visitor.get(place).headers
            assert headers["cache-control"] == "no-store", place
            assert "default-src 'none'" in headers["content-security-policy"], place
            assert "server" not in headers, place
        for place in PAGES:
            assert "http://" not in visitor.get(place).text.replace("http://www.w3.org", "")


def test_the_page_speaks_the_visitors_language(home):
    with home.visitor() as visitor:
        french = visitor.get("/", headers={"Accept-Language": "fr-FR,fr;q=0.9,en;q=0.5"})
        assert '<html lang="fr">' in french.text
        visitor.get("/langue?to=fr&back=/etat")
        assert "État de votre boîtier" in visitor.get("/etat").text
        assert visitor.get("/langue?to=en&back=//evil.example").headers["location"] == "/"
        day = "/partage?jour=2026-01-14"
        assert f"back={quote(day)}" in visitor.get(day).text
        assert visitor.get("/langue", params={"to": "fr", "back": day}).headers["location"] == day


def test_the_values_of_the_line_are_streamed(home):
    with home.visitor() as visitor, visitor.stream("GET", "/live") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        first = next(line for line in stream.iter_lines() if line)
        assert json.loads(first.removeprefix("data: ")) == ["Nothing comes from the meter."]


def test_one_visitor_does_not_take_the_streams_of_all(home):
    with home.visitor() as first, home.visitor() as second, ExitStack() as streams:
        read = []  # a reader that is forgotten ends its stream

        def status(visitor):
            stream = streams.enter_context(visitor.stream("GET", "/live"))
            if stream.status_code == 200:
                read.append(stream.iter_lines())
                assert next(read[-1]).startswith("data: ")
            return stream.status_code

        assert [status(first) for _ in range(STREAMS_MAX_EACH + 1)] == [200, 200, 503]
        assert status(second) == 200


@pytest.mark.parametrize(
    "part",
    [
        b"GET / HTTP/1.1\r\nHost: loc",
        b"POST /entrer HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\ncode",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HTTP/1.1\r\nHost: loc",
    ],
)
def test_those_who_ask_nothing_are_let_go_and_others_are_answered_meanwhile(home, part):
    """Each silent visitor holds a connection; beyond sixteen of one address nobody is let in."""
    with home.visitor() as visitor:
        context = ssl.create_default_context(cafile=home.directory / PAGE_DIRECTORY / AUTHORITY)
        silent = []
        for _ in range(12):
            raw = socket.create_connection(("127.0.0.1", home.page.port))
            silent.append(context.wrap_socket(raw, server_hostname="localhost"))
            silent[-1].sendall(part)
        try:
            assert visitor.get("/").status_code == 200
            for each in silent:
                each.settimeout(30)
                assert _is_let_go(each)
        finally:
            for each in silent:
                each.close()


def test_those_who_never_begin_tls_have_their_share_of_the_places(home):
    """Each costs the page a file and 300 kB, long before it is known who it is."""
    with home.visitor() as visitor:
        strangers = [
            socket.create_connection(("127.0.0.1", home.page.port), 30, ("127.0.0.9", 0))
            for _ in range(CONNECTIONS_MAX_EACH + 4)
        ]
        try:
            assert visitor.get("/").status_code == 200
            assert sum(_is_let_go(each) for each in strangers[CONNECTIONS_MAX_EACH:]) == 4
        finally:
            for each in strangers:
                each.close()


def _is_let_go(connection: socket.socket) -> bool:
    try:
        while connection.recv(4096):
            pass
    except (ConnectionError, ssl.SSLError):
        pass
    return True


def test_the_page_outlives_its_chip_and_a_killed_page_costs_the_chip_nothing(home):
    before = home.chip.log.count("chip_started")
    with home.visitor() as visitor:
        home.chip.end(signal.SIGKILL)
        away = visitor.get("/")
        assert away.status_code == 503
        assert "The chip does not answer" in away.text
        assert "systemctl start &#34;volet-edge@$USER&#34;</code>" in away.text, "what starts it"
        assert "no bill will be wrong by it" in away.text, "it is enrolled"
        assert "chip's program does not answer" in visitor.get("/api/v1/today").json()["error"]
        home.chip.close()
        home.chip = ChipProcess(home.directory)
        home.chip.__enter__()
        assert visitor.get("/").status_code == 200
    home.page.__exit__()
    home.feed.send(home.chip, FRAMES)
    home.page = PageProcess(home.directory).__enter__()
    with home.visitor() as visitor:
        assert visitor.get("/").status_code == 200
    assert home.chip.log.count("chip_started") == before + 1
