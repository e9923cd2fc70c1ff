"""One lying trustee of four: what it signs binds nobody else, and names it."""

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol.convictions import Offence, Proof
from protocol.errors import MessageRefused, Reason
from protocol.trustee_messages import (
    Answer,
    Ask,
    Entries,
    FromPeer,
    Hello,
    Holding,
    LogEntry,
    RequestPage,
    SignedSummary,
    Synced,
    Wanted,
    sign_log_entry,
)
from tests.support.sweeps import swept
from tests.support.trustee_area import (
    COLLECTIVITY,
    TrusteeArea,
    ask,
    ask_all,
    converse,
    greet,
    share_answers,
)
from trustee.alarms import Alarms

LIAR = "trustee-a"


@pytest.fixture(scope="module")
def area():
    return TrusteeArea(far=0)


@pytest.fixture
def town(area):
    """Return a trustee that lies by messages of its own, and three honest ones."""
    trustees = [area.trustee(n, is_alone=False) for n in range(4)]
    greet(trustees)
    return trustees


def says(town, *messages):
    """Send messages of the liar to the honest trustees."""
    converse(town, [(LIAR, message) for message in messages])


def line(liar, signed: SignedSummary, number=0, previous=bytes(32), households=10):
    entry = LogEntry(liar.identity.name, number, previous, signed, households)
    return sign_log_entry(entry, COLLECTIVITY, liar.identity.signing_key)


def lines(*signed):
    return FromPeer(Entries(signed))


def alarms(trustee):
    return [(alarm.offence, alarm.offender) for alarm in trustee._log.alarms()]


def proofs(trustee):
    return [msgspec.msgpack.decode(alarm.proof, type=Proof) for alarm in trustee._log.alarms()]


def answer_all(area, honest):
    return [isinstance(answer, Answer) for answer in ask_all(honest, area.request())]


def invented(area):
    """Return requests that a liar signs itself, as if it were the collectivity."""
    key = Ed25519PrivateKey.generate()
    return [area.request(area.near[1:], signer=key), area.request(day=area.today, signer=key)]


def test_a_line_about_an_invented_request_blocks_no_figure_and_names_its_author(area, town):
    liar, *honest = town
    for request in invented(area):
        says(town, lines(line(liar, request.summary)))
    assert answer_all(area, honest) == [True] * 3
    for trustee in honest:
        assert alarms(trustee) == [(Offence.INVENTED_REQUEST, LIAR)]
        assert [proof.convicts([area.set]) for proof in proofs(trustee)] == [LIAR]
        assert trustee._log.holding(LIAR).length == 0


def test_sabotage_without_the_collectivity_s_signature_a_line_binds_everyone(
    area, town, monkeypatch
):
    liar, *honest = town
    monkeypatch.setattr("trustee.alarms.is_of_collectivity", lambda *_: True)
    says(town, lines(line(liar, invented(area)[0].summary)))
    assert answer_all(area, honest) == [False] * 3


def test_a_signed_request_under_another_figure_s_name_binds_nobody(area, town):
    """The signature covers the figure, so a true request cannot be said to be about another day."""
    liar, *honest = town
    true = area.request(day=area.today - 1).summary
    summary = msgspec.structs.replace(true.summary, day=area.today)
    says(town, lines(line(liar, SignedSummary(summary, true.signature))))
    assert answer_all(area, honest) == [True] * 3


def test_an_older_document_s_set_is_another_figure(area, town):
    """The release asks under an old document as well for some days; that is no second set."""
    liar, *honest = town
    says(town, lines(line(liar, area.request(measures=bytes(32)).summary)))
    assert answer_all(area, honest) == [True] * 3
    assert alarms(honest[0]) == []


def test_a_request_that_only_the_worker_s_envelope_vouches_for_is_refused(area, town):
    _, trustee, *_ = town
    assert ask(trustee, invented(area)[0]).reason is Reason.SIGNATURE
    assert trustee.known().log_length == 0


def test_a_line_forged_in_another_s_name_is_refused(area, town):
    liar, second, *honest = town
    request = area.request(area.near[1:]).summary
    entry = LogEntry(second.identity.name, 0, bytes(32), request, 9)
    forged = sign_log_entry(entry, COLLECTIVITY, liar.identity.signing_key)
    says(town, lines(forged))
    assert all(trustee._log.holding(second.identity.name).length == 0 for trustee in honest)
    assert answer_all(area, [second, *honest]) == [True] * 3


def test_two_faces_are_a_fork_that_convicts_their_author(area, town):
    liar, second, third, fourth = town
    one = line(liar, area.request(ask=Ask.CHECK).summary)
    other = line(liar, area.request(ask=Ask.CHECK).summary, households=9)
    second.take_peer(LIAR, lines(one))
    third.take_peer(LIAR, lines(other))
    greet([second, third, fourth])
    for trustee in (second, third):
        assert alarms(trustee) == [(Offence.FORKED_LOG, LIAR)]
        assert proofs(trustee)[0].convicts([area.set]) == LIAR
    assert answer_all(area, [second, third, fourth]) == [True] * 3


