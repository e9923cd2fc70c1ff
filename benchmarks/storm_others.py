"""What a hostile trustee, a hostile provider and those without any credential send."""

import contextlib
import secrets
import socket
import ssl
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import count
from pathlib import Path

import httpx
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.storm_wire import Publish
from protocol.calendar import day_number
from protocol.contract import Acceptance, Offer, Signed, StatementRequest, sign_document
from protocol.envelope import Address, seal_message
from protocol.hpke import SealingKey
from protocol.ids import DeviceId, new_device_id
from protocol.letters import PrivateLetter
from protocol.messages import STATEMENT_ID_BYTES
from protocol.provider_api import document_of
from protocol.schedule import PriceSeries, quarter_range
from protocol.tariff import FixedLine, RegisterLine, Tariff
from protocol.topics import TrusteeKind, sealing_topic, trustee_topic
from protocol.trustee_messages import (
    ENTRIES_MAX,
    FIRST_PREVIOUS,
    SESSION_BYTES,
    Ask,
    Entries,
    FromPeer,
    Hello,
    LogEntry,
    RequestSummary,
    SignedSummary,
    Wanted,
    sign_log_entry,
)

SILENT = 257
_VAT = Decimal("0.20")
_TIMEOUT_S = 20.0
_SLOW_S = 0.05
_LINES = 16
VALID_FROM = date(2026, 1, 1)
SERIES_START = quarter_range(VALID_FROM)[0]
_FIRST = day_number(VALID_FROM)
_ONE_DAY = (_FIRST, _FIRST + 1)
_NEXT_YEAR = (_FIRST + 800, _FIRST + 1_165)
_JSON = {"Content-Type": "application/json"}
_NDJSON = {"Content-Type": "application/x-ndjson"}
_READ = (
    "me",
    "contracts",
    "contracts/{contract}",
    "contracts/{contract}/document",
    "statements/{unknown}",
    "drafts?contract={contract}",
    "catalogue",
    "catalogue/{unknown}",
    "receipts",
    "batches",
    "batches/{unknown}",
    "letters/{unknown}",
    "areas",
    "areas/figures",
    "areas/turnover",
    "elsewhere",
)


def log_lines(collectivity: str, name: str, key: Ed25519PrivateKey) -> Iterator[Publish]:
    """Send hellos that ask for everything, entries of invented requests, and demands for requests."""
    address = Address(collectivity, DeviceId(name), TrusteeKind.LOG)
    topic = trustee_topic(collectivity, name, TrusteeKind.LOG)
    own = trustee_topic(collectivity, name, TrusteeKind.RESPONSE)
    forged = SignedSummary(
        RequestSummary(Ask.SUM, bytes(32), "curve", "751010101", 20_500, bytes(32)), bytes(64)
    )
    for number in count():
        entry = LogEntry(name, number, FIRST_PREVIOUS, forged, 200)
        signed = sign_log_entry(entry, collectivity, key)
        wanted = tuple(secrets.token_bytes(32) for _ in range(ENTRIES_MAX))
        for message in (
            Hello(secrets.token_bytes(SESSION_BYTES), ()),
            Entries((signed,) * ENTRIES_MAX),
            Wanted(wanted),
        ):
            payload = seal_message(address, FromPeer(message), key)
            yield Publish(topic, payload, retain=True)
            yield Publish(own, payload)
        yield Publish(topic, secrets.token_bytes(1_000))
        sealing = sealing_topic(collectivity, name, 1 + number % 12)
        yield Publish(sealing, secrets.token_bytes(1_000), retain=True)


@dataclass(frozen=True)
class _Call:
    method: str
    path: str
    content: bytes = b""
    headers: Mapping[str, str] = field(default_factory=lambda: _JSON)


@dataclass(frozen=True)
class Caller:
    """Who calls the API: without `token` a stranger; `key` signs for the provider `title`.

    `offer` and `contract` are the hashes of an offer of its own and of a contract on it.
    """

    ca: Path
    port: int
    token: str
    title: str
    key: bytes
    offer: bytes
    contract: bytes


