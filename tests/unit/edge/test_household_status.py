"""What a household is told of its own chip, in words and at once."""

import json
import os
import subprocess
import sys
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from itertools import repeat

import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from edge.area.report import AreaSummary, Participation
from edge.area.words import PARTICIPATION
from edge.bills.judgement import Judgement, Verdict
from edge.bills.receipt_words import HOLDS
from edge.bills.receipts import Hold
from edge.commands.table import edge
from edge.language.choice import Lang
from edge.metering.events import Notice, NoticeKind
from edge.mqtt.message import Absence, Connected, Disconnected, Unreachable
from edge.simulate.host import host_time_at
from edge.simulate.link import PtyLink
from edge.status.advice_words import ADVICE
from edge.status.line import LineFault, LineState
from edge.status.notice_words import NOTICES
from edge.status.presence import (
    FILE_NAME,
    Presence,
    SessionState,
    StatusFile,
    StatusRecord,
    is_running,
    this_process,
)
from edge.status.report import Advice, ChipReport, NextBill, advise, advise_on_move, next_bill
from edge.status.reporter import StatusOptions
from edge.status.words import ABSENCES, WORDS, in_words
from edge.tic.serial_line import SerialSource
from edge.vault.vault import Vault
from protocol.contract import Consent, Contract
from system.certificates import Lifetime
from tests.support.chip_bench import (
    PLATFORM_KEY,
    Bench,
    ChipSettings,
    instant,
    make_identity,
    signer_of,
)
from tests.support.chip_cloud import FakeCloud
from tests.support.french import plain

NOW = datetime(2026, 5, 5, 10, tzinfo=UTC)
GOOD = LineState(is_good=True, quality=1.0, mode="standard", last_frame_at=NOW)
UP = SessionState(is_up=True, since=NOW)
CERTIFICATE = Lifetime("chip", NOW, NOW + timedelta(days=1_826))


def presence(line=GOOD, session=UP):
    return Presence(*this_process(), "ab12", NOW, line, NOW, session)


def report(**changes):
    fields = {
        "intervals": 96,
        "days": 1,
        "blocks": 1,
        "outbox_depth": 0,
        "incarnations": 1,
        "statements": 0,
        "last_quarter_hour_end": NOW,
        "last_day_closed": date(2026, 5, 4),
        "waiting_for_cloud": 0,
        "notices": (),
        "area": AreaSummary(Participation.NOT_CONFIRMED, None, 1.0),
        "presence": presence(),
        "has_contract": True,
        "next_bill": NextBill(date(2026, 5, 1), date(2026, 6, 1)),
        "certificate": CERTIFICATE,
        "advice": (),
    }
    return ChipReport(**(fields | changes))


@pytest.mark.parametrize(
    ("table", "kind"),
    [
        (NOTICES, NoticeKind),
        (ADVICE, Advice),
        (ABSENCES, Absence),
        (HOLDS, Hold),
        (PARTICIPATION, Participation),
    ],
)
def test_every_word_of_the_machine_has_words_in_both_languages(
    table: dict[Lang, dict[StrEnum, str]], kind: type[StrEnum]
):
    assert {lang: set(words) for lang, words in table.items()} == {key: set(kind) for key in Lang}


def test_both_languages_say_the_same_things():
    assert set(WORDS[Lang.EN]) == set(WORDS[Lang.FR])


@given(
    st.sampled_from([GOOD, LineState(), LineState(is_good=True, quality=0.7)]),
    st.sampled_from([UP, *(SessionState(False, NOW, why) for why in Absence)]),
    st.sampled_from(list(Lang)),
    st.sampled_from([None, NextBill(NOW.date(), None), NextBill(NOW.date(), NOW.date())]),
    st.sampled_from(list(NoticeKind)),
    st.booleans(),
)
def test_no_code_of_the_machine_is_shown_to_a_household(line, session, lang, bill, kind, runs):
    here = presence(line, session) if runs else None
    advice = advise(here, CERTIFICATE, NOW, has_left=False)
    said = in_words(
        report(
            presence=here, next_bill=bill, notices=(Notice(kind, NOW, "detail"),), advice=advice
        ),
        NOW,
        lang,
    )
    assert "_" not in said
    assert "None" not in said
    assert "{" not in said


