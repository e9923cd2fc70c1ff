"""The content of each page as texts, in the visitor's language; templates lay it out."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import msgspec

from edge.household.contract_words import meter_rows
from edge.household.requests import SetProfile
from edge.household.shown import (
    LetterList,
    Live,
    OfferList,
    Quarter,
    SentBlock,
    SentMessages,
    Shared,
    SpentBudget,
    Today,
)
from edge.household.shown_agreements import AgreementList
from edge.household.shown_bills import BillList
from edge.language.choice import Lang
from edge.language.numbers import clock_text, day_text, euros, number, time_text
from edge.language.typography import measure
from edge.page.charts import MeanLine, day_bars, share_bar
from edge.page.sent_texts import SENT_KINDS
from edge.page.texts import TEXTS
from protocol.calendar import QUARTER_HOUR, Instant

BYTES_SHOWN = 512
_BYTES_A_ROW = 32


class CurveView(msgspec.Struct, frozen=True):
    """A day's curve: the picture, and the rows of its table (from, to, energy)."""

    svg: str
    title: str
    rows: tuple[tuple[str, str, str], ...]


class BesideView(msgspec.Struct, frozen=True):
    """The neighbourhood's curve beside the home's own.

    The rows of its table have from, to, the home's energy, the mean, and the band.
    """

    svg: str
    title: str
    sums: str
    how: str
    rows: tuple[tuple[str, str, str, str, str], ...]


class BlockView(msgspec.Struct, frozen=True):
    """A block that left: its title, what it holds, whether it arrived, and its bytes in rows."""

    title: str
    holds: str
    arrived: str
    rows: tuple[str, ...]
    more: str


class SentView(msgspec.Struct, frozen=True):
    """All that left on a day: sentences on the count, the rows of its table, and their sums.

    A row has the message, what it contains, who can open it, how many, bytes, and when.
    """

    notes: tuple[str, ...]
    rows: tuple[tuple[str, str, str, str, str, str], ...]
    count: str
    size: str


class SpentView(msgspec.Struct, frozen=True):
    """What a period has cost: a label, a bar and texts."""

    label: str
    bar: str
    spent: str
    replaced: str
    epsilon: str


class BillRowView(msgspec.Struct, frozen=True):
    """A row of the list of bills."""

    statement: str
    period: str
    total: str
    verdict: str
    receipt: str
    asks_for_action: bool
    is_shown: bool


class OfferView(msgspec.Struct, frozen=True):
    """A row of the comparison; `bar` is its total beside the dearest."""

    provider: str
    product: str
    notes: str
    total: str
    difference: str
    bar: str


def curve(day: date, quarters: Sequence[Quarter], lang: Lang) -> CurveView:
    """Return a day's curve."""
    title = TEXTS[lang]["curve"].format(day=day_text(day, lang))
    svg = day_bars([quarter.energy_wh for quarter in quarters], title, lang)
    rows = tuple(
        (
            clock_text(quarter.start, lang),
            clock_text(quarter.start + QUARTER_HOUR, lang),
            _quarter_text(quarter, lang),
        )
        for quarter in quarters
        if quarter.energy_wh is not None
    )
    return CurveView(svg, title, rows)


def beside(shared: Shared, lang: Lang) -> BesideView | None:
    """Return the neighbourhood's curve beside the home's own, None if there is none."""
    found, texts = shared.beside.curve, TEXTS[lang]
    if found is None or len(found.mean_wh) != len(shared.quarters):
        return None
    title = texts["beside_curve"].format(day=day_text(shared.day, lang))
    own_wh = [quarter.energy_wh for quarter in shared.quarters]
    mean = energy_text(round(sum(found.mean_wh)), lang)
    sums = texts["beside_sum"].format(mean=mean)
    if None not in own_wh:
        sums = texts["beside_sums"].format(own=energy_text(shared.energy_wh, lang), mean=mean)
    return BesideView(
        svg=day_bars(own_wh, title, lang, MeanLine(found.mean_wh, found.band_wh)),
        title=title,
        sums=sums,
        how=texts["beside_how"].format(households=number(found.households, lang)),
        rows=tuple(
            (
                clock_text(quarter.start, lang),
                clock_text(quarter.start + QUARTER_HOUR, lang),
                texts["unknown"] if quarter.energy_wh is None else _quarter_text(quarter, lang),
                _mean_text(mean_wh, lang),
                f"± {_mean_text(band_wh, lang)}",
            )
            for quarter, mean_wh, band_wh in zip(
                shared.quarters, found.mean_wh, found.band_wh, strict=True
            )
        ),
    )


