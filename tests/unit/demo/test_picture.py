"""The demo's picture and bars."""

import io
from datetime import date

import numpy as np
import pytest
from rich.console import Console

from volet.demo.picture import Day, relative_error, save_picture, show


def make_day(count):
    plain = 1_000 + 400 * np.sin(np.arange(count) / 12)
    return Day(
        group="751010101",
        day=date(2026, 3, 29),
        plain_wh=plain,
        released_wh=plain * 1.02,
        band_wh=np.full(count, 60.0),
        local_wh=plain * 1.3,
        local_raw_wh=plain * -8.0,
    )


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_the_same_days_give_the_same_picture_byte_for_byte(tmp_path, suffix):
    first, second = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    for path in (first, second):
        save_picture([make_day(92), make_day(96)], path)
    assert first.read_bytes() == second.read_bytes()
    assert first.stat().st_size > 10_000


@pytest.mark.parametrize("count", [92, 96, 100])
def test_the_terminal_shows_four_curves_and_their_errors(count):
    out = io.StringIO()
    show(make_day(count), Console(file=out, width=120))
    text = out.getvalue()
    assert "2.0 % off" in text or "2.1 % off" in text
    assert "% off" in text.splitlines()[-1]
    assert len(text.splitlines()) == 5


def test_the_error_is_relative_to_the_mean():
    plain = np.array([1.0, 3.0])
    assert relative_error(plain + 1, plain) == pytest.approx(0.5)
    assert relative_error(plain, plain) == 0
