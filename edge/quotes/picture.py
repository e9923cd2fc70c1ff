"""Draws quotes as horizontal bars, one for each offer, in a self-contained SVG."""

from decimal import Decimal
from html import escape

from edge.language.choice import Lang
from edge.language.typography import NARROW_SPACE, measure
from edge.quotes.pricing import PriceBasis, Quote, Quotes
from edge.quotes.words import BASIS, CURRENT, TITLE

WIDTH, ROW, TOP, LABELS, VALUES = 860, 30, 52, 330, 150
BARS = WIDTH - LABELS - VALUES

STYLE = """\
text { font: 14px system-ui, sans-serif; fill: #1b1b1b }
.title { font-weight: 600 }
.bar { fill: #5b7fa6 } .best { fill: #2e7d4f } .current { fill: #b3702a }
.estimate { fill-opacity: .55; stroke: #444; stroke-dasharray: 4 3 }
@media (prefers-color-scheme: dark) { text { fill: #eee } .estimate { stroke: #bbb } }
"""


def euros(value: Decimal, lang: Lang) -> str:
    """Format an amount in a language."""
    text = f"{value:,.2f}"
    if lang == "en":
        return f"€{text}" if value >= 0 else f"-€{text[1:]}"
    return measure(text.replace(",", NARROW_SPACE).replace(".", ","), "€", lang)


def svg(quotes: Quotes, lang: Lang) -> str:
    """Return a comparison as SVG."""
    height = TOP + ROW * len(quotes.quotes) + 16
    last = quotes.end.fromordinal(quotes.end.toordinal() - 1)
    title = TITLE[lang].format(start=quotes.start, last=last)
    longest = max((abs(quote.total_ttc) for quote in quotes.quotes), default=Decimal(0))
    rows = [
        _bar(quote, number, longest or Decimal(1), lang)
        for number, quote in enumerate(quotes.quotes)
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="{escape(title)}">\n<style>{STYLE}</style>\n'
        f'<text class="title" x="8" y="28">{escape(title)}</text>\n' + "".join(rows) + "</svg>\n"
    )


def _bar(quote: Quote, number: int, longest: Decimal, lang: Lang) -> str:
    y = TOP + ROW * number
    length = float(max(quote.total_ttc, Decimal(0)) / longest) * BARS
    classes = ["current" if quote.is_current else "best" if number == 0 else "bar"]
    if quote.basis is PriceBasis.ESTIMATE:
        classes.append("estimate")
    label = escape(shortened(f"{quote.provider} · {quote.product}"))
    notes = [CURRENT[lang]] if quote.is_current else []
    notes += [BASIS[lang][quote.basis]] if quote.basis is PriceBasis.ESTIMATE else []
    value = escape(" · ".join([euros(quote.total_ttc, lang), *notes]))
    return (
        f'<text x="{LABELS - 8}" y="{y + 19}" text-anchor="end">{label}</text>'
        f'<rect class="{" ".join(classes)}" x="{LABELS}" y="{y + 5}" '
        f'width="{length:.1f}" height="{ROW - 10}"/>'
        f'<text x="{LABELS + length + 8:.1f}" y="{y + 19}">{value}</text>\n'
    )


def shortened(text: str, most: int = 44) -> str:
    """Return `text`, shortened to fit beside a bar."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
