"""The process that lays out a bill: small, bounded, and with the same result as the command's."""

import signal
import subprocess
import sys

import msgspec
import pytest

from edge.bills.document import compose
from edge.bills.render import render_pdf
from edge.language.choice import Lang
from tests.unit.bills.test_bill_document import judged, papers

DRAW = (sys.executable, "-I", "-m", "edge.bills.drawing")
# In a chip's unit it is beside the chip, which takes up to 100 MB: together less than its MemoryMax.
RESIDENT_KB_MAX = 90_000
STATUS = """
import atexit, runpy, sys
tell = lambda: print(open("/proc/self/status").read(), *sys.modules, file=sys.stderr)
atexit.register(tell)
runpy.run_module("edge.bills.drawing", run_name="__main__")
"""


def drawn(document, program=DRAW):
    data = msgspec.json.encode(document)
    return subprocess.run(program, input=data, capture_output=True, check=False)


@pytest.mark.parametrize("lang", Lang)
def test_it_gives_the_pdf_that_the_command_writes(lang):
    document = compose(judged(), papers(messages=("Bonjour.",)), lang)
    done = drawn(document)
    assert done.returncode == 0, done.stderr
    assert done.stdout == render_pdf(document)


def test_it_takes_little_memory_and_knows_no_vault():
    done = drawn(compose(judged(), papers(), Lang.FR), (sys.executable, "-c", STATUS))
    told = done.stderr.decode()
    assert int(told.split("VmHWM:")[1].split()[0]) < RESIDENT_KB_MAX, told
    modules = set(told.split())
    assert not {"tenseal", "numpy", "sqlite3", "edge.vault", "edge.identity"} & modules
    assert "weasyprint" in modules


def test_a_page_that_takes_too_much_memory_fails_by_itself():
    document = compose(judged(), papers(messages=("word " * 2_000_000,)), Lang.EN)
    done = drawn(document)
    assert done.returncode != 0
    assert done.stdout == b""


def test_it_ends_by_itself():
    code = "import edge.bills.drawing as d; d.WITHIN_S = 1; d.main()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE) as process:
        assert process.wait() == -signal.SIGALRM
