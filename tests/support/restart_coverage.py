"""Which states a chip's directory can be in, read from the code, and which one is in.

A table, a flag, a column that may be empty, a member of an enumeration or a file that is new is
wanted here by itself; where nothing that the restart tests start from shows it, they fail.
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

# What the columns that tell a state may say; a column of these names that is missing here is an
# error.
TELLING = ("state", "kind")
STATES = {
    ("blocks", "state"): [str(int(each)) for each in BlockState],
    ("receipts", "state"): [str(int(each)) for each in ReceiptState],
    ("area_contributions", "state"): [str(int(each)) for each in AreaState],
    ("catalogue_alarms", "kind"): list(AlarmKind),
    ("area_documents", "kind"): [TRUSTEE_SET, MEASURES, TRANSFORM],
    # Where metering stands, as one value of its own.
    ("meter", "state"): [],
    # Told to the household; the chip itself reads none of them.
    ("notices", "kind"): [],
}
NEVER = {
    ("hold", Hold.NOT_CORRECT): "such a statement is no candidate for a receipt",
    ("file", "vault.db.importing"): "a chip into which an import was cut short is not enrolled",
}
_FILE = re.compile(r"[a-z][a-z_-]*\.(json|word|pem|toml|db|key|salt|importing)")


def wanted() -> set[Seen]:
    """Return every state that the code knows."""
    found: set[Seen] = set()
    for name, columns, _, nullable in (*_TABLES, *(t for ts in _UPGRADES.values() for t in ts)):
        found.add((name,))
        for column in columns:
            if column in TELLING:
                found |= {(name, column, value) for value in STATES[name, column]}
            if column in nullable:
                found |= {(name, column, "empty"), (name, column, "set")}
            if column.startswith("is_"):
                found |= {(name, column, "0"), (name, column, "1")}
    found |= {("verdict", each) for each in Verdict}
    found |= {("hold", each) for each in Hold}
    found |= {("file", each) for each in _files_of_a_chip()}
    return found - set(NEVER)


def seen_in(directory: Path) -> set[Seen]:
    """Return the states in which the chip in a directory is. It is opened: give a copy."""
    found = {("file", path.name) for path in directory.rglob("*")}
    if not (directory / FILE_NAME).exists():
        return found
    found |= {("hold", why) for why in _holds(directory)}
    with closing(sqlite3.connect(directory / FILE_NAME)) as database:
        for name, columns, _, nullable in (*_TABLES, *(t for ts in _UPGRADES.values() for t in ts)):
            rows = database.execute(f"SELECT {', '.join(columns)} FROM {name}").fetchall()
            found |= {(name,) for _ in rows}
            for number, column in enumerate(columns):
                values = {row[number] for row in rows}
                found |= {(name, column, str(value)) for value in values if value is not None}
                if column in nullable:
                    found |= {(name, column, "empty" if v is None else "set") for v in values}
        verdicts = database.execute("SELECT verdict ->> 'verdict' FROM statements").fetchall()
    return found | {("verdict", verdict) for (verdict,) in verdicts if verdict}


def _holds(directory: Path) -> set[Hold]:
    """Let a chip look once at what may leave, and return what holds its receipts back."""
    found = set()
    rule = receipt_rules.hold

    def heard(*given):
        why = rule(*given)
        found.add(why)
        return why

    identity = load_identity(directory)
    vault = Vault.open(directory, signer_of(identity))
    receipt_rules.hold = heard
    try:
        settings = chip_settings(directory, load_config(directory), load_agreement(directory))
        chip = Chip(identity, vault, BenchClock(datetime(2026, 6, 1, tzinfo=UTC)), settings)
        chip._message_handlers.outgoing(1e9)
        assert not chip.set_aside
    finally:
        receipt_rules.hold = rule
        vault.close()
    return found - {None}


def _files_of_a_chip() -> Iterator[str]:
    """Return the names of files that modules of the chip know as constants."""
    for path in sorted(Path(edge.__file__).parent.rglob("*.py")):
        for node in ast.parse(path.read_text("utf-8")).body:
            if not isinstance(node, ast.Assign):
                continue
            for part in ast.walk(node.value):
                text = part.value if isinstance(part, ast.Constant) else None
                if isinstance(text, str) and _FILE.fullmatch(text):
                    yield text
