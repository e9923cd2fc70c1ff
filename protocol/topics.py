"""Topics below `volet/v1/{collectivity}/`: builders and parsers for both sides."""

import re
from enum import StrEnum

import msgspec

from protocol.errors import MessageRefused, Reason
from protocol.ids import DeviceId

ROOT = "volet/v1"


class Kind(StrEnum):
    """The kinds of messages that a device sends or receives; each is a topic below its own."""

    EPOCH = "up/epoch"
    BLOCK = "up/block"
    FETCH = "up/fetch"
    SEEN = "up/seen"
    RECEIPT = "up/receipt"
    AREA = "up/area"
    ASK = "up/ask"
    LEAVE = "up/leave"
    QUOTE = "up/quote"
    RENEW = "up/renew"
    ACK = "down/ack"
    STORED_EPOCH = "down/epoch"
    STORED_BLOCK = "down/block"
    STATEMENT = "down/statement"
    RECEIPT_ACK = "down/receipt"
    AREA_ACK = "down/area"
    TERMS = "down/terms"
    DOCUMENT = "down/document"
    LEFT = "down/left"
    QUOTES = "down/quote"
    LETTER = "down/letter"
    CERTIFICATE = "down/certificate"
    KEY = "key"
    STATUS = "status"


UP = tuple(kind for kind in Kind if kind.startswith("up/"))
DOWN = tuple(kind for kind in Kind if kind.startswith("down/"))
# What a chip sends, and what of a chip's topics the broker retains by the protocol.
SENT_BY_CHIPS = (*UP, Kind.KEY, Kind.STATUS)
RETAINED = (Kind.KEY, Kind.STATUS, Kind.STATEMENT, Kind.LETTER)
# How many levels follow a kind in its topic; see `DeviceTopic.rest`.
_REST_LEVELS = {Kind.STATEMENT: 1, Kind.LETTER: 1, Kind.QUOTES: 2}


class TrusteeKind(StrEnum):
    """The kinds of messages on a trustee's own topics."""

    REQUEST = "request"
    RESPONSE = "response"
    LOG = "log"
    SEALING = "sealing"


class PublicKind(StrEnum):
    """The kinds of messages for everyone.

    The platform signs a page of the list (see `envelope.ALL`), the root signs the keys. Nobody signs
    a released figure; CURVE are those of the neighbourhoods' curves.
    """

    LIST = "catalogue/list"
    CURVE = "area/curve"
    HUB = "hub"
    KEYS = "keys"


class DeviceTopic(msgspec.Struct, frozen=True):
    """A parsed topic of a device.

    `rest` follows the kind: a statement's id, or the id of quotes and the number of a part.
    """

    collectivity: str
    device: DeviceId
    kind: Kind
    rest: str = ""


_DEVICE_TOPIC = re.compile(
    rf"{ROOT}/([a-z0-9-]{{1,32}})/d/([a-z2-7]{{26}})/({'|'.join(Kind)})"
    r"(?:/([0-9a-f]{1,64}(?:/[0-9]{1,4})?))?"
)
_SEALING_TOPIC = re.compile(
    rf"{ROOT}/([a-z0-9-]{{1,32}})/trustee/(trustee-[a-z0-9]{{1,24}})/sealing/([1-9]|1[0-2])"
)
_CATALOGUE_TOPIC = re.compile(
    rf"{ROOT}/([a-z0-9-]{{1,32}})/catalogue/(?:list/([0-9]{{1,6}})|([0-9a-f]{{64}}))"
)

_HUB_TOPIC = re.compile(rf"{ROOT}/[a-z0-9-]{{1,32}}/{PublicKind.HUB}")


_KEYS_TOPIC = re.compile(rf"{ROOT}/[a-z0-9-]{{1,32}}/{PublicKind.KEYS}")
_CURVE_TOPIC = re.compile(rf"{ROOT}/[a-z0-9-]{{1,32}}/{PublicKind.CURVE}/[^/]{{1,48}}")
_OTHER_KINDS = {
    PublicKind.LIST: _CATALOGUE_TOPIC,
    PublicKind.HUB: _HUB_TOPIC,
    PublicKind.KEYS: _KEYS_TOPIC,
    PublicKind.CURVE: _CURVE_TOPIC,
    f"trustee/{TrusteeKind.SEALING}": _SEALING_TOPIC,
}
# The measure whose figures are the curves of neighbourhoods.
NEIGHBOURHOODS = PublicKind.CURVE.rpartition("/")[2]


def keys_topic(collectivity: str) -> str:
    """Build the topic of the collectivity's key list."""
    return f"{ROOT}/{collectivity}/{PublicKind.KEYS}"


def device_topic(collectivity: str, device: DeviceId, kind: Kind, rest: str = "") -> str:
    """Build the topic of `kind` of one device."""
    return f"{ROOT}/{collectivity}/d/{device}/{kind}{'/' if rest else ''}{rest}"


