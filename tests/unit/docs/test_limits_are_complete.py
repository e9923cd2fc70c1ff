"""Each kind of message and each call of the API has a row in the page on limits."""

import runpy
from pathlib import Path

import pytest

from benchmarks import storm
from cloud.api.app import operations
from cloud.ingest.quotas import DAILY
from protocol.topics import DOWN, SENT_BY_CHIPS, PublicKind, TrusteeKind

DOCS = Path(__file__).parents[3] / "docs"
KINDS = (*SENT_BY_CHIPS, *DOWN, *TrusteeKind, *PublicKind)


@pytest.fixture(scope="module")
def limits():
    return runpy.run_path(str(DOCS / "limits.py"))


def named():
    return [f"{method} {path}" for method, path, _, _ in operations()]


def listed():
    page = (DOCS / "reference" / "limits.md").read_text("utf-8")
    rows = [line.split("|")[1].strip() for line in page.splitlines() if line.startswith("| `")]
    return [row.strip("`") for row in rows]


def test_every_kind_of_message_and_every_call_is_listed_once():
    assert sorted(listed()) == sorted([*KINDS, *named()])


def test_every_kind_that_a_chip_sends_has_a_quota():
    assert set(DAILY) == set(SENT_BY_CHIPS)
    assert all(0 < count <= 50_000 for count in DAILY.values())


def test_what_a_flood_may_cost_is_what_the_storm_holds_it_to(limits):
    rows = limits["parties"](lambda _, rows: {(who, what): bound for who, what, bound in rows})
    for who, limit_ms in {
        "broker": storm.BROKER_MS,
        "worker": storm.WORKER_MS,
        "trustee": storm.TRUSTEE_MS,
    }.items():
        assert rows[who, "CPU for a message of a flood"].startswith(f"{limit_ms:g} ms")


def test_no_row_is_about_something_that_does_not_exist(limits):
    assert set(limits["CHIP"]) == set(SENT_BY_CHIPS)
    assert {*limits["CAUSES"], *limits["OTHERS"]} == {*DOWN, *TrusteeKind, *PublicKind}
    assert set(limits["CALLS"]) == set(named())


@pytest.mark.parametrize(
    ("table", "part", "missing"),
    [
        ("CHIP", "chip_messages", "up/quote"),
        ("CAUSES", "other_messages", "down/letter"),
        ("OTHERS", "other_messages", "log"),
        ("CALLS", "calls", "POST /v1/letters"),
    ],
)
def test_a_kind_or_call_without_a_row_stops_the_page(limits, monkeypatch, table, part, missing):
    monkeypatch.delitem(limits[table], missing)
    with pytest.raises(KeyError):
        limits[part](lambda _head, rows: list(rows))
