"""Every call of the providers' API that has a body, over the application and a store."""

from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import msgspec

from cloud.api.app import _HANDLERS
from cloud.api.problems import ProblemError
from cloud.api.renewals import Renewals
from cloud.store.sqlite.store import SqliteStore
from edge.identity.enrolment import load_identity
from edge.mqtt.message import Absence
from edge.renewal.certificates import Certificates
from edge.renewal.without import RenewalWithoutSession
from protocol import provider_api as shapes
from protocol.calendar import day_number
from protocol.contract import Acceptance, Offer, StatementRequest
from protocol.envelope import Address
from protocol.letters import PrivateLetter
from protocol.listed import Withdrawal
from protocol.provider_api import document_of
from protocol.renewal import RenewalRequest, RenewedWithoutSession
from protocol.schedule import Calendar, PriceSeries
from protocol.topics import Kind
from tests.fuzz.target import Prepared, Samples, Strict, Target, named, seal_bytes, sign_bytes
from tests.support.broker import COLLECTIVITY, enrol_chip, make_cloud
from tests.support.chip_bench import BenchClock
from tests.support.provider_api import END, NDJSON, START, Api, Firm, lines, wire

JSON = {"Content-Type": "application/json"}
ANSWERED = 500


class FuzzedApi:
    """The API with one provider and its two customers."""

    def __init__(self, directory: Path) -> None:
        self.api = Api(directory)
        self.firm = Firm("edf")
        self.contract, _ = self.api.add(self.firm, customers=2)
        self.token = self.api.token(self.firm)
        self.api.service.troubles.defect = self._defect

    @staticmethod
    def _defect(path, defect, where):
        raise AssertionError(f"{path}: {defect} at {where}")

    def call(self, path: str, body: bytes, headers=JSON) -> None:
        path = path.replace("{contract}", self.contract.hex())
        headers = {**headers, "Idempotency-Key": "a-name"} if headers is NDJSON else headers
        answer = self.api.call("POST", path, self.token, content=body, headers=headers)
        status, media = answer.status_code, answer.headers["content-type"]
        assert status < ANSWERED, (status, answer.text)
        assert status < 400 or media == "application/problem+json"


def prepare_body(path: str, directory: Path) -> Prepared:
    """Fuzz the bytes of a body."""
    fuzzed = FuzzedApi(directory)
    firm = fuzzed.firm
    is_batch = path.endswith("batches")
    request = firm.request(fuzzed.contract)
    good = {
        "/v1/batches": lines(request, request),
        "/v1/receipts/acknowledged": b'{"statements":["' + b"a" * 32 + b'"]}',
    }.get(path, msgspec.json.encode(wire(request)))
    broken = (b"[" * 10_000, b'{"a":' * 5_000, b'{"kind":"\xff"}', b'{"kind":"\\ud800"}', b"\xff\n")
    run = partial(fuzzed.call, path, headers=NDJSON if is_batch else JSON)
    return Prepared(run, (good, *broken), fuzzed.api.close)


def prepare_document(path: str, kind: type, directory: Path) -> Prepared:
    """Fuzz the body of a signed document."""
    fuzzed = FuzzedApi(directory)
    firm = fuzzed.firm
    known = {
        "contract": fuzzed.contract,
        "offer": firm.offer.hash,
        "provider_key": firm.public,
        "publisher": firm.public.hex(),
        "start": day_number(START),
        "end": day_number(END),
    }
    samples = Samples({} if kind in (Offer, Calendar, PriceSeries) else known)
    samples = (
        Samples(known) if kind is not PriceSeries else Samples({"publisher": known["publisher"]})
    )

    def run(body: bytes) -> None:
        document = document_of(sign_bytes(kind.__name__, body, firm.key))
        line = msgspec.json.encode(document)
        is_batch = path.endswith("batches")
        fuzzed.call(path, line + b"\n" if is_batch else line, NDJSON if is_batch else JSON)

    seeds = samples.bodies(kind)
    good = {Offer: firm.offer, StatementRequest: firm.request(fuzzed.contract)}.get(kind)
    return Prepared(run, seeds if good is None else (good.body, *seeds), fuzzed.api.close)


