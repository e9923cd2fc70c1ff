"""Floods of visitors, uploads and downloads: what they cost the page and the chip that meters meanwhile."""

import itertools
import json
import signal
import socket
import ssl
import struct
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import httpx
import msgspec
import pytest

from edge.household.call import door_in
from edge.household.requests import SeeOffer
from edge.household.visitors import VisitorRole, household_name
from edge.identity.enrolment import signer_of
from edge.metering.events import QuarterHourClosed
from edge.metering.state import MeterState
from edge.page.names import AUTHORITY
from edge.page.server import CONNECTIONS_MAX
from edge.page.sessions import form_token
from edge.page.visit import SESSION_COOKIE
from edge.vault.kept_curve import KeptCurve, save_kept_curve
from edge.vault.reader import read_vault
from edge.vault.vault import Vault
from protocol.calendar import QUARTER_HOUR, day_start
from tests.integration.test_chip_process import CONFIG, Program, Wire
from tests.support.broker import enrol_chip, make_cloud, wait_until
from tests.support.chip_town import MONTH
from tests.support.page_process import DRAFT, ENTER, PageProcess, patiently
from tests.support.work import worked

CHIP_MAX_KB, PAGE_MAX_KB = 100_000, 45_000
YEAR_DAYS = 330
UPLOAD = "/accords/offre"
QUARTERS = 96
# As many addresses as it takes to have all connections of the page.
SOURCES = 4
# What a form may have at most, of signs that take most in memory and in JSON.
LARGE = 59_000
LINES = YEAR_DAYS * 96 - 100
UPLOADS = {
    "control": "\x01" * LARGE,
    "wide": "\U0001f4a9" * (LARGE // 4),
    "deep": "[" * LARGE,
    "many": '{"kind": "Offer", "body": "' + "A" * (LARGE - 40) + '"}',
}


pytestmark = pytest.mark.long


class FloodedHome:
    """A chip on a pty with a year of quarter-hours, and its page."""

    def __init__(self, folder: Path) -> None:
        make_cloud(folder / "cloud")
        self.directory = folder / "chip"
        self.identity = enrol_chip(folder / "cloud", self.directory)
        self._live_through_a_year()
        (self.directory / "edge.toml").write_text(CONFIG.format(rhythm="daily"))
        self.wire = Wire(folder / "tic", days=20)
        source = ("--source", str(self.wire.path))
        run = ("edge", "run", "--dir", str(self.directory), *source)
        self.chip = Program(folder / "chip.log", *run)
        self.page = PageProcess(self.directory)

    def _live_through_a_year(self):
        save_kept_curve(self.directory, KeptCurve(12))
        vault = Vault.open(self.directory, signer_of(self.identity))
        for n in range(YEAR_DAYS, 0, -1):
            day = MONTH - timedelta(days=n)
            vault.record([QuarterHourClosed(day, j, 100 + j) for j in range(96)], MeterState())
        vault.close()

    def __enter__(self):
        self.start_chip()
        self.live(12)
        self.page.__enter__()
        return self

    def __exit__(self, *_):
        self.page.__exit__()
        self.chip.end()
        self.wire.link.close()

    def start_chip(self):
        self.chip.start()
        self.wire.link.wait_for_reader()
        wait_until(door_in(self.directory).exists, "the door", lambda: self.chip.log)

    def live(self, quarters):
        """Let quarter-hours pass; each frame is read before the next one comes."""
        for _ in range(quarters):
            self.wire.send()
            self.wire.link.drain()
            assert not self.wire.link._unread_bytes(), "the chip reads its meter no more"

    @property
    def stored(self):
        with read_vault(self.directory) as vault:
            return vault.figures().intervals

    @property
    def due(self):
        return YEAR_DAYS * 96 + (self.wire.at - day_start(MONTH)) // QUARTER_HOUR - 2

    @contextmanager
    def visitor(self):
        with self.page.visitor() as visitor:
            assert self.page.pair(visitor).headers["location"] == "/"
            yield visitor

    def question(self, **fields):
        name = household_name(self.identity.household_key)
        return SeeOffer(household=name, role=VisitorRole.OWNER, start=MONTH, **fields)


def most_kb(pid):
    """Return the most memory (kB) that a process has had resident."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


def resident_kb(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    with FloodedHome(tmp_path_factory.mktemp("flooded")) as home:
        yield home


class Flood:
    """Runs what floods, each in threads of its own, until it is over."""

    def __init__(self, home):
        self.home, self.over, self.threads = home, threading.Event(), []
        self.done, self.wrong = 0, []

    def add(self, do, count=1):
        self.threads += [threading.Thread(target=self._run, args=(do,)) for _ in range(count)]

    def _run(self, do):
        while not self.over.is_set():
            try:
                do()
            except (OSError, httpx.TransportError, ssl.SSLError):
                time.sleep(0.05)  # hung up on, as it should be
            except Exception as exc:  # noqa: BLE001 - the test says what it was
                self.wrong.append(exc)
                return
            self.done += 1

    def __enter__(self):
        for each in self.threads:
            each.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for each in self.threads:
            each.join()


def upload(home, visitor, text):
    """Show the page a file, as a browser does."""
    token = form_token(visitor.cookies[SESSION_COOKIE])
    fields = {"form": token, "start": str(MONTH), "consent": "", "follows": ""}
    visitor.post(UPLOAD, data=fields, files={"offer": text.encode()}, headers=home.page.origin)


@contextmanager
def connected(home, source="127.0.0.1"):
    """Speak to the page over TLS, from an address of this machine."""
    context = ssl.create_default_context(cafile=home.page.directory / AUTHORITY)
    with (
        socket.create_connection(("127.0.0.1", home.page.port), 20, (source, 0)) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as channel,
    ):
        yield channel


def head(home, method, path, *lines):
    """Return the head of a request, without its end."""
    start = (f"{method} {path} HTTP/1.1", f"Host: localhost:{home.page.port}")
    return "".join(f"{line}\r\n" for line in (*start, *lines)).encode()


def cookie_of(visitor):
    return f"Cookie: {SESSION_COOKIE}={visitor.cookies[SESSION_COOKIE]}"


def form_of(home, length):
    kind = "Content-Type: multipart/form-data; boundary=x"
    return f"Origin: {home.page.address}", f"Content-Length: {length}", kind


def raw(home, length, parts, pause_s, path=UPLOAD, cookies=()):
    """Send a form of `length` bytes in parts, and hang up after the last."""
    with connected(home) as channel:
        channel.sendall(head(home, "POST", path, *form_of(home, length), *cookies) + b"\r\n")
        for part in parts:
            channel.sendall(part)
            time.sleep(pause_s)


def knock(home, frame, pause_s=0.0, step=1 << 20):
    """Say something at the chip's door, and read what comes."""
    with socket.socket(socket.AF_UNIX) as channel:
        channel.settimeout(20)
        channel.connect(str(door_in(home.directory)))
        for n in range(0, len(frame), step):
            channel.sendall(frame[n : n + step])
            time.sleep(pause_s)
        channel.shutdown(socket.SHUT_WR)
        while channel.recv(1 << 16):
            pass


def framed(message):
    body = msgspec.json.encode(message)
    return struct.pack(">I", len(body)) + body


def test_floods_of_uploads_and_downloads_cost_no_quarter_hour_and_little_memory(home):
    flood = Flood(home)
    texts = itertools.cycle(UPLOADS.values())
    with ExitStack() as visitors:
        let_in = [visitors.enter_context(home.visitor()) for _ in range(6)]
        for visitor in let_in:
            flood.add(lambda visitor=visitor: upload(home, visitor, next(texts)), 3)
        cookies = (cookie_of(let_in[0]),)
        flood.add(lambda: raw(home, LARGE, [b"x" * 10_000], 0.0, cookies=cookies), 2)
        flood.add(lambda: raw(home, LARGE, [b"x"] * 40, 0.5, cookies=cookies), 4)
        flood.add(lambda: raw(home, LARGE, [b"x" * LARGE], 0.0, path=ENTER), 4)
        for kind in ("csv", "json"):
            for visitor in let_in[:2]:
                flood.add(lambda v=visitor, k=kind: v.get(f"/donnees/courbe.{k}", timeout=60))
        questions = [home.question(offer=text[:64_000]) for text in UPLOADS.values()]
        frames = itertools.cycle([*map(framed, questions), struct.pack(">I", 1 << 31), b"\0\0"])
        flood.add(lambda: knock(home, next(frames)), 6)
        flood.add(lambda: knock(home, framed(questions[0]), pause_s=0.2, step=100), 2)
        with flood:
            home.live(QUARTERS)
    assert not flood.wrong
    wait_until(lambda: home.stored >= home.due, "the quarter-hours", lambda: home.stored)
    assert most_kb(home.chip.process.pid) < CHIP_MAX_KB
    assert most_kb(home.page.pid) < PAGE_MAX_KB


def sent_form(home, visitor, path, **fields):
    """Send a form; return where the page has kept it, empty if nowhere."""
    token = form_token(visitor.cookies.get(SESSION_COOKIE, ""))
    answer = patiently(
        lambda: visitor.post(path, data={"form": token} | fields, headers=home.page.origin)
    )
    place = answer.headers.get("location", "")
    return place if f"?{DRAFT}=" in place else ""


def test_forms_that_are_sent_to_be_kept_take_neither_memory_nor_the_place_of_others(home):
    large = {f"field{n}": UPLOADS["wide"][: LARGE // 100] for n in range(8)}
    with home.visitor() as own, home.visitor() as flooding, home.page.visitor() as stranger:
        kept = sent_form(home, own, "/donnees/garder", months="12")
        assert kept
        for _ in range(60):
            assert sent_form(home, flooding, "/donnees/garder", months="12", **large)
        assert patiently(lambda: own.get(kept)).status_code == 200
        assert not sent_form(home, stranger, "/donnees/garder", months="12")
    assert resident_kb(home.page.pid) < PAGE_MAX_KB


@pytest.mark.parametrize("kind", ["csv", "json"])
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_a_download_is_visibly_cut_off_where_the_chip_ends(home, kind, end):
    with home.visitor() as visitor:
        with visitor.stream("GET", f"/donnees/courbe.{kind}") as answer:
            pieces = answer.iter_bytes()
            next(pieces)
            home.chip.end(end)
            with pytest.raises(httpx.RemoteProtocolError, match="incomplete"):
                list(pieces)
        assert patiently(lambda: visitor.get(f"/donnees/courbe.{kind}")).status_code == 503
        home.start_chip()
        whole = patiently(lambda: visitor.get(f"/donnees/courbe.{kind}", timeout=60))
    assert whole.status_code == 200
    if kind == "json":
        json.loads(whole.text)
    assert whole.text.count('"value"' if kind == "json" else "\n") >= LINES


def come_to_rest(pid):
    """Wait until a process has nothing more to do."""
    before = None
    while (done := worked(pid)) != before:
        before = done
        time.sleep(1.0)


@pytest.mark.parametrize("what", ["nothing", "a long head", "half a file", "a download"])
def test_all_connections_at_once_take_little_memory(home, what):
    """Each carries as much as it may, they come from several addresses, and nobody takes an answer."""
    with ExitStack() as held:
        visitor = held.enter_context(home.visitor())
        patiently(lambda: visitor.get("/donnees/courbe.json", timeout=60))
        visitor.close()
        sent = {
            "nothing": b"",
            "a long head": head(home, "GET", ENTER) + b"X: " + b"x" * 30_000,
            "half a file": b"%b\r\n%b"
            % (
                head(home, "POST", UPLOAD, *form_of(home, LARGE), cookie_of(visitor)),
                b"x" * (LARGE - 1),
            ),
            "a download": head(home, "GET", "/donnees/courbe.json", cookie_of(visitor)) + b"\r\n",
        }[what]
        for n in range(CONNECTIONS_MAX):
            channel = held.enter_context(connected(home, f"127.0.1.{n % SOURCES + 1}"))
            with suppress(OSError):  # hung up on, as it may be
                channel.sendall(sent)
        come_to_rest(home.page.pid)
    assert most_kb(home.page.pid) < PAGE_MAX_KB


def hang_up(home, cookie):
    """Ask for a page that the chip has to answer for, and hang up at once."""
    with connected(home) as channel:
        channel.sendall(head(home, "GET", "/etat", cookie) + b"\r\n")


def test_who_hangs_up_leaves_nothing_behind(home):
    """The page kept each for three minutes, with all that was sent."""
    flood = Flood(home)
    with ExitStack() as visitors:
        for _ in range(6):
            visitor = visitors.enter_context(home.visitor())
            cookie = cookie_of(visitor)
            flood.add(lambda cookie=cookie: hang_up(home, cookie))
        with flood:
            wait_until(lambda: flood.done >= 600, "visitors", lambda: flood.done)
    assert not flood.wrong
    assert resident_kb(home.page.pid) < PAGE_MAX_KB