def test_a_good_day_in_english():
    assert in_words(report(), NOW, Lang.EN).splitlines() == [
        "Chip                running since 2026-05-05 12:00",
        "Meter               read just now",
        "Line to the meter   good",
        "City                connected since 2026-05-05 12:00",
        "Last day closed     2026-05-04",
        "Still to send       nothing",
        "Next bill           for 2026-05-01 to 2026-05-31, soon after",
        (
            "Neighbourhood       you take no part yet: you have not confirmed the trustees "
            "(`volet edge trustees`)"
        ),
        "Certificate         holds until 2031-05-05; a connected chip renews it by itself",
        "What to do          nothing",
    ]


def test_a_dead_line_in_french():
    line = LineState(quality=0.0, mode="standard", last_frame_at=NOW)
    here = presence(line, SessionState(False, NOW, Absence.NETWORK))
    advice = advise(here, CERTIFICATE, NOW, has_left=False)
    said = plain(in_words(report(presence=here, advice=advice, outbox_depth=3), NOW, Lang.FR))
    assert "Compteur            dernière lecture le 05/05/2026 à 12:00" in said
    assert "rien n'arrive depuis le 05/05/2026 à 12:00" in said
    assert "la collectivité ne répond pas" in said
    assert "bornes I1 et I2" in said
    assert "3 messages ; ils partent d'eux-mêmes" in said


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "rien"), (1, "1 message ; il part"), (2, "2 messages ; ils partent")],
)
def test_what_waits_to_be_sent(count, said):
    shown = plain(in_words(report(outbox_depth=count), NOW, Lang.FR))
    (row,) = (line for line in shown.splitlines() if line.startswith("Reste à envoyer"))
    assert said in row


# What is shown of a line that gives nothing, by what is wrong with it and whether it had worked.
LINE_FAULTS = [
    ("silent", True, "rien n'arrive depuis", "I1 et I2"),
    ("silent", False, "rien n'arrive depuis", "l'optocoupleur et son alimentation"),
    ("garbled", True, "illisible depuis", 'vaut "auto"'),
    ("garbled", False, "illisible depuis", "n'inverse pas le signal"),
    ("away", True, "introuvable depuis", "Rebranchez l'adaptateur"),
    ("away", False, "introuvable depuis", "/dev/serial/by-id"),
]


@pytest.mark.parametrize(("fault", "had_frames", "shown", "looked_at"), LINE_FAULTS)
def test_what_is_wrong_with_the_line_is_told_with_what_to_look_at(
    fault, had_frames, shown, looked_at
):
    line = LineState(fault=LineFault(fault), last_frame_at=NOW if had_frames else None)
    here = presence(line)
    advice = advise(here, CERTIFICATE, NOW, has_left=False)
    french, english = (in_words(report(presence=here, advice=advice), NOW, lang) for lang in Lang)
    assert shown in french
    assert looked_at in french
    assert "nothing comes" in english or fault != "silent"
    assert {each for each, *_ in LINE_FAULTS} == set(LineFault)


def test_what_to_do_follows_what_is_wrong():
    assert advise(presence(), CERTIFICATE, NOW, has_left=False) == ()
    assert advise(None, CERTIFICATE, NOW, has_left=False) == (Advice.START,)
    late = NOW + timedelta(days=1_600)
    assert advise(presence(), CERTIFICATE, late, has_left=False) == (Advice.CERTIFICATE,)
    assert advise(presence(LineState()), None, NOW, has_left=True) == ()
    refused = presence(session=SessionState(False, NOW, Absence.REFUSED))
    assert advise(refused, None, NOW, has_left=False) == (Advice.REFUSED,)


def contract(end=None):
    return Contract(
        bytes(32), bytes(16), bytes(1216), bytes(32), date(2026, 1, 1), end, Consent.TOTAL, False
    )


