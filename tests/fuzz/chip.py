"""Everything that the platform may send to a chip, correctly signed, over a chip that lives."""

import hashlib
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from msgspec import inspect

from cloud.registry.key_files import load_root, load_signed_list
from edge.identity.enrolment import load_identity, signer_of
from edge.mqtt.hub import HubReader
from edge.mqtt.message import Arrived
from edge.mqtt.recovery import Missing, Recovery
from edge.quotes.asking import leave_order
from edge.renewal.key_list import KeyListReader
from protocol.area_messages import AreaAck, Document, Terms
from protocol.catalogue import Segment, next_entry
from protocol.contract import Acceptance, Offer, StatementRequest
from protocol.envelope import ALL, Address
from protocol.errors import MessageRefused
from protocol.key_list import KeyList, SignedKeyList
from protocol.key_list import _signed_bytes as _list_bytes
from protocol.letters import Letter, PrivateLetter
from protocol.listed import Withdrawal
from protocol.messages import Ack, Block, Epoch, Hub, IncarnationState, Statement
from protocol.moving import Left
from protocol.quotes import QuoteAnswer, QuotePart
from protocol.receipt import ReceiptAck
from protocol.renewal import RenewedCertificate
from protocol.schedule import Calendar, PriceSeries
from protocol.status import Status, encode_status
from protocol.topics import Kind, PublicKind, device_topic, listed_topic, page_topic
from tests.fuzz.target import Prepared, Samples, Target, be_strict, named, seal_bytes, sign_bytes
from tests.support.billing_home import PROVIDER_KEY, BillingHome, day
from tests.support.broker import COLLECTIVITY, enrol_chip, make_cloud

DOWN = {
    Kind.ACK: Ack,
    Kind.STORED_EPOCH: Epoch,
    Kind.STORED_BLOCK: Block,
    Kind.STATEMENT: Statement,
    Kind.RECEIPT_ACK: ReceiptAck,
    Kind.AREA_ACK: AreaAck,
    Kind.TERMS: Terms,
    Kind.DOCUMENT: Document,
    Kind.LEFT: Left,
    Kind.QUOTES: QuotePart,
    Kind.LETTER: Letter,
    Kind.CERTIFICATE: RenewedCertificate,
}
BROKEN = b"statement-broken"


class FuzzedHome(BillingHome):
    """A household that has lived eight days; whatever a message changes in its vault is undone."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory / "town")
        self.begin()
        self.live(8)
        leave_order(self.directory, self.clock.now(), lambda at: at)
        self.wait()
        (self.good,) = self.compute(0, 7, b"a good statement")
        be_strict(self.chip._settings.set_aside)
        self.known = {
            "household_key": self.identity.household_key,
            "household_tag": self.identity.household_key[:8],
            "contract": self.agreement.contract_hash,
            "offer": self.offer.hash,
            "id": BROKEN,
        }
        self.samples = Samples(self.known)

    def close(self) -> None:
        """End the chip and the city."""
        self.kill()
        self.cloud.store.close()

    @contextmanager
    def undone(self):
        """Undo in the vault what happens within."""
        connection = self.vault._database.conn
        connection.execute("BEGIN")
        try:
            yield
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")

    def address(self, kind: Kind) -> Address:
        return Address(COLLECTIVITY, self.identity.device, kind)

    def arrive(self, kind: Kind, body: bytes, rest: str = "") -> None:
        """Let a signed message arrive, and the chip do what follows from it."""
        topic = device_topic(COLLECTIVITY, self.identity.device, kind, rest)
        self.see(Arrived(topic, seal_bytes(self.address(kind), body, self.key_of(kind))))

    def key_of(self, kind: Kind):
        is_own = kind in (Kind.STORED_EPOCH, Kind.STORED_BLOCK)
        return self.identity.signing_key if is_own else self.cloud.key

    def see(self, *messages: Arrived) -> None:
        with self.undone():
            for message in messages:
                self.chip.take(message)
            for _ in range(2):
                self.clock.seconds += 11
                self.chip.outgoing()
        assert not self.chip.set_aside, self.chip.set_aside


def rest_of(kind: Kind, body: bytes) -> str:
    """Return what the topic of a body should name, as well as it can be read."""
    if kind not in (Kind.STATEMENT, Kind.LETTER, Kind.QUOTES):
        return ""
    try:
        read = msgspec.msgpack.decode(body, type=DOWN[kind])
    except (msgspec.MsgspecError, ValueError):
        return {Kind.QUOTES: "00/0"}.get(kind, "00")
    return f"{read.id.hex()}/{read.part}" if kind is Kind.QUOTES else read.id.hex()


def prepare_down(kind: Kind, directory: Path) -> Prepared:
    home = FuzzedHome(directory)
    seeds = home.samples.bodies(DOWN[kind])
    if kind is Kind.STATEMENT:
        seeds = (*seeds, msgspec.msgpack.decode(home.good.payload)[1])
    if kind in (Kind.STORED_EPOCH, Kind.STORED_BLOCK):
        sent = [p for p in home.sent if p.topic.endswith(kind.replace("down", "up"))]
        seeds = (*seeds, *(msgspec.msgpack.decode(each.payload)[1] for each in sent[-2:]))

    def run(body: bytes) -> None:
        if kind in (Kind.STORED_EPOCH, Kind.STORED_BLOCK):
            state = IncarnationState(home.vault.incarnation, 40, (), ())
            missing = [Missing(state, tuple(range(1, 41)))]
            home.chip._recovery = Recovery(home.chip._signer, missing)
        home.arrive(kind, body, rest_of(kind, body))
        if home.chip._recovery is not None:
            home.chip._recovery.result()
            home.chip._recovery = None

    return Prepared(run, seeds, home.close)


def prepare_request(directory: Path) -> Prepared:
    """Fuzz the provider's request within a statement, signed by the provider."""
    home = FuzzedHome(directory)
    good = msgspec.msgpack.decode(msgspec.msgpack.decode(home.good.payload)[1], type=Statement)
    request = msgspec.msgpack.decode(good.request)

    def run(body: bytes) -> None:
        signed = sign_bytes(StatementRequest.__name__, body, PROVIDER_KEY)
        statement = msgspec.structs.replace(good, request=msgspec.msgpack.encode(signed))
        home.arrive(Kind.STATEMENT, msgspec.msgpack.encode(statement), good.id.hex())

    body = request["body"] if isinstance(request, dict) else request[1]
    return Prepared(run, (body, *home.samples.bodies(StatementRequest)), home.close)


