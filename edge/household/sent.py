"""What the account of published messages shows of a day: all to the household, sums to viewers."""

from edge.household.shown import SentMessages, SentOnDay
from edge.household.visitors import VisitorRole
from edge.mqtt.sent import LAST_WILL, SentDay, SentKind
from protocol.topics import Kind

# In the order of the page; whatever else there is comes last, summed.
ORDER = (
    Kind.BLOCK,
    Kind.EPOCH,
    Kind.AREA,
    Kind.ASK,
    Kind.KEY,
    Kind.FETCH,
    Kind.SEEN,
    Kind.RECEIPT,
    Kind.QUOTE,
    Kind.LEAVE,
    Kind.RENEW,
    Kind.STATUS,
    LAST_WILL,
)
# They tell of bills, offers and moving, which are the household's.
OWNERS = frozenset({Kind.SEEN, Kind.RECEIPT, Kind.QUOTE, Kind.LEAVE})
OTHER = "other"


def sent_on(sent: SentDay | None, role: VisitorRole) -> SentOnDay | None:
    """Return what left on a day, as a visitor of `role` may see it."""
    if sent is None:
        return None
    apart = [kind for kind in ORDER if role is VisitorRole.OWNER or kind not in OWNERS]
    rest = [each for kind, each in sent.kinds.items() if kind not in apart]
    messages = [_messages(kind, sent.kinds[kind]) for kind in apart if kind in sent.kinds]
    if rest:
        total, *others = rest
        for each in others:
            total = total.and_also(each)
        messages.append(_messages(OTHER, total))
    return SentOnDay(sent.since, sent.is_anew, tuple(messages))


def _messages(kind: str, sent: SentKind) -> SentMessages:
    return SentMessages(str(kind), sent.count, sent.size_bytes, sent.first, sent.last)
