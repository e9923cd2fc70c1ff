"""What is kept of the board without its tools: lists, drawing and results belong together."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.parts import listed_parts, parts_csv, parts_table, with_table
from hardware.simulate import uart
from hardware.simulate.sweep import (
    CHOSEN,
    FORMER,
    LEVELS,
    SAMPLES,
    STANDARD,
    TRIED,
    as_csv,
    kept_results,
    model_hash,
    rows,
    what_fails,
)
from hardware.simulate.words import ohm_text, table
from tests.support.environments import ROOT

HARDWARE = ROOT / "hardware"
GUIDE = (HARDWARE / "README.md").read_text("utf-8")
PARTS = (HARDWARE / "bom.csv").read_text("utf-8")
_PIN = re.compile(r"^(line|city|home|button)_gpio = (\d+)$", re.MULTILINE)


def test_the_guide_shows_the_parts_list():
    assert parts_csv(listed_parts(PARTS)) == PARTS
    assert with_table(GUIDE, parts_table(listed_parts(PARTS))) == GUIDE


def test_parts_and_drawing_have_the_values_that_were_simulated():
    values = {part.ref: part.value for part in listed_parts(PARTS)}
    chosen = [ohm_text(ohm) for ohm in (CHOSEN.r1_ohm, CHOSEN.r2_ohm, CHOSEN.r3_ohm)]
    assert [values[ref] for ref in ("R1", "R2", "R3")] == chosen == ["470 Ω", "2.2 kΩ", "10 kΩ"]
    drawing = (HARDWARE / "tic-interface.svg").read_text("utf-8")
    for ref in ("R1", "R2", "R3", "U1", "Q1"):
        assert f">{ref}  {values[ref]}<" in drawing


def test_the_kept_results_belong_to_the_kept_model():
    kept_hash, results = kept_results()
    assert kept_hash == model_hash(), "`./run hardware --write` simulates anew"
    assert len(results) == len(TRIED) * len(LEVELS) * len(SAMPLES)
    assert as_csv(results) == (HARDWARE / "simulate/results.csv").read_text("utf-8")


def test_the_guide_shows_the_kept_results():
    assert with_table(GUIDE, table(kept_results()[1])) == GUIDE


def test_the_chosen_values_are_read_and_the_former_are_not():
    found = list(rows(kept_results()[1]))
    assert {row.speed_bit_s for row in found if row.values == CHOSEN} == {1200, 9600}
    assert what_fails(row for row in found if row.values == CHOSEN) == []
    fast = [row for row in found if row.speed_bit_s == STANDARD.speed_bit_s]
    assert len(what_fails(row for row in fast if row.values == FORMER)) >= 2
    assert len(what_fails(row for row in fast if row.values.r2_ohm == 10_000)) >= 2


def test_the_panels_page_has_the_pins_of_the_guide_to_the_pi():
    guide = (ROOT / "docs/how-to/run-on-a-raspberry-pi.md").read_text("utf-8")
    panel = (HARDWARE / "panel.md").read_text("utf-8")
    pins = dict(_PIN.findall(guide))
    assert len(pins) == 4
    for name, gpio in pins.items():
        assert re.search(rf"\| {gpio} \|.*`{name}_gpio = {gpio}`", panel)


def square(text: bytes, bit: int, late: int = 0) -> np.ndarray:
    """Levels of `text`, `bit` of them a bit; a rise comes `late`."""
    levels = np.repeat(np.array(uart.line_bits(text), dtype=np.int8), bit)
    delayed = np.concatenate((np.ones(late, dtype=np.int8), levels))[: levels.size]
    return np.minimum(levels, delayed)


@given(st.binary(max_size=12).map(lambda text: bytes(byte & 0x7F for byte in text)))
def test_the_uart_reads_what_was_sent(text):
    assert uart.read(square(text, 16), 1.0, 16.0) == text
    for share in (0.985, 1.015):
        assert uart.read(square(text, 100), 1.0, 100 * share) == text


@pytest.mark.parametrize(("late", "is_read"), [(0, True), (45, True), (55, False)])
def test_a_rise_that_is_late_by_half_a_bit_is_read_as_zero(late, is_read):
    text = b"\nEAST\t012345678\t1\r"
    assert (uart.read(square(text, 100, late), 1.0, 100.0) == text) == is_read


def test_late_edges_are_measured():
    fall_s, rise_s, extra = uart.lateness(square(b"U", 100, 30), 1.0, uart.line_bits(b"U"), 100.0)
    assert (fall_s, rise_s, extra) == (0.0, 30.0, 0)


def test_between_the_thresholds_a_level_stays():
    volts = np.array([3.3, 1.5, 0.5, 1.5, 2.5, 1.0])
    assert uart.levels(volts).tolist() == [1, 1, 0, 0, 1, 1]


def test_a_page_without_the_table_is_an_error():
    with pytest.raises(ValueError, match="no table"):
        with_table("# Page\n", "| a |\n|---|")