def beside_days(shared: Shared, lang: Lang) -> list[tuple[date, str]]:
    """Return the other days of which there is a curve of the neighbourhood, the newest first."""
    return [(day, day_text(day, lang)) for day in shared.beside.days if day != shared.day]


def beside_link(today: Today, lang: Lang) -> str:
    """Return what leads to the last curve of the neighbourhood; empty if there is none."""
    if today.beside is None:
        return ""
    return TEXTS[lang]["beside_link"].format(day=day_text(today.beside, lang))


def last_bill(today: Today, lang: Lang) -> str:
    """Return the bill that arrived last: its days, total and verdict; empty if there is none."""
    if today.bill is None:
        return ""
    row, texts = today.bill, TEXTS[lang]
    days = texts["from_to"].format(first=day_text(row.first, lang), last=day_text(row.last, lang))
    total = [] if row.total_eur is None else [euros(row.total_eur, lang)]
    return ", ".join((days, *total, texts[f"verdict_{row.verdict}"]))


def energy_text(energy_wh: int, lang: Lang) -> str:
    """Return energy in kWh, to the Wh."""
    return measure(number(Decimal(energy_wh).scaleb(-3), lang), "kWh", lang)


def is_metered(quarters: Sequence[Quarter]) -> bool:
    """Return whether anything is known of a day, for 0 kWh is a statement about the home."""
    return any(quarter.energy_wh is not None for quarter in quarters)


def metered_text(shared: Shared, lang: Lang) -> str:
    """Return what the meter said for a day."""
    if not is_metered(shared.quarters):
        return TEXTS[lang]["not_metered"]
    return energy_text(shared.energy_wh, lang)


def today_facts(today: Today, lang: Lang) -> tuple[str, str]:
    """Return the energy of today and of the last closed day, as sentences."""
    texts = TEXTS[lang]
    so_far = texts["not_metered"]
    if is_metered(today.quarters):
        so_far = texts["so_far"].format(energy=energy_text(today.energy_wh, lang))
    if today.last_day is None or today.last_day_wh is None:
        return so_far, texts["no_day"]
    day, energy = day_text(today.last_day, lang), energy_text(today.last_day_wh, lang)
    return so_far, texts["last_day"].format(day=day, energy=energy)


def live_texts(live: Live, lang: Lang) -> list[str]:
    """Return the latest values on the line as texts."""
    texts = TEXTS[lang]
    if not live.is_line_good or live.drawn_va is None:
        return [texts["nothing_live"]]
    shown = [measure(number(live.drawn_va, lang), "VA", lang)]
    if live.injected_va:
        power = measure(number(live.injected_va, lang), "VA", lang)
        shown.append(texts["injected"].format(power=power))
    if live.register:
        shown.append(texts["period"].format(register=live.register))
    return shown


def blocks(shared: Shared, lang: Lang) -> tuple[BlockView, ...]:
    """Return the blocks that left for a day."""
    return tuple(_block(block, lang) for block in shared.blocks)


def sent(shared: Shared, lang: Lang) -> SentView | None:
    """Return all that left on a day, None if there is no count of it."""
    found, texts = shared.sent, TEXTS[lang]
    if found is None:
        return None
    notes = [] if found.messages else [texts["sent_nothing"]]
    if found.since is not None:
        name = "sent_anew" if found.is_anew else "sent_since"
        notes.append(texts[name].format(time=clock_text(found.since, lang)))
    return SentView(
        notes=tuple(notes),
        rows=tuple(_sent_row(each, lang) for each in found.messages),
        count=number(sum(each.count for each in found.messages), lang),
        size=number(sum(each.size_bytes for each in found.messages), lang),
    )


def _sent_row(sent: SentMessages, lang: Lang) -> tuple[str, str, str, str, str, str]:
    words = SENT_KINDS[lang][sent.kind]
    first, last = clock_text(sent.first, lang), clock_text(sent.last, lang)
    when = first
    if last != first:
        when = TEXTS[lang]["sent_first_last"].format(first=first, last=last)
    count, size = number(sent.count, lang), number(sent.size_bytes, lang)
    return words.what, words.contains, words.who, count, size, when


