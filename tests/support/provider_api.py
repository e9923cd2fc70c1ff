"""Providers, their contracts and the API in front of a store, called without a socket."""

import asyncio
import secrets
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import httpx
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.api.access import draw_token
from cloud.api.app import make_gate
from cloud.api.gate import RateLimits
from cloud.api.service import ApiService
from cloud.billing.pending import pending_statements
from cloud.store import Device, StoredContract
from cloud.store.providers import Provider, Scope
from cloud.store.sqlite.store import SqliteStore
from protocol.calendar import day_number
from protocol.contract import (
    Acceptance,
    Consent,
    Contract,
    Offer,
    Signed,
    StatementRequest,
    sign_document,
)
from protocol.hpke import PUBLIC_KEY_BYTES, SealingKey
from protocol.ids import HouseholdKeyId, new_device_id
from protocol.provider_api import document_of
from system.store_thread import StoreThread
from tests.support.tariffs import simple_tariff

START, END = date(2026, 9, 1), date(2026, 10, 1)
SINCE = datetime(2026, 8, 1, tzinfo=UTC)
# Shared by all households, since drawing a key is slow.
SEALING = SealingKey.generate()
NDJSON = {"Content-Type": "application/x-ndjson"}
NOTED = b'{"kind": "Offer", "ki\\u006ed": "Contract", "body": "", "signature": ""}'
FAST = RateLimits(rate=1e6, burst=1e6, stranger_rate=1e6, stranger_burst=1e6)


@dataclass
class Firm:
    """A provider: its key, its offer, and its signed documents."""

    name: str
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    def __post_init__(self):
        self.title = self.name.title()
        tariff = simple_tariff(provider=self.title)
        self.offer = sign_document(
            Offer(tariff.provider, self.public, bytes(PUBLIC_KEY_BYTES), tariff.name, (tariff,)),
            self.key,
        )

    @property
    def public(self) -> bytes:
        return self.key.public_key().public_bytes_raw()

    def contract(self, household_key: HouseholdKeyId) -> StoredContract:
        """Make a contract signed by some household."""
        terms = Contract(
            self.offer.hash,
            household_key,
            SEALING.public_bytes,
            bytes(32),
            START,
            None,
            Consent.TOTAL,
            follows=False,
        )
        signed = sign_document(terms, Ed25519PrivateKey.generate())
        return StoredContract(
            signed.hash, household_key, self.name, self.public, self.offer, signed
        )

    def acceptance(self, contract: bytes) -> Signed:
        return sign_document(Acceptance(contract), self.key)

    def request(self, contract: bytes, request_id: bytes | None = None, **changes) -> Signed:
        fields = {
            "id": request_id or secrets.token_bytes(16),
            "contract": contract,
            "offer": self.offer.hash,
            "start": day_number(START),
            "end": day_number(END),
        }
        return sign_document(StatementRequest(**(fields | changes)), self.key)


def wire(signed: Signed) -> dict:
    """Return a signed document in the API's form."""
    return msgspec.to_builtins(document_of(signed))


def lines(*requests: Signed) -> bytes:
    """Return requests as the body of a batch."""
    return b"".join(msgspec.json.encode(document_of(request)) + b"\n" for request in requests)


class Api:
    """The service over one store; `call` is synchronous."""

    def __init__(self, directory, limits: RateLimits = FAST):
        self.now = None
        self._runner = asyncio.Runner()
        self._thread = StoreThread()
        self.store = self.run(SqliteStore.open, directory)
        self.service = ApiService(self._thread, self.store)
        self.gate = make_gate(
            self.service,
            self._thread,
            self.store,
            limits,
            lambda: self.now or datetime.now(UTC),
        )
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.gate), base_url="https://api.test"
        )

    def run(self, function, *args, **kwargs):
        """Run in the store's thread."""
        return self._runner.run(self._thread.run(function, *args, **kwargs))

    def call(self, method, path, token="", **kwargs) -> httpx.Response:
        headers = dict(kwargs.pop("headers", {}))
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return self._runner.run(self.client.request(method, path, headers=headers, **kwargs))

    def gather(self, *calls):
        """Make calls at the same time; each is (method, path, kwargs)."""

        async def all_of():
            return await asyncio.gather(
                *(self.client.request(method, path, **kwargs) for method, path, kwargs in calls)
            )

        return self._runner.run(all_of())

    def add(self, firm: Firm, customers: int = 0, *, is_accepted: bool = True) -> list[bytes]:
        """Register a provider with some customers; returns their contracts."""
        self.run(
            self.store.providers.put_provider,
            Provider(firm.name, firm.public, firm.title, datetime.now(UTC)),
        )
        contracts = []
        for _ in range(customers):
            household_key = HouseholdKeyId(secrets.token_bytes(16))
            contract = firm.contract(household_key)
            self.run(self.store.enrol, Device(new_device_id(), bytes(32), household_key, SINCE))
            self.run(self.store.put_contract, contract)
            if is_accepted:
                self.run(self.store.accept, contract.hash, firm.acceptance(contract.hash))
            contracts.append(contract.hash)
        return contracts

    def token(self, firm: Firm, *scopes: Scope, days: int = 1, at: datetime | None = None) -> str:
        text, _ = self.run(
            draw_token,
            self.store.providers,
            firm.name,
            scopes or tuple(Scope),
            at or datetime.now(UTC) - timedelta(seconds=1),
            timedelta(days=days),
        )
        return text

    def audit(self, **kwargs):
        return self.run(self.store.providers.audit, **kwargs)

    def close(self):
        self._runner.run(self.client.aclose())
        self.service.close()
        self.run(self.store.close)
        self._thread.close()
        self._runner.close()


@contextmanager
def serving(directory, limits: RateLimits = FAST):
    """Serve a store in a directory."""
    api = Api(directory, limits)
    try:
        yield api
    finally:
        api.close()


def problem(response, status):
    """Return the problem that an answer is, as it should be."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status
    assert body["detail"].endswith(".")
    return body["detail"]


def hand_in(api, firm, key, *requests, **kwargs):
    """Hand a batch in."""
    headers = {"Idempotency-Key": key, **NDJSON}
    content = kwargs.pop("content", None) or lines(*requests)
    return api.call("POST", "/v1/batches", firm.token, headers=headers, content=content)


def answer_all(store):
    """Answer what can be answered, as a worker does."""
    pending_statements(store, Ed25519PrivateKey.generate(), "ville")
