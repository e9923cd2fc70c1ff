"""The glossary is in order, has each term once, and lacks none that the pages and commands use."""

import re
from itertools import pairwise

from tests.support.typed_page import ROOT

GLOSSARY = ROOT / "docs/reference/glossary.md"
ROW = re.compile(r"^\| (?P<term>[^|]+?) \| (?P<meaning>[^|]+?) \|$", re.MULTILINE)
NEEDED = """
    ack, area lane, arrival, billed, billing lane, block, budget, bulk request, bundle, cell,
    chain head, clip, code of an area, commitment, contribution, correction, crowd, dead letter,
    departure, EAIT, EASF, EAST, embedded town, epoch, epsilon, figure, finding, fleet, gamma,
    holdings, horodate, household key, incarnation, judgement, key share, late days, letter,
    ledger, mandate, market series, mask, measure, moving, NGTF, OPTARIF, outbox, pad, platform
    key, place of a chip, PRM, provider backend, provider message, quarantine, quote, receipt,
    recovery, register, rehearsal, release, release token, rho, roster, seed, segment, signed
    document, signed off, statement, step, store, supply point, TIC, transparency log, trustee,
    vault, wire version
"""


def terms() -> list[str]:
    """The terms in the order in which they stand, without the table's head."""
    return [row["term"] for row in ROW.finditer(GLOSSARY.read_text("utf-8"))][1:]


def test_the_terms_are_in_alphabetical_order_and_none_stands_twice():
    folded = [term.casefold() for term in terms()]
    assert [(one, other) for one, other in pairwise(folded) if one >= other] == []


def test_every_row_is_a_term_with_a_short_meaning():
    lines = [line for line in GLOSSARY.read_text("utf-8").splitlines() if line.startswith("|")]
    rows = [row for line in lines[2:] if (row := ROW.fullmatch(line))]
    assert len(rows) == len(lines) - 2
    assert [row["term"] for row in rows if len(row["meaning"]) > 160] == []


def test_no_term_that_pages_and_commands_use_is_missing():
    needed = {" ".join(term.split()) for term in NEEDED.split(",")}
    assert needed - set(terms()) == set()
