"""Curves of a day and bars as SVG; each stands beside the same numbers as text."""

from collections.abc import Sequence
from decimal import Decimal
from html import escape

from edge.language.choice import Lang
from edge.language.numbers import number

# Room for labels of 28 units, which page.css gives them where the picture is narrow.
WIDTH, HEIGHT = 768, 280
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 24, 44, 44
_HOURS = (0, 6, 12, 18, 24)
_QUARTERS_AN_HOUR, _HOURS_A_DAY = 4, 24
# Clocks change after this hour of the night.
_CHANGES_AFTER_HOUR = 2


def day_bars(energy_wh: Sequence[int | None], title: str, lang: Lang) -> str:
    """Return the mean power of each quarter-hour as bars; a gap where nothing is known.

    Args:
        energy_wh: energy of each quarter-hour of the day, in Wh; 92 or 100 where clocks change.
        title: what the picture shows, for those who do not see it.
        lang: the language of its numbers.
    """
    power_kw = [None if each is None else each * 4 / 1_000 for each in energy_wh]
    most = _ceiling(max((each for each in power_kw if each is not None), default=0.0))
    width, height = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM
    step = width / len(power_kw)
    frame = f'viewBox="0 0 {WIDTH} {HEIGHT}" xmlns="http://www.w3.org/2000/svg"'
    parts = [f'<svg class="curve" {frame} role="img" aria-label="{escape(title)}">']
    for share in (0.0, 0.5, 1.0):
        y = _TOP + height * (1 - share)
        parts.append(
            f'<line class="grid" x1="{_LEFT}" y1="{y:.1f}" x2="{WIDTH - _RIGHT}" y2="{y:.1f}"/>'
        )
        parts.append(
            f'<text class="axis" x="{_LEFT - 8}" y="{y:.1f}" text-anchor="end"'
            f' dominant-baseline="central">{number(Decimal(f"{most * share:g}"), lang)}</text>'
        )
    parts.append(f'<text class="axis" x="{_LEFT - 8}" y="{_TOP - 18}" text-anchor="end">kW</text>')
    hours = len(power_kw) / _QUARTERS_AN_HOUR
    for hour in _HOURS:
        since = hour + (hours - _HOURS_A_DAY if hour > _CHANGES_AFTER_HOUR else 0)
        x = _LEFT + width * since / hours
        parts.append(
            f'<text class="axis" x="{x:.1f}" y="{HEIGHT - 10}" text-anchor="middle">{hour}</text>'
        )
    for j, power in enumerate(power_kw):
        if power is not None:
            bar = max(1.0, height * power / most)
            parts.append(
                f'<rect class="bar" x="{_LEFT + j * step:.1f}" y="{_TOP + height - bar:.1f}" '
                f'width="{step * 0.8:.1f}" height="{bar:.1f}"/>'
            )
    return "".join([*parts, "</svg>"])


def share_bar(share: float) -> str:
    """Return a bar filled to `share` (0 to 1); what it shows stands beside it as text."""
    filled = 100 * min(max(share, 0.0), 1.0)
    return (
        '<svg class="share" viewBox="0 0 100 4" preserveAspectRatio="none" '
        'xmlns="http://www.w3.org/2000/svg" aria-hidden="true">'
        f'<rect class="bar" width="{filled:.1f}" height="4"/></svg>'
    )


def _ceiling(most: float) -> float:
    """Return the end of the axis: the next of 1, 2, 5 times a power of ten."""
    scale = 0.1
    while True:
        for step in (1, 2, 5):
            if most <= step * scale:
                return step * scale
        scale *= 10
