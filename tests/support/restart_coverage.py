"""The possible states of a chip's directory, read from the code, and those of a given directory.

A new table, flag, nullable column, enumeration member or file is required here automatically. The
restart tests fail if none of their starting points shows it.
"""

import ast
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import edge
from edge.area.trust import MEASURES, TRANSFORM, TRUSTEE_SET
from edge.bills import receipt_rules
from edge.bills.judgement import Verdict
from edge.bills.receipts import Hold
from edge.chip.agent import chip_settings
from edge.chip.chip import Chip
from edge.chip.config import load_config
from edge.contracts.agreement import load_agreement
from edge.identity.enrolment import load_identity, signer_of
from edge.vault.area import AreaState
from edge.vault.catalogue import AlarmKind
from edge.vault.database import _TABLES, _UPGRADES, FILE_NAME
from edge.vault.receipts import ReceiptState
from edge.vault.rows import BlockState
from edge.vault.vault import Vault
from tests.support.chip_bench import BenchClock

Seen = tuple[str, ...]

# The possible values of columns that hold a state; a column with one of these names that is missing
# here is an error.
TELLING = ("state", "kind")
STATES = {
    ("blocks", "state"): [str(int(state)) for state in BlockState],
    ("receipts", "state"): [str(int(state)) for state in ReceiptState],
    ("area_contributions", "state"): [str(int(state)) for state in AreaState],
    ("catalogue_alarms", "kind"): list(AlarmKind),
    ("area_documents", "kind"): [TRUSTEE_SET, MEASURES, TRANSFORM],
    # The whole state of metering, as a single value.
    ("meter", "state"): [],
    # For the household; the chip itself reads none of them.
    ("notices", "kind"): [],
}
NEVER = {
    ("hold", Hold.BILLED): "such a statement is no candidate for a receipt",
    ("hold", Hold.NOT_CORRECT): "such a statement is no candidate for a receipt",
    **{
        ("file", name): "the page's alone, or read anew at each question"
        for name in (
            "page-authority.pem",
            "page-authority.key",
            "page.pem",
            "page.key",
            "sessions.json",
            "pairing.json",
        )
    },
    ("file", "vault.db.importing"): "a chip into which an import was cut short is not enrolled",
}
_FILE = re.compile(r"[a-z][a-z_-]*\.(json|word|pem|toml|db|key|salt|importing)")


def wanted() -> set[Seen]:
    """Return every state defined by the code."""
    states: set[Seen] = set()
    for name, columns, _, nullable in (*_TABLES, *(t for ts in _UPGRADES.values() for t in ts)):
        states.add((name,))
        for column in columns:
            if column in TELLING:
                states |= {(name, column, value) for value in STATES[name, column]}
            if column in nullable:
                states |= {(name, column, "empty"), (name, column, "set")}
            if column.startswith("is_"):
                states |= {(name, column, "0"), (name, column, "1")}
    states |= {("verdict", verdict) for verdict in Verdict}
    states |= {("hold", hold) for hold in Hold}
    states |= {("file", file) for file in _files_of_a_chip()}
    return states - set(NEVER)


def seen_in(directory: Path) -> set[Seen]:
    """Return the states of the chip in a directory. It is opened, so pass a copy."""
    states = {("file", path.name) for path in directory.rglob("*")}
    if not (directory / FILE_NAME).exists():
        return states
    states |= {("hold", why) for why in _holds(directory)}
    with closing(sqlite3.connect(directory / FILE_NAME)) as database:
        for name, columns, _, nullable in (*_TABLES, *(t for ts in _UPGRADES.values() for t in ts)):
            rows = database.execute(f"SELECT {', '.join(columns)} FROM {name}").fetchall()
            states |= {(name,) for _ in rows}
            for number, column in enumerate(columns):
                values = {row[number] for row in rows}
                states |= {(name, column, str(value)) for value in values if value is not None}
                if column in nullable:
                    states |= {(name, column, "empty" if v is None else "set") for v in values}
        verdicts = database.execute("SELECT verdict ->> 'verdict' FROM statements").fetchall()
    return states | {("verdict", verdict) for (verdict,) in verdicts if verdict}


def _holds(directory: Path) -> set[Hold]:
    """Run a chip's outgoing handlers once, and return the reasons that hold back its receipts."""
    reasons = set()
    rule = receipt_rules.hold

    def watched_hold(*given):
        why = rule(*given)
        reasons.add(why)
        return why

    identity = load_identity(directory)
    vault = Vault.open(directory, signer_of(identity))
    receipt_rules.hold = watched_hold
    try:
        settings = chip_settings(directory, load_config(directory), load_agreement(directory))
        chip = Chip(identity, vault, BenchClock(datetime(2026, 6, 1, tzinfo=UTC)), settings)
        chip._message_handlers.outgoing(1e9)
        assert not chip.set_aside
    finally:
        receipt_rules.hold = rule
        vault.close()
    return reasons - {None}


def _files_of_a_chip() -> Iterator[str]:
    """Yield the file names that modules of the chip define as constants."""
    for path in sorted(Path(edge.__file__).parent.rglob("*.py")):
        for node in ast.parse(path.read_text("utf-8")).body:
            if not isinstance(node, ast.Assign):
                continue
            for part in ast.walk(node.value):
                text = part.value if isinstance(part, ast.Constant) else None
                if isinstance(text, str) and _FILE.fullmatch(text):
                    yield text
