"""Bills as PDF: one at a time, in a process that ends whatever it does, and leaves nothing behind."""

import os
import signal
import sys
from contextlib import closing

import msgspec
import pytest

from edge.bills.sheet import BillDocument
from edge.household import printing
from edge.household.printing import BillPrinter
from edge.language.choice import Lang
from protocol.errors import DocumentRefused
from tests.support.broker import wait_until

BILL = BillDocument(
    lang=Lang.EN,
    words={},
    provider="Ville Énergie",
    product="",
    contract="",
    statement="",
    period="",
    is_correct=True,
    is_credit=False,
    is_estimated=False,
    findings=(),
    sections=(),
    total_ht="",
    vat=(),
    total_ttc="",
    indices=(),
    bars=(),
    messages=(),
)
ECHO = "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())"
HANG = "import time; time.sleep(3_600)"
DEAF = "import sys; sys.stdout.close(); sys.stdin.close(); import time; time.sleep(3_600)"


def printer_of(program: str, within_s: float = 60.0) -> BillPrinter:
    return BillPrinter((sys.executable, "-c", program), within_s)


def printed(printer: BillPrinter, name: str = "a", bill: BillDocument = BILL) -> bytes:
    """Ask until there is an answer, as the page does."""
    found: list[bytes] = []

    def is_there() -> bool:
        if (pdf := printer.pdf(name, lambda: bill)) is not None:
            found.append(pdf)
        return bool(found)

    wait_until(is_there, "the bill")
    return found[0]


def child_of(printer: BillPrinter) -> int:
    return printer._printing._process.pid


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize("size_bytes", [1, 1_000_000])
def test_a_process_is_given_the_bill_and_gives_the_page(size_bytes):
    bill = msgspec.structs.replace(BILL, product="x" * size_bytes)
    with closing(printer_of(ECHO)) as printer:
        assert printed(printer, bill=bill) == msgspec.json.encode(bill)


def test_a_bill_is_given_once_and_made_anew():
    with closing(printer_of(ECHO)) as printer:
        printed(printer)
        assert printer.pdf("a", lambda: BILL) is None


def test_another_bill_waits_for_the_one_in_work():
    with closing(printer_of(HANG)) as printer:
        assert printer.pdf("a", lambda: BILL) is None
        child = child_of(printer)
        assert printer.pdf("b", lambda: BILL) is None
        assert child_of(printer) == child


@pytest.mark.parametrize("is_fetched", [True, False])
def test_after_each_bill_the_chip_rests_for_as_long_as_that_took(is_fetched):
    """Whoever has taken over the page, and asks for bills for ever, must not slow metering down."""
    now_s, begun = [100.0], []

    def begin() -> BillDocument:
        begun.append(now_s[0])
        return BILL

    with closing(BillPrinter((sys.executable, "-c", HANG), 60.0, lambda: now_s[0])) as printer:
        assert printer.pdf("a", begin) is None
        now_s[0] = 108.0
        os.kill(child_of(printer), signal.SIGKILL)
        wait_until(lambda: not printer._printing.is_in_work, "the end of the first")
        if is_fetched:
            with pytest.raises(DocumentRefused):
                printer.pdf("a", begin)
        now_s[0] = 115.9
        assert printer.pdf("b", begin) is None
        assert begun == [100.0]
        now_s[0] = 116.0
        assert printer.pdf("b", begin) is None
        assert begun == [100.0, 116.0]


@pytest.mark.parametrize("program", [HANG, DEAF, f"{ECHO}; sys.stdout.close(); {HANG}"])
def test_one_that_hangs_is_ended_and_the_next_is_begun(program):
    with closing(printer_of(program, within_s=0.5)) as printer:
        assert printer.pdf("a", lambda: BILL) is None
        child = child_of(printer)
        with pytest.raises(DocumentRefused, match="could not be laid out"):
            printed(printer)
        assert is_gone(child)
        assert printer.pdf("b", lambda: BILL) is None


@pytest.mark.parametrize("program", ["1/0", "import os; os.kill(os.getpid(), 9)", "import nothing"])
def test_one_that_fails_is_told(program):
    with closing(printer_of(program)) as printer, pytest.raises(DocumentRefused):
        printed(printer)


def test_one_that_gives_without_end_is_ended(monkeypatch):
    monkeypatch.setattr(printing, "PDF_BYTES_MAX", 1_000_000)
    endless = "import sys\nwhile True: sys.stdout.buffer.write(bytes(65_536))"
    with closing(printer_of(endless)) as printer:
        assert printer.pdf("a", lambda: BILL) is None
        child = child_of(printer)
        with pytest.raises(DocumentRefused):
            printed(printer)
        assert is_gone(child)


def test_what_is_in_work_ends_with_the_chip():
    printer = printer_of(HANG)
    printer.pdf("a", lambda: BILL)
    child = child_of(printer)
    printer.close()
    assert is_gone(child)


def test_a_process_is_not_given_the_chips_environment(monkeypatch):
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/credentials/volet-edge")
    tell = "import os, sys; sys.stdin.buffer.read(); print(sorted(os.environ))"
    with closing(printer_of(tell)) as printer:
        assert b"CREDENTIALS" not in printed(printer)


def test_why_there_is_no_bill_is_told_at_once_and_the_next_can_be_asked():
    def refuse() -> BillDocument:
        raise DocumentRefused("There is none.")

    with closing(printer_of(ECHO)) as printer:
        with pytest.raises(DocumentRefused, match="none"):
            printer.pdf("a", refuse)
        printed(printer, "b")
