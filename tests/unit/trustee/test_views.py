"""Chips name the documents and the roster that they saw; trustees open for nobody who saw others."""

import json

import msgspec
import pytest
from click.testing import CliRunner

from cloud.release.pages import cosigned_pages
from protocol.errors import Reason
from protocol.governance import NOTICE_DAYS, draw_up
from protocol.trustee_messages import Answer, Ask
from tests.support.trustee_area import COLLECTIVITY, DAY, NEAR, SHAPE, TrusteeArea, ask
from trustee.commands.table import trustee as group
from trustee.views import Difference

VIEW = ("trustees", "measures", "roster_head")


def changed(area, home, **changes):
    return msgspec.structs.replace(area.heads(home), **changes)


def trustee_of(area, seen):
    """A trustee that has read every home's key shares; `seen` replaces what some homes name."""
    trustee = area.trustee(teaches=False)
    area.teach(trustee)
    for home in area.near:
        heads = seen.get(home.entry, area.heads(home))
        assert trustee.take_key_shares(home.topic, area.letters(home, seen=heads))
    return trustee


@pytest.mark.parametrize("name", VIEW)
def test_nothing_is_opened_where_all_chips_saw_something_else(name):
    """The collectivity shows one document or roster to chips and another to trustees."""
    area = TrusteeArea(far=0)
    seen = {home.entry: changed(area, home, **{name: b"x" * 32}) for home in area.near}
    trustee = trustee_of(area, seen)
    checked = ask(trustee, area.request(ask=Ask.CHECK))
    assert set(checked.unknown) == set(seen)
    assert ask(trustee, area.request()).reason is Reason.SEEDS


@pytest.mark.parametrize("name", VIEW)
def test_one_chip_that_names_something_else_is_left_out_alone(name):
    area = TrusteeArea(far=0)
    liar, *others = area.near
    trustee = trustee_of(area, {liar.entry: changed(area, liar, **{name: b"x" * 32})})
    assert ask(trustee, area.request(ask=Ask.CHECK)).unknown == (liar.entry,)
    assert isinstance(ask(trustee, area.request(others)), Answer)


def test_a_roster_that_a_trustee_has_not_got_yet_differs():
    area = TrusteeArea(far=0)
    home = area.near[0]
    trustee = trustee_of(area, {home.entry: changed(area, home, roster_length=1_000)})
    assert ask(trustee, area.request(ask=Ask.CHECK)).unknown == (home.entry,)


def test_a_chip_opens_under_a_document_only_with_seeds_whose_message_names_it():
    """So an old message, played again, does not stand for a document that the chip never had."""
    area = TrusteeArea(far=0)
    trustee = trustee_of(area, {})
    later = area.measures_of(
        version=2, previous=area.signed_measures.hash, effective=DAY + NOTICE_DAYS
    )
    cosigned = area.signed(draw_up(later))
    for page in cosigned_pages(cosigned):
        trustee.take(page)
    request = area.request(ask=Ask.CHECK, day=DAY + NOTICE_DAYS, measures=cosigned.hash)
    assert len(ask(trustee, request).unknown) == len(area.near)
    for home in area.near:
        heads = changed(area, home, measures=cosigned.hash)
        home.generation = 2
        trustee.take_key_shares(home.topic, area.letters(home, seen=heads))
    request = area.request(ask=Ask.CHECK, day=DAY + NOTICE_DAYS + 1, measures=cosigned.hash)
    assert not ask(trustee, request).unknown
    # Days of the document before open with the same seeds: who has the later one has both.
    assert not ask(trustee, area.request(ask=Ask.CHECK)).unknown


def test_a_household_that_has_a_newer_entry_since_still_fits():
    area = TrusteeArea(far=0)
    trustee = trustee_of(area, {})
    area.join(NEAR)
    assert area.teach(trustee).roster_length == len(area.roster)
    assert not ask(trustee, area.request(ask=Ask.CHECK)).unknown


@pytest.mark.parametrize("name", VIEW)
def test_sabotage_a_trustee_that_compares_nothing_opens_all(monkeypatch, name):
    monkeypatch.setattr("trustee.letters.difference", lambda *_: None)
    area = TrusteeArea(far=0)
    seen = {home.entry: changed(area, home, **{name: b"x" * 32}) for home in area.near}
    trustee = trustee_of(area, seen)
    assert isinstance(ask(trustee, area.request()), Answer)


def test_log_and_status_name_what_differs(tmp_path, capsys):
    area = TrusteeArea(SHAPE, far=0)
    directory = tmp_path / "a"
    options = ("--collectivity", COLLECTIVITY, "--name", "trustee-a", "--title", "a")
    args = ["init", "--dir", str(directory), *options, "--broker-host", "localhost"]
    assert CliRunner().invoke(group, args).exit_code == 0
    trustee = area.stored(directory, teaches=False)
    area.teach(trustee)
    names = {home.entry: name for home, name in zip(area.near, VIEW, strict=False)}
    for home in area.near:
        other = {names[home.entry]: b"x" * 32} if home.entry in names else {}
        heads = changed(area, home, **other)
        trustee.take_key_shares(home.topic, area.letters(home, seen=heads))
    ask(trustee, area.request(ask=Ask.CHECK))
    logged = capsys.readouterr().out
    shown = CliRunner().invoke(group, ["status", "--dir", str(directory), "--json"])
    expected = {Difference.TRUSTEES: 1, Difference.MEASURES: 1, Difference.ROSTER: 1}
    assert json.loads(shown.output)["views_differ"] == expected
    for kind in expected:
        assert f"what={kind}" in logged