def judged(start, end, verdict=Verdict.CORRECT):
    return Judgement("00", start, end, verdict)


def test_the_next_bill_follows_the_last_one_at_its_pace():
    first = judged(date(2026, 1, 1), date(2026, 2, 1))
    assert next_bill([], contract()) == NextBill(date(2026, 1, 1), None)
    assert next_bill([first], contract()) == NextBill(date(2026, 2, 1), date(2026, 3, 1))
    refused = judged(date(2026, 2, 1), date(2026, 3, 1), Verdict.REFUSED)
    assert next_bill([first, refused], contract()).start == date(2026, 2, 1)
    week = judged(date(2026, 3, 3), date(2026, 3, 10))
    assert next_bill([week], contract()) == NextBill(date(2026, 3, 10), date(2026, 3, 17))
    ending = contract(date(2026, 2, 10))
    assert next_bill([first], ending) == NextBill(date(2026, 2, 1), date(2026, 2, 10))
    assert next_bill([judged(date(2026, 1, 1), date(2026, 2, 10))], ending) is None


@pytest.fixture
def bench(tmp_path):
    identity = make_identity()
    directory = tmp_path / "chip"
    settings = ChipSettings(status=StatusOptions(StatusFile(directory)))
    bench = Bench(
        directory,
        FakeCloud(identity, PLATFORM_KEY),
        identity,
        instant(2026, 5, 5, 10),
        settings=settings,
    )
    yield bench
    bench.kill()


def kept(bench) -> Presence:
    bench.clock.seconds += 5
    bench.chip.outgoing()
    return StatusFile(bench.directory).read().presence


def test_what_changes_is_in_the_file_at_once(bench):
    bench.begin()
    assert kept(bench).session.is_up
    assert kept(bench).line.is_good
    bench.connect(is_online=False)
    assert kept(bench).session.why is Absence.NETWORK
    bench.chip.take(Unreachable(Absence.REFUSED))
    assert kept(bench).session.why is Absence.REFUSED
    bench.clock.seconds += 11
    assert not kept(bench).line.is_good
    assert (bench.directory / FILE_NAME).stat().st_mode & 0o777 == 0o600


def test_a_garbled_line_is_told_from_a_silent_one(bench):
    bench.begin()
    assert kept(bench).line.fault is None
    bench.clock.seconds += 11
    assert kept(bench).line.fault is LineFault.SILENT
    bench.chip.feed(b"\xf0\x87\x13" * 40, bench.clock.host_time())
    assert kept(bench).line.fault is LineFault.GARBLED


def test_a_device_that_is_gone_is_told_from_a_silent_line(bench, tmp_path):
    link = tmp_path / "linky"
    source = SerialSource(link, lambda: 0, delays=lambda: repeat(0.0))

    def read():
        data = source.read(0.01)
        bench.chip.feed(data, bench.clock.host_time(), is_line_open=source.fileno() >= 0)

    bench.begin()
    bench.clock.seconds += 11
    with closing(source):
        read()
        assert kept(bench).line.fault is LineFault.AWAY
        with PtyLink(link):
            read()
            assert kept(bench).line.fault is LineFault.SILENT
        read()
        assert kept(bench).line.fault is LineFault.AWAY


def test_a_quiet_day_and_a_mad_one_write_little(bench, monkeypatch):
    written = []
    write = StatusFile.write
    monkeypatch.setattr(
        StatusFile, "write", lambda file, kept: written.append(kept) or write(file, kept)
    )
    bench.begin()
    written.clear()
    at = bench.clock.at
    for second in range(3_600):
        bench.clock.seconds += 1
        now = at + timedelta(seconds=second)
        bench.chip.observe(bench.meter.frame(now), host_time_at(now))
        bench.chip.outgoing()
    assert len(written) <= 3
    written.clear()
    for _ in range(3_600):
        bench.clock.seconds += 1
        for event in (Disconnected(), Connected(is_resumed=True)):
            bench.chip.take(event)
            bench.clock.at += timedelta(milliseconds=500)
            bench.chip.outgoing()
    assert len(written) <= 3_600 / 5 + 1


