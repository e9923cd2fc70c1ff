"""What the page shows of all that a chip sent on a day: every kind in words, sums for viewers."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from edge.household.requests import AskShared
from edge.household.sent import ORDER, OTHER, OWNERS, sent_on
from edge.household.visitors import VisitorRole, household_name
from edge.language.choice import Lang
from edge.mqtt.sent import LAST_WILL, SentDay, SentKind
from edge.page import views
from edge.page.sent_texts import SENT_KINDS
from edge.page.texts import TEXTS
from protocol.calendar import legal_day
from protocol.topics import SENT_BY_CHIPS, Kind, device_topic
from tests.support.billing_home import BillingHome
from tests.support.lived_home import account_of, answers_of

OWNER, VIEWER = VisitorRole.OWNER, VisitorRole.VIEWER
NOON = datetime(2026, 11, 29, 11, tzinfo=UTC)
HOUR = timedelta(hours=1)


def day_of(*kinds, **changes):
    """Return an account in which the n-th kind, from 1, was sent n times, n hours after noon."""
    counted = {
        str(kind): SentKind(n, 100 * n, NOON, NOON + n * HOUR) for n, kind in enumerate(kinds, 1)
    }
    return SentDay(NOON.date(), kinds=counted, **changes)


def test_every_kind_that_a_chip_sends_has_its_row_and_its_words():
    assert set(ORDER) == {*SENT_BY_CHIPS, LAST_WILL}
    for lang in Lang:
        assert SENT_KINDS[lang].keys() == {*map(str, ORDER), OTHER}
    shown = sent_on(day_of(*reversed(ORDER)), OWNER)
    assert [each.kind for each in shown.messages] == list(map(str, ORDER))


@pytest.mark.parametrize("role", list(VisitorRole))
def test_what_everybody_sees_together_is_all_that_was_sent(role):
    day = day_of(*ORDER, "unknown")
    shown = sent_on(day, role).messages
    assert sum(each.count for each in shown) == sum(each.count for each in day.kinds.values())
    assert sum(each.size_bytes for each in shown) == sum(
        each.size_bytes for each in day.kinds.values()
    )


def test_a_viewer_sees_what_tells_of_bills_offers_and_moving_as_one_sum():
    day = day_of(Kind.BLOCK, Kind.RECEIPT, Kind.QUOTE, Kind.SEEN, Kind.LEAVE)
    block, other = sent_on(day, VIEWER).messages
    assert block.kind == Kind.BLOCK
    assert (other.kind, other.count, other.size_bytes) == (OTHER, 2 + 3 + 4 + 5, 1_400)
    assert (other.first, other.last) == (NOON, NOON + 5 * HOUR)
    assert {each.kind for each in sent_on(day, OWNER).messages} >= OWNERS


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = BillingHome(tmp_path_factory.mktemp("town") / "town")
    home.begin()
    home.live(2)
    account, identity = account_of(home), home.identity
    for kind in (Kind.BLOCK, Kind.BLOCK, Kind.RECEIPT, Kind.QUOTE):
        account.count(device_topic(identity.collectivity, identity.device, kind), b"payload")
    account.keep(is_end=True)
    yield home
    home.kill()


def shared(home, day, role=OWNER):
    asked = {"household": household_name(home.identity.household_key), "role": role}
    return answers_of(home).answer(AskShared(day=day, lang=Lang.EN, **asked))


def test_the_page_has_a_line_for_a_receipt_and_one_for_a_question_for_quotes(home):
    today = legal_day(home.clock.now())
    view = views.sent(shared(home, today), Lang.EN)
    assert [(what, count, size) for what, _, _, count, size, _ in view.rows] == [
        ("Encrypted blocks", "2", "14"),
        ("Receipts", "1", "7"),
        ("Questions for quotes", "1", "7"),
    ]
    assert (view.count, view.size) == ("4", "28")
    seen = views.sent(shared(home, today, VIEWER), Lang.EN)
    assert [row[0] for row in seen.rows] == ["Encrypted blocks", "Other messages"]
    assert seen.count == "4"


def test_a_day_without_a_count_says_so_and_no_zero(home):
    yesterday = legal_day(home.clock.now()) - timedelta(days=1)
    told = shared(home, yesterday)
    assert told.sent is None
    assert views.sent(told, Lang.FR) is None


@pytest.mark.parametrize("lang", list(Lang))
@pytest.mark.parametrize("is_anew", [False, True])
def test_a_count_that_began_late_says_since_when(home, lang, is_anew):
    today = legal_day(home.clock.now())
    late = sent_on(day_of(Kind.BLOCK, since=NOON, is_anew=is_anew), OWNER)
    told = views.sent(_with(shared(home, today), late), lang)
    time = "12:00"
    name = "sent_anew" if is_anew else "sent_since"
    assert told.notes == (TEXTS[lang][name].format(time=time),)
    whole = sent_on(day_of(), OWNER)
    assert views.sent(_with(shared(home, today), whole), lang).notes == (
        TEXTS[lang]["sent_nothing"],
    )


def _with(told, sent):
    return msgspec.structs.replace(told, sent=sent)
