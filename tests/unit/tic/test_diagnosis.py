"""Each fault of a line is found from its bytes, and none on a line that decodes."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.language.choice import Lang
from edge.tic import diagnosis
from edge.tic.diagnosis import LineFault, diagnose
from edge.tic.fault_finder import FaultFinder
from edge.tic.frame import Mode
from edge.tic.hints import HINTS
from tests.support.spoiled_line import FAULTS, read_at_other_speed
from tests.unit.tic.tic_streams import (
    drop_byte,
    flip_bit,
    meter_stream,
    repeat_byte,
    replace_byte,
    with_parity,
)

SEEDS = st.integers(0, 2**32)
WINDOW_BYTES = 6144
CASES = [
    pytest.param(fault, spoil, mode, id=f"{fault}-{getattr(spoil, '__qualname__', '')}-{mode}")
    for fault, spoil, modes in FAULTS
    for mode in modes
]


def stream(seed: int, mode: Mode, least_bytes: int = 5000) -> bytes:
    """Return frames of a meter in a mode."""
    rng = random.Random(seed)
    while True:
        made, _ = meter_stream(rng, frames=12)
        if (b"\t" in made) == (mode is Mode.STANDARD):
            return made[: max(least_bytes, made.find(b"\x03"))]


@pytest.mark.parametrize(("fault", "spoil", "mode"), CASES)
def test_a_fault_is_found(fault, spoil, mode):
    for seed in range(2):
        found = diagnose(spoil(stream(seed, mode), mode)[:WINDOW_BYTES])
        assert found[:1] == (fault,), (seed, found)


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.booleans(), st.integers(1, 2000), st.integers(0, 3000))
def test_a_good_line_and_any_part_of_it_show_no_fault(seed, has_parity, size, start):
    made, _ = meter_stream(random.Random(seed), frames=6)
    made = with_parity(made) if has_parity else made
    start %= len(made)
    assert diagnose(made[start : start + size] or made) == ()


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.booleans(), st.integers(300, WINDOW_BYTES))
def test_a_natural_error_in_a_hundred_bytes_is_no_fault(seed, has_parity, size):
    assert diagnose(with_natural_errors(seed, size, has_parity=has_parity)) == ()


def with_natural_errors(seed: int, size: int, *, has_parity: bool) -> bytes:
    rng = random.Random(seed)
    made, _ = meter_stream(rng, frames=20)
    made = (with_parity(made) if has_parity else made)[:size]
    for _ in range(len(made) // 100):
        made = rng.choice((flip_bit, drop_byte, repeat_byte, replace_byte))(rng, made)
    return made


@pytest.mark.parametrize("bit_s", [None, 1200, 9600])
def test_any_bytes_are_judged(bit_s):
    rng = random.Random(7)
    for size in (0, 1, 63, 64, 65, 500, 4096):
        assert set(diagnose(rng.randbytes(size), bit_s)) <= set(LineFault)


def test_every_fault_has_a_hint_in_both_languages():
    for lang in Lang:
        assert set(HINTS[lang]) == set(LineFault)


RULES = [case for case in CASES if case.values[0] in diagnosis._CAUSES]


@pytest.mark.parametrize(("fault", "spoil", "mode"), RULES)
def test_without_its_rule_a_fault_is_not_found(monkeypatch, fault, spoil, mode):
    monkeypatch.delitem(diagnosis._CAUSES, fault)
    assert fault not in diagnose(spoil(stream(1, mode), mode)[:WINDOW_BYTES])


def test_without_its_rule_slow_edges_pass_for_noise(monkeypatch):
    monkeypatch.setattr(diagnosis, "_has_lost_ones", lambda _seen: False)
    (spoil,) = [each[1] for each in FAULTS if each[0] is LineFault.SLOW_EDGES][:1]
    assert diagnose(spoil(stream(1, Mode.STANDARD), Mode.STANDARD)) == (LineFault.BIT_ERRORS,)


def test_a_stricter_bound_for_errors_would_be_a_false_alarm(monkeypatch):
    monkeypatch.setattr(diagnosis, "_POOR_SHARE", 0.95)
    found = [
        diagnose(with_natural_errors(seed, WINDOW_BYTES, has_parity=True)) for seed in range(5)
    ]
    assert any(found)


def test_while_the_speed_is_sought_the_wrong_one_is_no_fault():
    finder = FaultFinder()
    assert finder.faults() == (LineFault.SILENT,)
    good = with_parity(stream(3, Mode.HISTORIQUE))
    finder.observe(read_at_other_speed(good, Mode.HISTORIQUE), 9600)
    assert finder.faults() == (LineFault.READ_TOO_FAST,)
    finder.observe(good, 1200)
    assert finder.faults() == ()


def test_an_inverted_line_is_named_though_both_speeds_were_tried():
    invert = next(each[1] for each in FAULTS if each[0] is LineFault.INVERTED)
    made = stream(3, Mode.HISTORIQUE)
    for order in ((9600, 1200), (1200, 9600)):
        finder = FaultFinder()
        spoiled = {1200: invert(made, Mode.HISTORIQUE), 9600: b"\x00\x80\xe0\x80\x00" * 200}
        for bit_s in order:
            finder.observe(spoiled[bit_s], bit_s)
        assert finder.faults() == (LineFault.INVERTED,)


def test_the_last_seconds_of_a_line_decide():
    finder = FaultFinder()
    for _ in range(50):
        finder.observe(stream(2, Mode.STANDARD))
    for _ in range(10):
        finder.observe(bytes(1000))
    assert finder.faults() == (LineFault.STUCK,)
    assert sum(map(len, finder._windows.values())) <= WINDOW_BYTES