def test_a_line_that_follows_another_than_the_one_before_is_a_fork(area, town):
    liar, second, *_ = town
    first = line(liar, area.request(ask=Ask.CHECK).summary)
    second.take_peer(LIAR, lines(first, line(liar, area.request().summary, 1, bytes(range(32)))))
    assert alarms(second) == [(Offence.FORKED_LOG, LIAR)]
    assert proofs(second)[0].convicts([area.set]) == LIAR


def test_a_log_holds_a_request_once_so_that_it_costs_the_others_no_more_than_was_asked(area, town):
    liar, second, *_ = town
    first = line(liar, area.request().summary)
    again = line(liar, area.request().summary, 1, first.hash)
    second.take_peer(LIAR, lines(first, again))
    assert second._log.holding(LIAR).length == 1
    assert second._log.counters()["refused_answered_already"] == 1


def test_a_convicted_trustee_costs_the_others_one_proof(area, town):
    liar, second, *_ = town
    key = Ed25519PrivateKey.generate()
    for day in range(area.today - 20, area.today):
        second.take_peer(LIAR, lines(line(liar, area.request(day=day, signer=key).summary)))
    assert alarms(second) == [(Offence.INVENTED_REQUEST, LIAR)]


def test_two_sets_that_the_collectivity_signed_are_its_own_doing_and_kept_as_proof(area, town):
    first, second, third, fourth = town
    for each in (first, second, fourth):
        ask(each, area.request())
        share_answers(each, [other for other in town if other is not each])
    assert ask(third, area.request(area.near[1:])).reason is Reason.CONFLICT
    assert alarms(third) == [(Offence.TWO_SETS, "collectivity")]
    assert proofs(third)[0].convicts([area.set]) == "collectivity"
    assert ask(third, area.request()).reason is Reason.CONFLICT
    assert isinstance(ask(second, area.request()), Answer)


def test_a_line_of_a_forked_log_still_shows_the_set_that_was_asked_for(area, town):
    liar, second, *_ = town
    one = line(liar, area.request(ask=Ask.CHECK).summary)
    second.take_peer(LIAR, lines(one))
    second.take_peer(LIAR, lines(line(liar, area.request(area.near[1:]).summary)))
    assert ask(second, area.request()).reason is Reason.CONFLICT


def test_two_answers_in_one_log_convict_the_trustee_and_the_collectivity(area, town):
    liar, second, *_ = town
    first = line(liar, area.request().summary)
    second.take_peer(
        LIAR, lines(first, line(liar, area.request(area.near[1:]).summary, 1, first.hash))
    )
    assert set(alarms(second)) == {
        (Offence.TWO_SETS, "collectivity"),
        (Offence.TWO_ANSWERS, LIAR),
    }
    assert {proof.convicts([area.set]) for proof in proofs(second)} == {"collectivity", LIAR}


def test_nothing_convicts_that_others_signed_or_that_is_no_offence(area, town):
    liar, second, *_ = town
    one, other = area.request().summary, area.request(area.near[1:]).summary
    check = area.request(ask=Ask.CHECK).summary
    forger = Ed25519PrivateKey.generate()
    false = area.request(area.near[1:], signer=forger).summary
    first = line(liar, one)
    theirs = line(second, other, 1, bytes(32))
    for proof in (
        Proof(Offence.TWO_SETS),
        Proof(Offence.TWO_SETS, sets=(one,)),
        Proof(Offence.TWO_SETS, sets=(one, one)),
        Proof(Offence.TWO_SETS, sets=(one, false)),
        Proof(Offence.TWO_SETS, sets=(check, one)),
        Proof(Offence.TWO_ANSWERS, entries=(first,)),
        Proof(Offence.TWO_ANSWERS, entries=(first, first)),
        Proof(Offence.TWO_ANSWERS, entries=(first, theirs)),
        Proof(Offence.FORKED_LOG, entries=(first, first)),
        Proof(Offence.FORKED_LOG, entries=(first, line(liar, check, 1, first.hash))),
        Proof(Offence.FORKED_LOG, entries=(first, theirs)),
        Proof(Offence.INVENTED_REQUEST, entries=(first,)),
        Proof(Offence.INVENTED_REQUEST),
    ):
        with pytest.raises(MessageRefused):
            proof.convicts([area.set])