def test_what_cannot_be_kept_is_not_sent_and_metering_goes_on(bench):
    bench.directory.joinpath(FILE_NAME).mkdir()
    bench.begin()
    bench.run(96)
    assert bench.statuses == []
    bench.settle()
    assert bench.chip.is_drained


def test_a_file_that_is_damaged_is_no_file(tmp_path):
    path = tmp_path / FILE_NAME
    for damaged in (b"", b"{", b"[]", b'{"presence": 1}', b"\xff"):
        path.write_bytes(damaged)
        path.chmod(0o600)
        assert StatusFile(tmp_path).read() == StatusRecord()


def test_a_chip_that_was_killed_is_told_from_one_that_runs():
    assert is_running(presence())
    number, start = this_process()
    assert not is_running(msgspec.structs.replace(presence(), process_start=start + 1))
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    other.communicate(b"\n")
    assert not is_running(msgspec.structs.replace(presence(), process=other.pid))
    assert number == os.getpid()


@pytest.mark.parametrize("runs", [True, False])
def test_the_command_says_whether_the_chip_runs(tmp_path, runs):
    Vault.open(tmp_path, signer_of(make_identity())).close()
    here = presence()
    if not runs:
        here = msgspec.structs.replace(here, process_start=here.process_start + 1)
    StatusFile(tmp_path).write(StatusRecord(here, None))
    said = CliRunner().invoke(edge, ["status", "--dir", str(tmp_path), "--lang", "en"])
    assert ("not running" in said.output) is not runs
    told = json.loads(CliRunner().invoke(edge, ["status", "--dir", str(tmp_path), "--json"]).output)
    assert (told["presence"] is not None) is runs
    assert told["advice"] == ([] if runs else ["start_the_chip"])


@pytest.mark.parametrize("damage", ["{", '{"is_on": "yes"}', None])
def test_damaged_choices_are_told_and_the_rest_is_shown(tmp_path, damage):
    Vault.open(tmp_path, signer_of(make_identity())).close()
    StatusFile(tmp_path).write(StatusRecord(presence(), None))
    choices = tmp_path / "area.json"
    choices.write_text(damage or "{}")
    choices.chmod(0o600 if damage else 0o644)
    told = json.loads(CliRunner().invoke(edge, ["status", "--dir", str(tmp_path), "--json"]).output)
    assert told["advice"] == ["choose_again_about_the_figures"]
    assert told["area"]["participation"] == "off", "as the running chip takes it"


@pytest.mark.parametrize(
    ("end", "text"),
    [
        (date(2026, 5, 6), "for 2026-04-01 to 2026-05-05, soon after"),
        (date(2026, 5, 5), "for 2026-04-01 to 2026-05-04; it can come any day now"),
        (date(2026, 4, 2), "for 2026-04-01 to 2026-04-01; it can come any day now"),
    ],
)
def test_a_bill_whose_days_are_over_is_awaited(end, text):
    said = in_words(report(next_bill=NextBill(date(2026, 4, 1), end)), NOW, Lang.EN)
    assert f"Next bill           {text}" in said


def test_after_the_move_no_bill_is_promised():
    bill = NextBill(date(2026, 5, 1), date(2026, 5, 6))
    said = in_words(report(next_bill=bill, left_after=date(2026, 5, 5)), NOW, Lang.EN)
    assert "the last one, for days up to 2026-05-05, if your provider asks for it" in said
    ended = contract(end=date(2026, 2, 1))
    assert next_bill([judged(date(2026, 1, 1), date(2026, 2, 1))], ended) is None
    assert next_bill([], contract(end=date(2026, 1, 1))) is None
    assert advise(None, None, NOW, has_left=True) == ()
    assert [advise_on_move(None, is_ordered=each) for each in (False, True)] == [
        [],
        [Advice.MOVE_OUT],
    ]