def shared_title(shared: Shared, lang: Lang) -> str:
    """Return the title of what left for a day."""
    return TEXTS[lang]["shared_title"].format(day=day_text(shared.day, lang))


def contribution(shared: Shared, lang: Lang) -> tuple[str, str]:
    """Return what left for the neighbourhood, and what it can reveal; empty if nothing left."""
    found = shared.contribution
    if found is None:
        return "", ""
    epsilon = number(Decimal(f"{found.epsilon:.2f}"), lang)
    return (
        TEXTS[lang]["contribution"].format(state=found.state),
        TEXTS[lang]["contribution_how"].format(epsilon=epsilon),
    )


def spent_noise(budget: SpentBudget, lang: Lang) -> tuple[SpentView, ...]:
    """Return what day, month and year have cost."""
    return tuple(
        SpentView(
            each.label,
            share_bar(each.spent),
            percent_text(each.spent, lang),
            number(Decimal(f"{each.epsilon_replaced:.1f}"), lang),
            number(Decimal(f"{each.epsilon:.1f}"), lang),
        )
        for each in budget.spent
    )


def bill_rows(bills: BillList, lang: Lang) -> tuple[BillRowView, ...]:
    """Return the list of bills."""
    texts = TEXTS[lang]
    return tuple(
        BillRowView(
            row.statement,
            texts["from_to"].format(first=day_text(row.first, lang), last=day_text(row.last, lang)),
            "–" if row.total_eur is None else euros(row.total_eur, lang),
            texts[f"verdict_{row.verdict}"],
            row.receipt,
            asks_for_action=row.asks_for_action,
            is_shown=bills.shown is not None and row.statement == bills.shown.row.statement,
        )
        for row in bills.rows
    )


def bill_bars(bills: BillList) -> tuple[tuple[str, str, str], ...]:
    """Return the bars by which a bill is compared with the one before: label, text, picture."""
    if bills.shown is None or bills.shown.sheet is None:
        return ()
    return tuple(
        (bar.label, bar.text, share_bar(bar.share / 100)) for bar in bills.shown.sheet.bars
    )


def letter_titles(letters: LetterList, lang: Lang) -> tuple[str, ...]:
    """Return who wrote each message, and when."""
    return tuple(
        TEXTS[lang]["letter"].format(
            provider=letter.provider, day=day_text(letter.written_on, lang)
        )
        for letter in letters.letters
    )


def offer_rows(offers: OfferList, lang: Lang) -> tuple[OfferView, ...]:
    """Return the comparison of offers, the cheapest first."""
    texts = TEXTS[lang]
    dearest = max((row.total_eur for row in offers.rows), default=Decimal(0)) or Decimal(1)
    views = []
    for row in offers.rows:
        notes = [texts["own_offer"]] if row.is_current else []
        notes += [texts["estimate"]] if row.is_estimate else []
        more = row.difference_eur
        sign = "" if more is None else "+" if more > 0 else ""
        views.append(
            OfferView(
                row.provider,
                row.product,
                ", ".join(notes),
                euros(row.total_eur, lang),
                "" if more is None else sign + euros(more, lang),
                share_bar(float(row.total_eur / dearest)),
            )
        )
    return tuple(views)


def offer_facts(offers: OfferList, lang: Lang) -> list[tuple[str, str]]:
    """Return the age of the list and of the answer, with labels."""
    texts = TEXTS[lang]
    facts = []
    if offers.listed_on is None:
        facts.append((texts["list_age"], texts["no_list"]))
    else:
        day, count = day_text(offers.listed_on, lang), number(offers.documents, lang)
        missing = texts["list_missing"].format(count=number(offers.missing, lang))
        whole = texts["list_of"].format(day=day, count=count)
        facts.append((texts["list_age"], whole + (missing if offers.missing else "")))
    if offers.asked_at is not None:
        facts.append((texts["asked_at"], time_text(offers.asked_at, lang)))
    return facts