def test_pages_of_a_liar_do_not_spoil_what_an_honest_trustee_gives_back(area, tmp_path):
    trustee = area.stored(tmp_path / "b", 1, is_alone=False)
    others = [area.trustee(n, is_alone=False) for n in (2, 3)]
    greet([trustee, *others])
    request = area.request()
    for each in (trustee, *others):
        ask(each, request)
    share_answers(trustee, others)
    restored = area.stored(tmp_path / "new", 1, is_alone=False)
    (wanted,) = _given_back_up_to_the_request(restored, others)
    (page,) = others[0].take_peer("trustee-b", wanted)
    lie = msgspec.structs.replace(page.message, pages=2, data=b"nothing")
    restored.take_peer(LIAR, FromPeer(lie))
    restored.take_peer("trustee-c", page)
    assert not restored._log.missing("trustee-b")


def _false_log(area, liar):
    return [lines(line(liar, signed.summary)) for signed in invented(area)]


def _false_figure(area, liar):
    true = area.request(day=area.today - 1).summary
    summary = msgspec.structs.replace(true.summary, day=area.today)
    return [lines(line(liar, SignedSummary(summary, true.signature)))]


def _another_s_line(area, liar):
    entry = LogEntry("trustee-c", 0, bytes(32), area.request(area.near[1:]).summary, 9)
    return [lines(sign_log_entry(entry, COLLECTIVITY, liar.identity.signing_key))]


def _answers_early(area, liar):
    """The true line about the sum before anybody was asked, and the check after it."""
    first = line(liar, area.request().summary)
    return [lines(first, line(liar, area.request(ask=Ask.CHECK).summary, 1, first.hash))]


def _two_logs(area, liar):
    summary = area.request(ask=Ask.CHECK).summary
    return [lines(line(liar, summary, households=count)) for count in range(5)]


def _holes(area, liar):
    return [lines(line(liar, area.request().summary, 7, bytes(range(32))))]


def _more_than_there_is(area, _):
    """A hello that claims logs which nobody has, and ends of hellos that nobody sent."""
    names = [trustee.name for trustee in area.set.trustees]
    holdings = tuple(Holding(name, 1_000, bytes(range(32))) for name in names)
    return [
        FromPeer(Hello(bytes(16), holdings)),
        *(FromPeer(Synced(name, bytes(16))) for name in names),
        FromPeer(Wanted((bytes(32), area.request().request.id))),
        FromPeer(RequestPage(area.request().request.id, 0, 1, b"nothing")),
    ]


STRATEGIES = {
    "honest": lambda *_: [],
    "invented requests": _false_log,
    "a true request as another figure's": _false_figure,
    "a line in another's name": _another_s_line,
    "the true lines too early": _answers_early,
    "two logs": _two_logs,
    "a log with holes": _holes,
    "claims": _more_than_there_is,
}


@pytest.mark.parametrize("away", swept([None, 1, 2, 3], 4))
@pytest.mark.parametrize("is_withheld", [False, True])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_no_strategy_of_one_log_changes_or_stops_an_answer(
    area, tmp_path, strategy, is_withheld, away
):
    """Only with another one away, a liar can keep trustees from answering, by silence."""
    there = [n for n in range(1, 4) if n != away]
    liar = area.trustee(0, is_alone=False)
    honest = {n: area.stored(tmp_path / str(n), n, is_alone=False) for n in there}
    town = [*honest.values(), *([] if is_withheld else [liar])]
    expected = [ask(area.trustee(n), area.request(ask=one)) for n in there for one in Ask]
    says([*honest.values(), liar], *STRATEGIES[strategy](area, liar))
    greet(town)
    says([*honest.values(), liar], *STRATEGIES[strategy](area, liar))
    for trustee in honest.values():
        for one in Ask:
            ask(trustee, area.request(ask=one))
            share_answers(trustee, [other for other in town if other is not trustee])
    answers = [ask(trustee, area.request(ask=one)) for trustee in honest.values() for one in Ask]
    for trustee in honest.values():
        assert {offender for _, offender in alarms(trustee)} <= {LIAR}
        trustee._log.close()
    for answer, true in zip(answers, expected, strict=True):
        assert answer == true or (away is not None and answer.reason is Reason.NOT_READY)


def _given_back_up_to_the_request(restored, others):
    hello = restored.peers.hello()[0]
    wanted = []
    for other in others:
        for message in other.take_peer("trustee-b", hello):
            wanted += restored.take_peer(other.identity.name, message)
    return [message for message in wanted if isinstance(message.message, Wanted)][:1]


def test_an_alarm_is_never_raised_without_a_proof_that_holds(area, town):
    _, second, *_ = town
    alarm = Alarms(second._log, second.documents)
    true = line(second, area.request().summary)
    with pytest.raises(MessageRefused):
        alarm._convict(
            Proof(Offence.INVENTED_REQUEST, entries=(true,)), area.request().summary.summary
        )
    assert alarms(second) == []