def kind_of(topic: str) -> str:
    """Return the kind in any topic, for counters and logs; it names nobody."""
    device = _DEVICE_TOPIC.fullmatch(topic)
    if device is not None:
        return str(device[3])
    for kind, pattern in _OTHER_KINDS.items():
        if pattern.fullmatch(topic) is not None:
            return kind
    last = topic.rpartition("/")[2]
    return f"trustee/{last}" if last in set(TrusteeKind) else "unknown"


def kind_filter(collectivity: str, device: str, kind: Kind) -> str:
    """Build the narrowest filter for all topics of `kind` of a device, or with `+` of all devices.

    `device` may also be a broker's placeholder for the client's name.
    """
    return f"{ROOT}/{collectivity}/d/{device}/{kind}{'/+' * _REST_LEVELS.get(kind, 0)}"


def all_devices(collectivity: str, kind: Kind) -> str:
    """Build the filter for `kind` of every device."""
    return kind_filter(collectivity, "+", kind)


def all_of_name(collectivity: str, name: str) -> tuple[str, str]:
    """Build the filters for everything on a device's or trustee's own topics."""
    return f"{ROOT}/{collectivity}/d/{name}/#", f"{ROOT}/{collectivity}/trustee/{name}/#"


def own_down(collectivity: str, device: DeviceId) -> str:
    """Build the filter for all messages to one device."""
    return f"{ROOT}/{collectivity}/d/{device}/down/#"


def parse_device_topic(topic: str) -> DeviceTopic:
    """Parse a device's topic.

    Raises:
        MessageRefused: it is not a topic of a device.
    """
    if match := _DEVICE_TOPIC.fullmatch(topic):
        collectivity, device, kind, rest = match.groups()
        return DeviceTopic(collectivity, DeviceId(device), Kind(kind), rest or "")
    raise MessageRefused(Reason.TOPIC, "no topic of a device")


def trustee_topic(collectivity: str, trustee: str, kind: TrusteeKind) -> str:
    """Build the topic of `kind` of one trustee, or with `+` the filter for all trustees."""
    return f"{ROOT}/{collectivity}/trustee/{trustee}/{kind}"


def sealing_topic(collectivity: str, trustee: str, month: int | str) -> str:
    """Build the topic of a trustee's sealing key of a calendar month, 1 to 12.

    With `+` for trustee and month it is the filter for all of them.
    """
    return f"{trustee_topic(collectivity, trustee, TrusteeKind.SEALING)}/{month}"


class SealingTopic(msgspec.Struct, frozen=True):
    """A parsed topic of a trustee's sealing key; `month` is a calendar month, 1 to 12."""

    collectivity: str
    trustee: str
    month: int


def parse_sealing_topic(topic: str) -> SealingTopic | None:
    """Parse a topic of a trustee's sealing key; returns None for any other topic."""
    match = _SEALING_TOPIC.fullmatch(topic)
    return None if match is None else SealingTopic(match[1], match[2], int(match[3]))


def area_topic(collectivity: str, measure: str, code: str) -> str:
    """Build the topic of a group's released figures."""
    return f"{ROOT}/{collectivity}/area/{measure}/{code}"


def hub_topic(collectivity: str) -> str:
    """Build the topic on which the collectivity's worker addresses everybody."""
    return f"{ROOT}/{collectivity}/{PublicKind.HUB}"


def public_filters(collectivity: str) -> tuple[str, ...]:
    """Build the narrowest filters for all topics that everybody reads."""
    root = f"{ROOT}/{collectivity}"
    own = hub_topic(collectivity), keys_topic(collectivity)
    return f"{root}/{PublicKind.LIST}/+", f"{root}/catalogue/+", *own


class CatalogueTopic(msgspec.Struct, frozen=True):
    """A parsed topic of the transparency log: a page's number, or a document's hash."""

    collectivity: str
    page: int | None
    document: bytes | None


def page_topic(collectivity: str, page: int) -> str:
    """Build the topic of one page of the transparency log."""
    return f"{ROOT}/{collectivity}/{PublicKind.LIST}/{page}"


def listed_topic(collectivity: str, document: bytes) -> str:
    """Build the topic of one listed document, by its hash."""
    return f"{ROOT}/{collectivity}/catalogue/{document.hex()}"


def parse_catalogue_topic(topic: str) -> CatalogueTopic | None:
    """Parse a topic of the transparency log; returns None for any other topic."""
    match = _CATALOGUE_TOPIC.fullmatch(topic)
    if match is None:
        return None
    collectivity, page, document = match.groups()
    return CatalogueTopic(
        collectivity,
        None if page is None else int(page),
        None if document is None else bytes.fromhex(document),
    )
