"""The household's page as a process, and a browser without a window."""

import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

import httpx

from edge.page.names import AUTHORITY, NAME
from edge.stage import PAGE_DIRECTORY
from tests.support.broker import wait_until
from tests.support.work import worked

ENTER = "/entrer"
DRAFT = "envoi"
PROGRAM = (sys.executable, "-m", "volet.main", "edge", "page")


def patiently(ask: Callable[[], httpx.Response]) -> httpx.Response:
    """Ask again while the page has had enough requests of this second."""
    while (answer := ask()).status_code == httpx.codes.TOO_MANY_REQUESTS:
        time.sleep(float(answer.headers["retry-after"]) / 4)
    return answer


def sent_patiently(visitor: httpx.Client, send: Callable[[], httpx.Response]) -> httpx.Response:
    """Send a form; return the page that it leads to if the page keeps it, else its own answer.

    What is refused is kept too: a browser that loads such an answer again would send the form again.
    """
    answer = patiently(send)
    assert answer.status_code != httpx.codes.UNPROCESSABLE_ENTITY, answer.text
    place = answer.headers.get("location", "")
    if answer.status_code == httpx.codes.SEE_OTHER and f"?{DRAFT}=" in place:
        return patiently(lambda: visitor.get(place))
    return answer


class PageProcess:
    """`volet edge page` over the chip in a directory.

    Args:
        chip: the directory, as this process sees it.
        program: the command with what names the directory to it; this machine's by default.
        end: the signal that ends it.
    """

    name = NAME

    def __init__(
        self, chip: Path, program: Sequence[str] = (), end: signal.Signals = signal.SIGTERM
    ) -> None:
        self.directory = chip / PAGE_DIRECTORY
        self._program = program or (*PROGRAM, "--dir", str(chip))
        self._end = end
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"https://localhost:{self.port}"

    def __enter__(self) -> Self:
        self._process = subprocess.Popen([*self._program, "--port", str(self.port)])
        # Under emulation, and on a busy machine, a start may take minutes of work.
        wait_until(self._answers, "the page", lambda: worked(self.pid))
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.send_signal(self._end)
        self._process.wait()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def visitor(self, **headers: str) -> httpx.Client:
        """Return a visitor who trusts the page's authority."""
        context = ssl.create_default_context(cafile=self.directory / AUTHORITY)
        return httpx.Client(
            base_url=self.address, verify=context, headers={"Accept-Language": "en"} | headers
        )

    def pair(self, visitor: httpx.Client, *options: str) -> httpx.Response:
        """Let a visitor in by a code from the console."""
        return visitor.post(ENTER, data={"code": self.code(*options)}, headers=self.origin)

    def code(self, *options: str) -> str:
        shown = subprocess.run(
            [*self._program, "--pair", *options], capture_output=True, text=True, check=True
        ).stdout
        found = re.search(r"^(\d{4}) (\d{4})$", shown, re.MULTILINE)
        assert found, shown
        return found[1] + found[2]

    @property
    def origin(self) -> dict[str, str]:
        return {"Origin": self.address}

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, "the page has ended"
        try:
            with self.visitor() as visitor:
                visitor.get(ENTER)
        except (httpx.TransportError, OSError):
            return False
        return True
