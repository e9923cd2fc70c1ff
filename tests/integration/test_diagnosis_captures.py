"""The diagnosis against captures of real meters, as they are and spoiled, where they are at hand."""

import json
import random

import pytest

from edge.tic.diagnosis import LineFault, diagnose
from edge.tic.frame import Mode
from tests.integration.test_tic_captures import CAPTURES
from tests.support.spoiled_line import FAULTS
from tests.unit.tic.tic_streams import drop_byte, flip_bit, with_parity

WINDOW_BYTES = 6144
# What a rule needs of a line: a frame of either mode and somewhat more, or longer.
SPOILED_BYTES = {
    LineFault.READ_TOO_SLOW: 3000,
    LineFault.COOKED: 5000,
    LineFault.SLOW_EDGES: 1500,
    LineFault.BIT_ERRORS: 1500,
}
LEAST_BYTES = 600
CLEAN = [
    (path.with_suffix(".bin"), Mode(read["mode"]))
    for path in sorted(CAPTURES.glob("*.json"))
    if (read := json.loads(path.read_text())) and isinstance(read, dict)
    if read.get("quality") == "clean" and not path.stem.startswith("derived")
]
CASES = [
    pytest.param(fault, spoil, path, mode, id=f"{fault}-{spoil.__qualname__}-{path.stem}")
    for fault, spoil, modes in FAULTS
    for path, mode in CLEAN
    if mode in modes and path.stat().st_size >= SPOILED_BYTES.get(fault, LEAST_BYTES)
]

pytestmark = pytest.mark.skipif(not CLEAN, reason="no TIC captures (set VOLET_SHARED)")


@pytest.mark.parametrize(("fault", "spoil", "path", "mode"), CASES)
def test_a_fault_is_found_on_a_real_line(fault, spoil, path, mode):
    spoiled = spoil(path.read_bytes()[: SPOILED_BYTES.get(fault, 1500)], mode)[:WINDOW_BYTES]
    assert diagnose(spoiled)[:1] == (fault,)


@pytest.mark.parametrize(("path", "mode"), CLEAN, ids=lambda value: getattr(value, "stem", value))
def test_a_clean_capture_shows_no_fault(path, mode):
    del mode
    rng = random.Random(path.stem)
    whole = path.read_bytes()
    for stream in (whole, with_parity(whole)):
        assert diagnose(stream[-WINDOW_BYTES:]) == ()
        for _ in range(25):
            start, size = rng.randrange(len(stream)), rng.randrange(1, 2000)
            if part := stream[start : start + size]:
                assert diagnose(part) == (), (start, size)
        for _ in range(8):
            hit = stream[:WINDOW_BYTES]
            for _ in range(len(hit) // 100):
                hit = rng.choice((flip_bit, drop_byte))(rng, hit)
            assert diagnose(hit) == ()
