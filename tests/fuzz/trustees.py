"""What trustees, the collectivity and chips send to a trustee, and trustees to the collectivity."""

from functools import partial
from pathlib import Path

import msgspec

from cloud.release.asking import Asking
from cloud.release.pages import cosigned_pages, roster_pages
from protocol.area_messages import SeedLetters
from protocol.envelope import Address
from protocol.errors import MessageRefused
from protocol.governance import CosignedDocument, TrusteeSet, draw_up
from protocol.ids import DeviceId
from protocol.measures import Measures
from protocol.roster import RosterEntry
from protocol.roster import _signed_bytes as _entry_bytes
from protocol.topics import Kind, TrusteeKind, trustee_topic
from protocol.trustee_messages import (
    Answer,
    AnswerPage,
    CosignedPage,
    FromPeer,
    FromTrustee,
    LogEntry,
    RequestPage,
    RosterPage,
    SetRequest,
    SignedRequest,
    ToTrustee,
    pages_of,
    sign_request,
)
from system.mqtt.message import Incoming
from tests.fuzz.target import Prepared, Samples, Strict, Target, be_strict, named, seal_bytes
from tests.support.trustee_area import COLLECTIVITY, TrusteeArea
from trustee.service import TrusteeTransport

TRUSTEE, PEER = "trustee-a", "trustee-b"


class FuzzedTrustee:
    """A trustee that knows its area; another one and the collectivity speak to it."""

    def __init__(self, *, is_known: bool = True) -> None:
        self.area = TrusteeArea()
        self.core = self.area.trustee(teaches=is_known)
        be_strict(self.core.set_aside)
        self.transport = TrusteeTransport(self.core)
        self.samples = Samples(
            {
                "trustee": PEER,
                "name": PEER,
                "measure": "classes",
                "group": "75",
                "measures": self.area.signed_measures.hash,
                "household_key": self.area.near[0].key,
                "collectivity": COLLECTIVITY,
                "cell": "75101",
                "day": self.area.today,
            }
        )

    def close(self) -> None:
        """Close the trustee's database."""
        self.core._log.close()

    def send(self, topic: str, payload: bytes) -> None:
        self.transport.take([Incoming(topic, payload)])

    def request(self, body: bytes) -> None:
        address = Address(COLLECTIVITY, DeviceId(TRUSTEE), TrusteeKind.REQUEST)
        topic = trustee_topic(COLLECTIVITY, TRUSTEE, TrusteeKind.REQUEST)
        self.send(topic, seal_bytes(address, body, self.area.platform_key))


def prepare_request(directory: Path, *, is_known: bool = True) -> Prepared:
    del directory
    fuzzed = FuzzedTrustee(is_known=is_known)
    area = fuzzed.area
    good = (*cosigned_pages(area.signed_measures), *roster_pages(0, area.entries))
    seeds = (*map(msgspec.msgpack.encode, good), *fuzzed.samples.bodies(ToTrustee))
    return Prepared(fuzzed.request, seeds, fuzzed.close)


def prepare_peer(directory: Path) -> Prepared:
    del directory
    fuzzed = FuzzedTrustee()
    address = Address(COLLECTIVITY, DeviceId(PEER), TrusteeKind.LOG)
    topic = trustee_topic(COLLECTIVITY, PEER, TrusteeKind.LOG)

    def run(body: bytes) -> None:
        fuzzed.send(topic, seal_bytes(address, body, fuzzed.area.identities[1].signing_key))

    other = fuzzed.area.trustee(1)
    other.answer(fuzzed.area.request())
    said = (*other.peers.hello(), *other.pop_announcements())
    seeds = (*map(msgspec.msgpack.encode, said), *fuzzed.samples.bodies(FromPeer))
    return Prepared(run, seeds, fuzzed.close)


def prepare_key(directory: Path) -> Prepared:
    del directory
    fuzzed = FuzzedTrustee()
    home = fuzzed.area.near[0]
    address = Address(COLLECTIVITY, home.device, Kind.KEY)

    def run(body: bytes) -> None:
        fuzzed.send(home.topic, seal_bytes(address, body, home.signing_key))

    good = msgspec.msgpack.decode(fuzzed.area.letters(home, generation=2))[1]
    return Prepared(run, (good, *fuzzed.samples.bodies(SeedLetters)), fuzzed.close)


