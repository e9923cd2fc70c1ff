"""Lays out one bill as PDF in a process of its own: a `BillDocument` on stdin, the PDF on stdout.

The running chip starts it (`edge.household.printing`), because laying out takes memory and time that
are metering's. It gets no key and no path, writes no file, and ends by itself whatever becomes of
the chip.
"""

import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path

from edge.bills.render import render_pdf
from edge.bills.sheet import BillDocument
from protocol.json_text import read_json
from system.secret_memory import protect_memory

# A slow board takes perhaps forty.
WITHIN_S = 120
# Writable memory. A bill takes 78 MB of it, 45 MB of them used; one that wants more fails here,
# before the chip's unit has no memory left.
DATA_BYTES_MAX = 120_000_000
_KILLED_FIRST = "1000"


def main() -> None:
    """Lay out the bill on stdin."""
    signal.alarm(WITHIN_S)  # ends the process, also one that hangs in a library
    protect_memory()
    resource.setrlimit(resource.RLIMIT_DATA, (DATA_BYTES_MAX, DATA_BYTES_MAX))
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_KILLED_FIRST, "ascii")
    document = read_json(sys.stdin.buffer.read(), BillDocument)
    sys.stdout.buffer.write(render_pdf(document))


if __name__ == "__main__":
    main()