def prepare_acceptance(directory: Path) -> Prepared:
    """Fuzz the provider's acceptance within a statement, signed by the provider."""
    home = FuzzedHome(directory)
    good = msgspec.msgpack.decode(msgspec.msgpack.decode(home.good.payload)[1], type=Statement)

    def run(body: bytes) -> None:
        signed = sign_bytes(Acceptance.__name__, body, PROVIDER_KEY)
        statement = msgspec.structs.replace(good, acceptance=msgspec.msgpack.encode(signed))
        home.arrive(Kind.STATEMENT, msgspec.msgpack.encode(statement), good.id.hex())

    return Prepared(run, home.samples.bodies(Acceptance), home.close)


def prepare_letter(directory: Path) -> Prepared:
    """Fuzz a provider's letter, signed by the provider."""
    home = FuzzedHome(directory)

    def run(body: bytes) -> None:
        signed = sign_bytes(PrivateLetter.__name__, body, PROVIDER_KEY)
        letter = Letter(home.identity.household_key, BROKEN, msgspec.msgpack.encode(signed))
        home.arrive(Kind.LETTER, msgspec.msgpack.encode(letter), BROKEN.hex())

    return Prepared(run, home.samples.bodies(PrivateLetter), home.close)


def prepare_quotes(directory: Path) -> Prepared:
    """Fuzz the answer within the parts of quotes."""
    home = FuzzedHome(directory)
    quoting = next(m for m in home.chip._message_handlers._members if Kind.QUOTES in m.kinds)
    asked = quoting._open

    def run(body: bytes) -> None:
        quoting._open, quoting._parts = asked, {}
        part = QuotePart(home.identity.household_key, asked.id, 0, 1, body)
        home.arrive(Kind.QUOTES, msgspec.msgpack.encode(part), f"{asked.id.hex()}/0")

    return Prepared(run, home.samples.bodies(QuoteAnswer), home.close)


def prepare_list(directory: Path) -> Prepared:
    """Fuzz a page of the transparency log."""
    home = FuzzedHome(directory)
    key, address = home.cloud.key, Address(COLLECTIVITY, ALL, PublicKind.LIST)
    copy = home.chip.catalogue.copy

    def run(body: bytes) -> None:
        home.see(Arrived(page_topic(COLLECTIVITY, 0), seal_bytes(address, body, key)))
        copy.entries.clear()

    page = Segment(0, (next_entry(None, home.offer, day(0)),))
    return Prepared(run, (msgspec.msgpack.encode(page), *home.samples.bodies(Segment)), home.close)