def prepare_query(directory: Path) -> Prepared:
    """Fuzz path and query of calls without a body."""
    fuzzed = FuzzedApi(directory)
    paths = sorted({path for handler in _HANDLERS for path in handler.paths})

    def run(data: bytes) -> None:
        number, text = (data[0] if data else 0), data[1:].decode("latin-1")
        path = paths[number % len(paths)]
        value, _, query = text.partition("?")
        begin = path.partition("{")[0]
        target = (begin + value if "{" in path else path) + ("?" + query if query else "")
        target = "".join(
            sign if " " < sign < "\x7f" and sign != "#" else f"%{ord(sign):02x}" for sign in target
        )
        answer = fuzzed.api.call("GET", target, fuzzed.token)
        assert answer.status_code < ANSWERED, answer.text

    return Prepared(
        run,
        (b"\0", b"\x05?limit=1&after=aa", b"\x06?from=2026-01-01&to=2026-02-30"),
        fuzzed.api.close,
    )


def prepare_certificate(directory: Path) -> Prepared:
    """Fuzz the request of a chip whose certificate has ended."""
    cloud, chip = directory / "cloud", directory / "chip"
    make_cloud(cloud)
    enrol_chip(cloud, chip)
    identity, store = load_identity(chip), SqliteStore.open(cloud)
    renewals = Renewals(cloud, COLLECTIVITY, store)
    address = Address(COLLECTIVITY, identity.device, Kind.RENEW)
    good = RenewalRequest(identity.household_key, Certificates(identity).signing_request())

    def run(body: bytes) -> None:
        payload = seal_bytes(address, body, identity.signing_key)
        with suppress(ProblemError):
            renewals.answer(identity.device, payload, datetime.now(UTC))

    return Prepared(run, (msgspec.msgpack.encode(good),), store.close)


def prepare_answer(directory: Path) -> Prepared:
    """Fuzz the API's answer to such a chip."""
    cloud, chip = directory / "cloud", directory / "chip"
    make_cloud(cloud, api_port=1)
    enrol_chip(cloud, chip)
    identity, store = load_identity(chip), SqliteStore.open(cloud)
    certificates = Certificates(identity)
    request = RenewalRequest(identity.household_key, certificates.signing_request())
    payload = seal_bytes(
        Address(COLLECTIVITY, identity.device, Kind.RENEW),
        msgspec.msgpack.encode(request),
        identity.signing_key,
    )
    good = Renewals(cloud, COLLECTIVITY, store).answer(identity.device, payload, datetime.now(UTC))
    store.close()

    def run(body: bytes) -> None:
        clock = BenchClock(datetime.now(UTC))
        without = RenewalWithoutSession(identity, certificates, clock, lambda *_: body)
        without.after(Absence.EXPIRED)
        certificates.failed(Absence.EXPIRED)

    return Prepared(run, (good, *Samples({}).bodies(RenewedWithoutSession)))


POSTS = {
    "/v1/contracts/{contract}/acceptance": (Acceptance,),
    "/v1/statements": (StatementRequest,),
    "/v1/catalogue": (Offer, Calendar, PriceSeries, Withdrawal),
    "/v1/letters": (PrivateLetter,),
    "/v1/batches": (StatementRequest,),
    "/v1/receipts/acknowledged": (),
}

_ = Strict

TARGETS = (
    *(
        Target(
            f"api{path.removeprefix('/v1').replace('/{contract}', '').replace('/', '-')}",
            partial(prepare_body, path),
            named(shapes.SignedDocument, shapes.Acknowledgement),
            calls=frozenset([path]),
            is_packed=False,
        )
        for path in POSTS
    ),
    *(
        Target(
            f"api-{path.split('/')[-1]}-{kind.__name__.lower()}",
            partial(prepare_document, path, kind),
            named(kind),
        )
        for path, kinds in POSTS.items()
        for kind in kinds
    ),
    Target(
        "api-certificate",
        prepare_certificate,
        named(RenewalRequest),
        calls=frozenset(["/v1/chips/{device}/certificate"]),
    ),
    Target("chip-certificate-without-session", prepare_answer, named(RenewedWithoutSession)),
    Target("api-query", prepare_query, is_packed=False),
)