class HostileProvider:
    """Calls everything that a token allows, with valid documents where a call takes one.

    Attributes:
        counts: calls by the status of their answer.
    """

    def __init__(self, caller: Caller) -> None:
        self.counts = Counter[str]()
        self._caller = caller
        self._key = Ed25519PrivateKey.from_private_bytes(caller.key)
        self._http = httpx.Client(
            base_url=f"https://127.0.0.1:{caller.port}",
            headers={"Authorization": f"Bearer {caller.token}"} if caller.token else {},
            verify=ssl.create_default_context(cafile=str(caller.ca)),
            timeout=_TIMEOUT_S,
        )

    def flood(self, deadline_s: float) -> None:
        """Call until the monotonic clock shows `deadline_s`."""
        for call in self._calls():
            if time.monotonic() > deadline_s:
                break
            try:
                answer = self._http.request(
                    call.method, f"/v1/{call.path}", content=call.content, headers=call.headers
                )
                self.counts[str(answer.status_code)] += 1
            except httpx.HTTPError:
                self.counts["no answer"] += 1
        self._http.close()

    def _calls(self) -> Iterator[_Call]:
        contract = self._caller.contract.hex()
        for number in count():
            yield _post("catalogue", make_offer(self._caller.title, self._key, number))
            yield _post("catalogue", self._series(number))
            unknown_id = secrets.token_bytes(STATEMENT_ID_BYTES)
            orders = [
                self._order(_ONE_DAY),
                self._order(_NEXT_YEAR),
                self._order(_ONE_DAY, corrects=unknown_id),
            ]
            for order in orders:
                yield _post("statements", order)
            yield _post(f"contracts/{contract}/acceptance", self._acceptance())
            yield _post("letters", self._letter())
            lines = b"".join(msgspec.json.encode(document_of(each)) + b"\n" for each in orders * 10)
            headers = _NDJSON | {"Idempotency-Key": f"n{number}"}
            yield _Call("POST", "batches", lines, headers)
            unknown = msgspec.json.encode({"statements": [secrets.token_hex(16)] * 100})
            yield _Call("POST", "receipts/acknowledged", unknown)
            yield _Call("POST", "catalogue", b"[" * 100_000)
            yield _Call("POST", f"chips/{new_device_id()}/certificate", secrets.token_bytes(600))
            for path in _READ:
                yield _Call("GET", path.format(contract=contract, unknown=secrets.token_hex(32)))

    def _order(self, days: tuple[int, int], corrects: bytes | None = None) -> Signed:
        request = StatementRequest(
            secrets.token_bytes(STATEMENT_ID_BYTES),
            self._caller.contract,
            self._caller.offer,
            *days,
            corrects=corrects,
        )
        return sign_document(request, self._key)

    def _acceptance(self) -> Signed:
        return sign_document(Acceptance(self._caller.contract), self._key)

    def _letter(self) -> Signed:
        letter = PrivateLetter(
            secrets.token_bytes(STATEMENT_ID_BYTES),
            self._caller.contract,
            day_number(VALID_FROM),
            secrets.token_bytes(500),
        )
        return sign_document(letter, self._key)

    def _series(self, number: int) -> Signed:
        public = self._key.public_key().public_bytes_raw()
        prices = tuple(10_000 + n % 100 for n in range(2_000))
        return sign_document(
            PriceSeries(public, f"series {number}", SERIES_START, 4, prices), self._key
        )


def make_offer(title: str, key: Ed25519PrivateKey, number: int) -> Signed:
    """Make an offer whose lines are each of registers and prices of their own."""
    lines = tuple(
        RegisterLine(f"line {n}", (n % 10 + 1,), Decimal("0.2") + Decimal(n) / 1000, _VAT)
        for n in range(_LINES)
    )
    fixed = (FixedLine("subscription", Decimal(15), "month", _VAT),)
    tariff = Tariff(
        provider=title,
        name=f"tariff {number}",
        calendar="H PLEINE/CREUSE",
        valid_from=VALID_FROM,
        valid_to=None,
        currency="EUR",
        fixed=fixed,
        energy=lines,
    )
    public = key.public_key().public_bytes_raw()
    return sign_document(
        Offer(title, public, SealingKey.generate().public_bytes, tariff.name, (tariff,)), key
    )


def _post(path: str, signed: Signed) -> _Call:
    return _Call("POST", path, msgspec.json.encode(document_of(signed)))


def hold_silent(
    addresses: tuple[tuple[str, int], ...], ca: Path, deadline_s: float
) -> Counter[str]:
    """Keep silent connections open at each address, TLS or not, and open again what ends."""
    counts = Counter[str]()
    context = ssl.create_default_context(cafile=str(ca))
    held: dict[tuple[str, int], list[socket.socket]] = {each: [] for each in addresses}
    while time.monotonic() < deadline_s:
        for address, sockets in held.items():
            sockets[:] = [each for each in sockets if not _is_ended(each)]
            for _ in range(SILENT - len(sockets)):
                if time.monotonic() > deadline_s:
                    break
                opened = _open(address, context if len(sockets) % 2 else None)
                counts["opened" if opened else "refused"] += 1
                if opened is None:
                    time.sleep(_SLOW_S)
                    break
                sockets.append(opened)
        time.sleep(_SLOW_S)
    for sockets in held.values():
        for each in sockets:
            each.close()
    return counts


def _open(address: tuple[str, int], context: ssl.SSLContext | None) -> socket.socket | None:
    try:
        raw = socket.create_connection(address, timeout=_TIMEOUT_S)
    except OSError:
        return None
    if context is None:
        return raw
    try:
        return context.wrap_socket(raw, server_hostname=address[0])
    except (OSError, ssl.SSLError):
        raw.close()
        return None


def _is_ended(connection: socket.socket) -> bool:
    connection.setblocking(False)
    with contextlib.suppress(BlockingIOError, ssl.SSLWantReadError):
        try:
            return not connection.recv(1)
        except OSError as exc:
            if isinstance(exc, BlockingIOError | ssl.SSLWantReadError):
                raise
            return True
    return False