def prepare_listed(kind: type, directory: Path) -> Prepared:
    """Fuzz a document that the transparency log lists, signed by its publisher."""
    home = FuzzedHome(directory)
    key, address = home.cloud.key, Address(COLLECTIVITY, ALL, PublicKind.LIST)
    copy = home.chip.catalogue.copy
    publisher = PROVIDER_KEY.public_key().public_bytes_raw()
    samples = Samples(home.known | {"publisher": publisher.hex(), "provider_key": publisher})
    seeds = samples.bodies(kind)
    if kind is Offer:
        seeds = (home.offer.body, *seeds)

    def run(body: bytes) -> None:
        signed = sign_bytes(kind.__name__, body, PROVIDER_KEY)
        page = Segment(0, (next_entry(None, signed, day(0)),))
        home.see(
            Arrived(
                page_topic(COLLECTIVITY, 0), seal_bytes(address, msgspec.msgpack.encode(page), key)
            ),
            Arrived(
                listed_topic(COLLECTIVITY, hashlib.sha256(body).digest()),
                msgspec.msgpack.encode(signed),
            ),
        )
        copy.__init__(home.vault, COLLECTIVITY, copy.key, copy._set_aside)

    return Prepared(run, seeds, home.close)


def prepare_status(directory: Path) -> Prepared:
    """Fuzz the status that the broker shows for the chip, signed by nobody."""
    home = FuzzedHome(directory)
    topic = device_topic(COLLECTIVITY, home.identity.device, Kind.STATUS)

    def run(payload: bytes) -> None:
        home.see(Arrived(topic, payload))

    status = encode_status(Samples({}).value(inspect.type_info(Status), 1))
    return Prepared(run, (status, b"", b"[" * 10_000), home.close)


def prepare_any_topic(directory: Path) -> Prepared:
    """Fuzz the topic and the bare payload, signed by nobody."""
    home = FuzzedHome(directory)
    prefix = device_topic(COLLECTIVITY, home.identity.device, Kind.ACK).removesuffix(Kind.ACK)

    def run(data: bytes) -> None:
        rest, _, payload = data.partition(b"\0")
        text = rest.decode("utf-8", "ignore")
        home.see(Arrived(prefix + text, payload), Arrived(text, payload))

    return Prepared(
        run,
        (b"down/ack\0\x93\x01\xc4\x00\xc4\x00", b"volet/v1/ville/catalogue/list/0\0"),
        home.close,
    )


def prepare_keys(directory: Path) -> Prepared:
    """Fuzz the list of keys, signed by the root."""
    make_cloud(directory / "cloud")
    enrol_chip(directory / "cloud", directory / "chip")
    root, listed = load_root(directory / "cloud" / "root"), load_signed_list(directory / "cloud")
    reader = KeyListReader(load_identity(directory / "chip"))

    def run(body: bytes) -> None:
        signature = root.key.sign(_list_bytes(body), ec.ECDSA(SHA256()))
        payload = msgspec.msgpack.encode(SignedKeyList(body, signature))
        with suppress(MessageRefused):
            reader.take(reader.topic, payload)

    return Prepared(run, (listed.body, *Samples({}).bodies(KeyList)))


def prepare_hub(directory: Path) -> Prepared:
    """Fuzz what the worker tells everybody."""
    home = FuzzedHome(directory)
    address = Address(COLLECTIVITY, ALL, PublicKind.HUB)
    reader = HubReader(signer_of(home.identity), home.identity.platform_key)

    def run(body: bytes) -> None:
        with suppress(MessageRefused):
            reader.take(reader.topic, seal_bytes(address, body, home.cloud.key))

    return Prepared(run, home.samples.bodies(Hub), home.close)


TARGETS = (
    *(
        Target(
            f"chip-{kind.removeprefix('down/')}",
            partial(prepare_down, kind),
            named(body),
            frozenset([kind]),
        )
        for kind, body in DOWN.items()
    ),
    Target("chip-statement-request", prepare_request, named(StatementRequest)),
    Target("chip-statement-acceptance", prepare_acceptance, named(Acceptance)),
    Target("chip-letter-text", prepare_letter, named(PrivateLetter)),
    Target("chip-quote-answer", prepare_quotes, named(QuoteAnswer)),
    Target("chip-list", prepare_list, named(Segment), frozenset([PublicKind.LIST])),
    *(
        Target(f"chip-listed-{kind.__name__.lower()}", partial(prepare_listed, kind), named(kind))
        for kind in (Offer, Calendar, PriceSeries, Withdrawal)
    ),
    Target("chip-keys", prepare_keys, named(KeyList, SignedKeyList), frozenset([PublicKind.KEYS])),
    Target("chip-hub", prepare_hub, named(Hub), frozenset([PublicKind.HUB])),
    Target("chip-status", prepare_status, named(Status), is_packed=False),
    Target("chip-any-topic", prepare_any_topic, frozenset(["_Envelope"]), is_packed=False),
)