def prepare_set_request(directory: Path) -> Prepared:
    """Fuzz a request for a set of households, signed by the collectivity and sent in pages."""
    del directory
    fuzzed = FuzzedTrustee()
    area = fuzzed.area

    def run(body: bytes) -> None:
        try:
            request = msgspec.msgpack.decode(body, type=SetRequest)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return
        signed = sign_request(request, COLLECTIVITY, area.platform_key)
        data = msgspec.msgpack.encode(signed)
        parts = pages_of(data)
        for number, part in enumerate(parts):
            page = RequestPage(request.id, number, len(parts), part)
            fuzzed.request(msgspec.msgpack.encode(ToTrustee(page)))

    good = msgspec.msgpack.encode(area.request().request)
    return Prepared(run, (good, *fuzzed.samples.bodies(SetRequest)), fuzzed.close)


def prepare_cosigned(kind: type, directory: Path) -> Prepared:
    """Fuzz a document that everybody has signed."""
    del directory
    fuzzed = FuzzedTrustee()
    area = fuzzed.area
    good = area.set if kind is TrusteeSet else area.measures

    def run(body: bytes) -> None:
        document = area.signed(CosignedDocument(kind.__name__, body, ()))
        for page in cosigned_pages(document):
            fuzzed.request(msgspec.msgpack.encode(page))

    later = msgspec.structs.replace(good, version=good.version + 1, effective=good.effective + 60)
    seeds = (draw_up(later).body, draw_up(good).body, *fuzzed.samples.bodies(kind))
    return Prepared(run, seeds, fuzzed.close)


def prepare_entry(directory: Path) -> Prepared:
    """Fuzz an entry of the roster, signed by the registrar."""
    del directory
    fuzzed = FuzzedTrustee()
    area = fuzzed.area

    def run(body: bytes) -> None:
        signature = area.registrar_key.sign(_entry_bytes(body))
        page = RosterPage(len(area.roster), ((body, signature),))
        fuzzed.request(msgspec.msgpack.encode(ToTrustee(page)))

    number = {"number": len(area.roster), "previous": area.roster.head}
    samples = Samples(fuzzed.samples.known | number | {"device": area.near[0].device})
    return Prepared(run, samples.bodies(RosterEntry), fuzzed.close)


class _Asked:
    """A trustee that a release worker has asked, and the worker, which waits for its answer."""

    def __init__(self) -> None:
        self.area = TrusteeArea()
        self.signed = self.area.request()

    def worker(self) -> Asking:
        asking = Asking(COLLECTIVITY)
        asking.want(self.signed.request, self.area.set, 8)
        return asking

    def sealed(self, body: bytes) -> bytes:
        address = Address(COLLECTIVITY, DeviceId(TRUSTEE), TrusteeKind.RESPONSE)
        return seal_bytes(address, body, self.area.identities[0].signing_key)


def prepare_response(directory: Path) -> Prepared:
    """Fuzz a trustee's message to the release worker."""
    del directory
    asked = _Asked()

    def run(body: bytes) -> None:
        asking, payload = asked.worker(), asked.sealed(body)
        Strict().handle("trustee/response", payload, partial(_take, asking, payload), None)

    samples = Samples({"request": asked.signed.request.id})
    return Prepared(run, samples.bodies(FromTrustee))


def prepare_answer(directory: Path) -> Prepared:
    """Fuzz the answer within the pages of a trustee's messages."""
    del directory
    asked = _Asked()

    def run(body: bytes) -> None:
        asking = asked.worker()
        for number, part in enumerate(parts := pages_of(body)):
            page = FromTrustee(AnswerPage(asked.signed.request.id, number, len(parts), part))
            _take(asking, asked.sealed(msgspec.msgpack.encode(page)))

    good = asked.area.trustee().answer(asked.signed)
    samples = Samples({"request": asked.signed.request.id})
    return Prepared(run, (msgspec.msgpack.encode(good), *samples.bodies(Answer)))


def _take(asking: Asking, payload: bytes) -> None:
    try:
        asking.take(TRUSTEE, payload)
    except MessageRefused:
        return


_TOPIC = frozenset([TrusteeKind.REQUEST])

TARGETS = (
    Target("trustee-request", prepare_request, named(ToTrustee, CosignedPage), _TOPIC),
    Target("trustee-first-request", partial(prepare_request, is_known=False)),
    Target("trustee-peer", prepare_peer, named(FromPeer, LogEntry), frozenset([TrusteeKind.LOG])),
    Target("trustee-key", prepare_key, named(SeedLetters)),
    Target("trustee-set-request", prepare_set_request, named(SetRequest, SignedRequest)),
    Target(
        "trustee-set",
        partial(prepare_cosigned, TrusteeSet),
        named(TrusteeSet, CosignedDocument),
    ),
    Target("trustee-measures", partial(prepare_cosigned, Measures), named(Measures)),
    Target("trustee-roster-entry", prepare_entry, named(RosterEntry)),
    Target(
        "release-response", prepare_response, named(FromTrustee), frozenset([TrusteeKind.RESPONSE])
    ),
    Target("release-answer", prepare_answer, named(Answer)),
)
