"""Topics below `volet/v1/{collectivity}/`, one builder and one parser for both sides."""

import re
from enum import StrEnum

import msgspec

from protocol.errors import MessageRefused, Reason
from protocol.ids import DeviceId

ROOT = "volet/v1"


class Kind(StrEnum):
    """The kinds of messages a device sends or receives; each is a topic below its own."""

    EPOCH = "up/epoch"
    BLOCK = "up/block"
    FETCH = "up/fetch"
    SEEN = "up/seen"
    RECEIPT = "up/receipt"
    AREA = "up/area"
    ASK = "up/ask"
    LEAVE = "up/leave"
    QUOTE = "up/quote"
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
    KEY = "key"
    STATUS = "status"


class TrusteeKind(StrEnum):
    """What passes a trustee's own topics."""

    REQUEST = "request"
    RESPONSE = "response"
    LOG = "log"


class PublicKind(StrEnum):
    """What the platform signs for everybody; in its address a word stands for the device."""

    LIST = "catalogue/list"


class DeviceTopic(msgspec.Struct, frozen=True):
    """A device's topic taken apart; `rest` is what follows the kind.

    A statement's id, or that of quotes and the number of a part.
    """

    collectivity: str
    device: DeviceId
    kind: Kind
    rest: str = ""


_DEVICE_TOPIC = re.compile(
    rf"{ROOT}/([a-z0-9-]{{1,32}})/d/([a-z2-7]{{26}})/({'|'.join(Kind)})"
    r"(?:/([0-9a-f]{1,64}(?:/[0-9]{1,4})?))?"
)
_CATALOGUE_TOPIC = re.compile(
    rf"{ROOT}/([a-z0-9-]{{1,32}})/catalogue/(?:list/([0-9]{{1,6}})|([0-9a-f]{{64}}))"
)


def device_topic(collectivity: str, device: DeviceId, kind: Kind, rest: str = "") -> str:
    """Build the topic of `kind` of one device."""
    return f"{ROOT}/{collectivity}/d/{device}/{kind}{'/' if rest else ''}{rest}"


def all_devices(collectivity: str, kind: Kind) -> str:
    """Build the filter for `kind` of every device."""
    return f"{ROOT}/{collectivity}/d/+/{kind}"


def own_down(collectivity: str, device: DeviceId) -> str:
    """Build the filter for everything that is sent to one device."""
    return f"{ROOT}/{collectivity}/d/{device}/down/#"


def parse_device_topic(topic: str) -> DeviceTopic:
    """Take a device's topic apart.

    Raises:
        MessageRefused: the topic is not one of ours.
    """
    if match := _DEVICE_TOPIC.fullmatch(topic):
        collectivity, device, kind, rest = match.groups()
        return DeviceTopic(collectivity, DeviceId(device), Kind(kind), rest or "")
    raise MessageRefused(Reason.TOPIC, "no topic of a device")


def trustee_topic(collectivity: str, trustee: str, kind: TrusteeKind) -> str:
    """Build the topic of `kind` of one trustee, or the filter of all with `+`."""
    return f"{ROOT}/{collectivity}/trustee/{trustee}/{kind}"


def area_topic(collectivity: str, measure: str, code: str) -> str:
    """Build the topic under which a group's figures are released."""
    return f"{ROOT}/{collectivity}/area/{measure}/{code}"


class CatalogueTopic(msgspec.Struct, frozen=True):
    """A topic of the transparency log taken apart: a page's number, or a document's hash."""

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
    """Take a topic of the transparency log apart; None: it is another topic."""
    match = _CATALOGUE_TOPIC.fullmatch(topic)
    if match is None:
        return None
    collectivity, page, document = match.groups()
    return CatalogueTopic(
        collectivity,
        None if page is None else int(page),
        None if document is None else bytes.fromhex(document),
    )
