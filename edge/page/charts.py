"""Curves of a day and bars as SVG; each stands beside the same numbers as text."""

from collections.abc import Sequence
from decimal import Decimal
from html import escape
from typing import NamedTuple

from edge.language.choice import Lang
from edge.language.numbers import number

# Room for labels of 28 units, which page.css gives them where the picture is narrow.
WIDTH, HEIGHT = 768, 280
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 24, 44, 44
_PLOT_WIDTH, _PLOT_HEIGHT = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM
_HOURS = (0, 6, 12, 18, 24)
_QUARTERS_AN_HOUR, _HOURS_A_DAY = 4, 24
# Clocks change after this hour of the night.
_CHANGES_AFTER_HOUR = 2


class MeanLine(NamedTuple):
    """A mean in Wh of each quarter-hour of a day, and the half-width of the band around it."""

    mean_wh: Sequence[float]
    band_wh: Sequence[float]


def day_bars(
    energy_wh: Sequence[int | None], title: str, lang: Lang, beside: MeanLine | None = None
) -> str:
    """Return the mean power of each quarter-hour as bars; a gap where nothing is known.

    Args:
        energy_wh: energy of each quarter-hour of the day, in Wh; 92 or 100 where clocks change.
        title: what the picture shows, for those who do not see it.
        lang: the language of its numbers.
        beside: what stands beside it as a line with its band, of as many quarter-hours.
    """
    power_kw = [None if each is None else _kw(each) for each in energy_wh]
    line = _line_kw(beside)
    highest = max((high for _, _, high in line), default=0.0)
    most = _ceiling(max(highest, *(each for each in power_kw if each is not None), 0.0))
    frame = f'viewBox="0 0 {WIDTH} {HEIGHT}" xmlns="http://www.w3.org/2000/svg"'
    name = "curve both" if line else "curve"
    parts = [f'<svg class="{name}" {frame} role="img" aria-label="{escape(title)}">']
    parts += _axes(most, len(power_kw), lang)
    step = _PLOT_WIDTH / len(power_kw)
    for j, power in enumerate(power_kw):
        if power is not None:
            bar = max(1.0, _PLOT_HEIGHT * power / most)
            parts.append(
                f'<rect class="bar" x="{_LEFT + j * step:.1f}" y="{_TOP + _PLOT_HEIGHT - bar:.1f}" '
                f'width="{step * 0.8:.1f}" height="{bar:.1f}"/>'
            )
    if line:
        low, mean, high = (_steps(powers, most) for powers in zip(*line, strict=True))
        around = " ".join([*high, *reversed(low)])
        parts.append(f'<polygon class="band" points="{around}"/>')
        parts.append(f'<polyline class="mean" points="{" ".join(mean)}"/>')
    return "".join([*parts, "</svg>"])


def share_bar(share: float) -> str:
    """Return a bar filled to `share` (0 to 1); what it shows stands beside it as text."""
    filled = 100 * min(max(share, 0.0), 1.0)
    return (
        '<svg class="share" viewBox="0 0 100 4" preserveAspectRatio="none" '
        'xmlns="http://www.w3.org/2000/svg" aria-hidden="true">'
        f'<rect class="bar" width="{filled:.1f}" height="4"/></svg>'
    )


def _axes(most_kw: float, quarters: int, lang: Lang) -> list[str]:
    """Return the grid and its labels: power upwards to `most_kw`, hours of the day to the right."""
    parts = []
    for share in (0.0, 0.5, 1.0):
        y = _TOP + _PLOT_HEIGHT * (1 - share)
        parts.append(
            f'<line class="grid" x1="{_LEFT}" y1="{y:.1f}" x2="{WIDTH - _RIGHT}" y2="{y:.1f}"/>'
        )
        parts.append(
            f'<text class="axis" x="{_LEFT - 8}" y="{y:.1f}" text-anchor="end"'
            f' dominant-baseline="central">{number(Decimal(f"{most_kw * share:g}"), lang)}</text>'
        )
    parts.append(f'<text class="axis" x="{_LEFT - 8}" y="{_TOP - 18}" text-anchor="end">kW</text>')
    hours = quarters / _QUARTERS_AN_HOUR
    for hour in _HOURS:
        since = hour + (hours - _HOURS_A_DAY if hour > _CHANGES_AFTER_HOUR else 0)
        x = _LEFT + _PLOT_WIDTH * since / hours
        parts.append(
            f'<text class="axis" x="{x:.1f}" y="{HEIGHT - 10}" text-anchor="middle">{hour}</text>'
        )
    return parts


def _line_kw(beside: MeanLine | None) -> list[tuple[float, float, float]]:
    """Return the low end of the band, the mean and the high end in kW, none of them below 0."""
    if beside is None:
        return []
    return [
        (max(0.0, _kw(mean - band)), max(0.0, _kw(mean)), max(0.0, _kw(mean + band)))
        for mean, band in zip(beside.mean_wh, beside.band_wh, strict=True)
    ]


def _steps(power_kw: Sequence[float], most_kw: float) -> list[str]:
    """Return the corners of a line that is level within each quarter-hour."""
    step = _PLOT_WIDTH / len(power_kw)
    corners = []
    for j, power in enumerate(power_kw):
        y = _TOP + _PLOT_HEIGHT * (1 - power / most_kw)
        corners += [f"{_LEFT + (j + side) * step:.1f},{y:.1f}" for side in (0, 1)]
    return corners


def _kw(energy_wh: float) -> float:
    """Return the mean power of a quarter-hour."""
    return energy_wh * _QUARTERS_AN_HOUR / 1_000


def _ceiling(most: float) -> float:
    """Return the end of the axis: an even tenth up to 0.8, or 1, 2, 3, 4, 6, 8 times a power of ten.

    So neither it nor its half has two decimals, for which a narrow window has no room.
    """
    for tenths in (2, 4, 6, 8):
        if most <= tenths / 10:
            return tenths / 10
    scale = 1.0
    while True:
        for step in (1, 2, 3, 4, 6, 8):
            if most <= step * scale:
                return step * scale
        scale *= 10