def contracts(agreements: AgreementList, lang: Lang) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the contracts: a title, and labels with texts."""
    texts = TEXTS[lang]
    shown = []
    for each in agreements.contracts:
        first = day_text(each.first, lang)
        days = (
            texts["from_on"].format(first=first)
            if each.last is None
            else texts["from_to"].format(first=first, last=day_text(each.last, lang))
        )
        rows = [
            (texts["contract_standing"], f"{texts[f'contract_{each.standing}']}, {days}"),
            *meter_rows(each, lang),
            *((row.label, row.text) for row in each.terms),
            (texts["contract_receipts"], each.receipts),
            (texts["contract_prices"], each.prices),
            (texts["contract_name"], each.contract),
        ]
        shown.append((f"{each.provider} – {each.product}", rows))
    return shown


def trustee_sets(agreements: AgreementList, lang: Lang) -> list[str]:
    """Return how many trustees of each set open a sum, and since when."""
    return [
        TEXTS[lang]["shape"].format(shape=each.shape, day=day_text(each.since, lang))
        for each in agreements.trustees
    ]


def caps(budget: SpentBudget, lang: Lang) -> list[tuple[str, str, bool]]:
    """Return the caps of a year to choose from: rho, share of the most there is, whether it is so now.

    A cap that was chosen elsewhere, and is none of these, is listed with them.
    """
    rho_now = budget.spent[-1].cap_rho
    shares = {share: f"{share * budget.most_rho:g}" for share in (1.0, 0.75, 0.5, 0.25, 0.0)}
    listed = [(rho, percent_text(share, lang)) for share, rho in shares.items()]
    if f"{rho_now:g}" not in shares.values():
        listed.append((f"{rho_now:g}", share_of_cap(rho_now, budget, lang)))
    return [(rho, text, rho == f"{rho_now:g}") for rho, text in listed]


def profile_rows(asked: SetProfile, agreements: AgreementList, lang: Lang) -> list[tuple[str, int]]:
    """Return the numbers that a form says of who lives here, by their labels."""
    texts = TEXTS[lang]
    bands = (texts["aged"].format(band=band) for band, _ in agreements.bands)
    return [*zip(bands, asked.ages or (), strict=False), (texts["employed"], asked.employed)]


def share_of_cap(rho: float, budget: SpentBudget, lang: Lang) -> str:
    """Return a cap of a year as a share of the most there is."""
    return percent_text(rho / budget.most_rho if budget.most_rho else 0, lang)


def percent_text(share: float, lang: Lang) -> str:
    """Return a share (0 to 1) in whole percent: 5 % or 5%."""
    return f"{100 * share:.0f}%" if lang is Lang.EN else measure(f"{100 * share:.0f}", "%", lang)


def neighbours(shared: Shared) -> tuple[date | None, date | None]:
    """Return the day before and the day after, None where there is none."""
    first, last = shared.days
    before, after = shared.day - timedelta(days=1), shared.day + timedelta(days=1)
    return before if before >= first else None, after if after <= last else None


def _quarter_text(quarter: Quarter, lang: Lang) -> str:
    energy = measure(number(quarter.energy_wh or 0, lang), "Wh", lang)
    return f"{energy} ({TEXTS[lang]['estimated']})" if quarter.is_estimated else energy


def _mean_text(energy_wh: float, lang: Lang) -> str:
    return measure(number(Decimal(f"{energy_wh:.1f}"), lang), "Wh", lang)


def _block(block: SentBlock, lang: Lang) -> BlockView:
    texts = TEXTS[lang]
    shown = block.data[:BYTES_SHOWN]
    rest = len(block.data) - len(shown)
    return BlockView(
        title=texts["block"].format(sequence=block.sequence, size=number(block.size_bytes, lang)),
        holds=texts["block_closing"]
        if block.first is None or block.last is None
        else texts["block_values"].format(
            first=clock_text(block.first, lang), last=_end(block.last, lang)
        ),
        arrived=texts["stored" if block.is_stored else "on_its_way"],
        rows=tuple(
            shown[start : start + _BYTES_A_ROW].hex(" ")
            for start in range(0, len(shown), _BYTES_A_ROW)
        ),
        more=texts["more_bytes"].format(count=number(rest, lang)) if rest else "",
    )


def _end(at: Instant, lang: Lang) -> str:
    """Return the time of day at which something ends; a day ends at 24:00."""
    return "24:00" if (text := clock_text(at, lang)) == "00:00" else text
