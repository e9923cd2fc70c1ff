"""Bills as PDF for the page, one at a time, each laid out in a process that ends with it.

Laying out would take 50 MB of the chip for good, and seconds in which its door answers nobody. What
the process is given and gives goes through pipes, so that nothing of a bill is on a disk. After each
it rests for as long as that took, so that whoever asks again and again leaves metering half of a core.
"""

import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence

import msgspec
import structlog

from edge.bills.drawing import WITHIN_S
from edge.bills.sheet import BillDocument
from edge.household.messages import ANSWER_BYTES_MAX
from protocol.errors import DocumentRefused
from system.conditions import Repeated

# In an answer each three bytes are four.
PDF_BYTES_MAX = ANSWER_BYTES_MAX * 7 // 10
# It ends by itself before.
_GRACE_S = 5.0
_CHUNK_BYTES = 1 << 16
_PROGRAM = (sys.executable, "-I", "-m", "edge.bills.drawing")
# By which fonts are found; the chip's environment names its credentials too.
_ENVIRONMENT = ("HOME", "PATH")

log = structlog.get_logger()


class BillPrinter:
    """Lays bills out; asked by one thread."""

    def __init__(
        self,
        program: Sequence[str] = _PROGRAM,
        within_s: float = WITHIN_S + _GRACE_S,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Run `program` for each bill, and end it after `within_s` seconds."""
        self._program = program
        self._within_s = within_s
        self._monotonic_s = monotonic_s
        self._rests_until_s = float("-inf")
        self._printing: _Printing | None = None
        self._repeated = Repeated()

    def pdf(self, name: str, document: Callable[[], BillDocument]) -> bytes | None:
        """Return the PDF of the bill of that name, once; None while one is in work or rest, to ask again.

        `document` is called, and what it raises is raised, when the bill is begun.

        Raises:
            DocumentRefused: the bill could not be laid out.
        """
        printing = self._printing
        if printing is not None and printing.is_in_work:
            return None
        if printing is not None:
            self._rests_until_s = printing.rests_until_s
        if printing is None or printing.name != name:
            if self._monotonic_s() < self._rests_until_s:
                return None
            data = msgspec.json.encode(document())
            self._printing = _Printing(name, self._monotonic_s)
            self._printing.start(self._program, data, self._within_s)
            return None
        self._printing = None
        if printing.why and (times := self._repeated.found("bill", printing.why)):
            log.warning("bill_not_laid_out", why=printing.why, times=times)
        return printing.result()

    def close(self) -> None:
        """End what is in work."""
        if self._printing is not None:
            self._printing.end()


class _Printing:
    """One bill in work; `why` says why there is no PDF, `rests_until_s` when the next may begin."""

    def __init__(self, name: str, monotonic_s: Callable[[], float]) -> None:
        self.name = name
        self.why = ""
        self._monotonic_s = monotonic_s
        self._since_s = self.rests_until_s = monotonic_s()
        self._pdf = b""
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None

    def start(self, program: Sequence[str], data: bytes, within_s: float) -> None:
        """Begin to lay it out."""
        process = subprocess.Popen(
            program,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # a trace would hold what stands on the bill
            env={each: os.environ[each] for each in _ENVIRONMENT if each in os.environ},
        )
        until_s = time.monotonic() + within_s
        self._process = process
        self._thread = threading.Thread(
            target=self._follow, args=(process, data, until_s), name="bill", daemon=True
        )
        self._thread.start()

    @property
    def is_in_work(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def result(self) -> bytes:
        """Return the PDF.

        Raises:
            DocumentRefused: there is none.
        """
        if self.why:
            raise DocumentRefused(
                "This bill could not be laid out as PDF here; type `volet edge bills --pdf FILE`."
            )
        return self._pdf

    def end(self) -> None:
        """End what is in work, and wait for its end."""
        if self._process is not None:
            self._process.kill()
        if self._thread is not None:
            self._thread.join()

    def _follow(self, process: "subprocess.Popen[bytes]", data: bytes, until_s: float) -> None:
        with process:
            try:
                self._pdf = _exchanged(process, data, until_s)
                process.wait(max(0.0, until_s - time.monotonic()))
            except (OSError, OverflowError, subprocess.TimeoutExpired) as exc:
                self.why = type(exc).__name__
            process.kill()
        self.rests_until_s = 2 * self._monotonic_s() - self._since_s
        if not self.why and process.returncode:
            self.why = f"exit code {process.returncode}"


def _exchanged(process: "subprocess.Popen[bytes]", data: bytes, until_s: float) -> bytes:
    """Give a process its input and return its output.

    Raises:
        OSError: it does not take the one, or is not ready with the other in time.
        OverflowError: it gives more than a PDF of a bill has.
    """
    to, of = process.stdin, process.stdout
    if to is None or of is None:
        raise ValueError("a process without pipes")
    left, given = memoryview(data), bytearray()
    os.set_blocking(to.fileno(), False)
    while True:
        wait_s = until_s - time.monotonic()
        if wait_s <= 0:
            raise TimeoutError
        ready, free, _ = select.select([of], [to] if left else [], [], wait_s)
        if free:
            left = left[os.write(to.fileno(), left[:_CHUNK_BYTES]) :]
            if not left:
                to.close()
        if ready:
            chunk = os.read(of.fileno(), _CHUNK_BYTES)
            if not chunk:
                return bytes(given)
            given += chunk
            if len(given) > PDF_BYTES_MAX:
                raise OverflowError
