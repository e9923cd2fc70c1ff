"""The household's page as a process, and a browser without a window."""

import re
import socket
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Self

import httpx

from edge.page.names import AUTHORITY
from edge.stage import PAGE_DIRECTORY
from tests.support.broker import wait_until

ENTER = "/entrer"
_PAGE = (sys.executable, "-m", "volet.main", "edge", "page")


class PageProcess:
    """`volet edge page` over the chip in a directory."""

    def __init__(self, chip: Path) -> None:
        self.chip, self.directory = chip, chip / PAGE_DIRECTORY
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"https://localhost:{self.port}"

    def __enter__(self) -> Self:
        self._process = subprocess.Popen([*_PAGE, "--dir", self.chip, "--port", str(self.port)])
        wait_until(self._answers, "the page")
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.terminate()
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
            [*_PAGE, "--pair", *options, "--dir", self.chip],
            capture_output=True,
            text=True,
            check=True,
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
