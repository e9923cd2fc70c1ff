"""The providers' API from the provider's side: `ProviderBackend` over HTTP."""

import ssl
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import TypeVar

import httpx
import msgspec

from protocol import provider_api as shapes
from protocol.contract import Signed
from protocol.errors import ConfigError, DocumentRefused, TransportError
from protocol.json_text import read_json
from protocol.provider_api import ContractFilter, Drafting
from protocol.release import Release

TIMEOUT_S = 60.0
BATCH_TIMEOUT_S = 900.0
_RETRY = frozenset({408, 429, 500, 502, 503, 504})

T = TypeVar("T")


class HttpBackend:
    """The collectivity's service over HTTP; see `ProviderBackend`."""

    def __init__(self, http: httpx.Client) -> None:
        """Send requests with `http`, which has base URL, TLS and credentials."""
        self._http = http

    def contracts(self, wanted: ContractFilter) -> Iterator[shapes.ContractItem]:
        """See `ProviderBackend.contracts`."""
        query = _query(wanted) | {"limit": shapes.LIMIT_MAX}
        for page in self._pages("/v1/contracts", query, shapes.ContractPage):
            yield from page.contracts

    def contract_document(self, contract: str) -> Signed:
        """See `ProviderBackend.contract_document`."""
        answer = self._send("GET", f"/v1/contracts/{contract}/document")
        signed = shapes.signed_of(_read(answer, shapes.SignedDocument))
        if signed.hash.hex() != contract:
            raise TransportError("The service gave another contract than was asked for.")
        return signed

    def accept(self, contract: str, signed: Signed) -> None:
        """See `ProviderBackend.accept`."""
        path = f"/v1/contracts/{contract}/acceptance"
        self._post(path, shapes.document_of(signed), shapes.Accepted)

    def draft(self, contract: str, drafting: Drafting) -> shapes.Draft:
        """See `ProviderBackend.draft`."""
        params = {name: str(value) for name, value in _period(drafting).items()}
        answer = self._send("GET", "/v1/drafts", params=params | {"contract": contract})
        (draft,) = _read(answer, shapes.DraftPage).drafts
        return draft

    def drafts(self, wanted: ContractFilter, drafting: Drafting) -> Iterator[shapes.Draft]:
        """See `ProviderBackend.drafts`."""
        query = _period(drafting) | ({"area": wanted.area} if wanted.area else {})
        for page in self._pages("/v1/drafts", query, shapes.DraftPage):
            yield from page.drafts

    def correction(self, statement: str) -> shapes.Draft:
        """See `ProviderBackend.correction`."""
        return _read(self._send("GET", f"/v1/statements/{statement}/correction"), shapes.Draft)

    def request_statement(self, signed: Signed) -> shapes.StatementState:
        """See `ProviderBackend.request_statement`."""
        return self._post("/v1/statements", shapes.document_of(signed), shapes.StatementState)

    def statement(self, statement: str) -> shapes.StatementState:
        """See `ProviderBackend.statement`."""
        return _read(self._send("GET", f"/v1/statements/{statement}"), shapes.StatementState)

    def put_batch(self, name: str, requests: Iterable[Signed]) -> shapes.Batch:
        """See `ProviderBackend.put_batch`."""
        lines = (msgspec.json.encode(shapes.document_of(signed)) + b"\n" for signed in requests)
        headers = {"Idempotency-Key": name, "Content-Type": "application/x-ndjson"}
        answer = self._send(
            "POST", "/v1/batches", headers=headers, content=lines, timeout=BATCH_TIMEOUT_S
        )
        return _read(answer, shapes.Batch)

    def batches(self) -> Iterator[shapes.Batch]:
        """See `ProviderBackend.batches`."""
        for page in self._pages("/v1/batches", {}, shapes.BatchPage):
            yield from page.batches

    def batch_items(self, batch: str, state: str) -> Iterator[shapes.BatchItem]:
        """See `ProviderBackend.batch_items`."""
        query = {"state": state, "limit": shapes.LIMIT_MAX}
        for page in self._pages(f"/v1/batches/{batch}/statements", query, shapes.BatchItems):
            yield from page.items

    def list_document(self, signed: Signed) -> shapes.ListedEntry:
        """See `ProviderBackend.list_document`."""
        return self._post("/v1/catalogue", shapes.document_of(signed), shapes.ListedEntry)

    def receipts(self) -> shapes.ReceiptPage:
        """See `ProviderBackend.receipts`."""
        return _read(self._send("GET", "/v1/receipts"), shapes.ReceiptPage)

    def acknowledge(self, statements: Sequence[str]) -> int:
        """See `ProviderBackend.acknowledge`."""
        body = shapes.Acknowledgement(tuple(statements))
        answer = self._post("/v1/receipts/acknowledged", body, shapes.Acknowledged)
        return answer.acknowledged

    def write_letter(self, signed: Signed) -> shapes.LetterItem:
        """See `ProviderBackend.write_letter`."""
        return self._post("/v1/letters", shapes.document_of(signed), shapes.LetterItem)

    def figures(self, measure: str, code: str, start: date, end: date) -> Sequence[Release]:
        """See `ProviderBackend.figures`."""
        params = {"measure": measure, "code": code, "from": str(start), "to": str(end)}
        answer = self._send("GET", "/v1/areas/figures", params=params)
        return _read(answer, shapes.Figures).releases

    def close(self) -> None:
        """See `ProviderBackend.close`."""
        self._http.close()

    def _pages(self, path: str, query: dict[str, object], kind: type[T]) -> Iterator[T]:
        after: object = None
        while True:
            params = {k: str(v) for k, v in query.items()}
            if after is not None:
                params["after"] = str(after)
            page = _read(self._send("GET", path, params=params), kind)
            yield page
            after = getattr(page, "next", None)
            if after is None:
                return

    def _post(self, path: str, body: msgspec.Struct, kind: type[T]) -> T:
        headers = {"Content-Type": "application/json"}
        content = msgspec.json.encode(body)
        return _read(self._send("POST", path, content=content, headers=headers), kind)

    def _send(self, method: str, path: str, **kwargs: object) -> httpx.Response:
        try:
            answer = self._http.request(method, path, **kwargs)  # type: ignore[arg-type]
        except httpx.HTTPError as exc:
            raise TransportError(f"{self._http.base_url}: {exc or type(exc).__name__}.") from exc
        if answer.is_success:
            return answer
        try:
            detail = read_json(answer.content, shapes.Problem).detail
        except msgspec.MsgspecError:
            detail = f"The service answered {answer.status_code}."
        kind = TransportError if answer.status_code in _RETRY else DocumentRefused
        raise kind(detail)


def connect(
    url: str, ca: Path, token: str = "", certificate: tuple[Path, Path] | None = None
) -> HttpBackend:
    """Return a backend that trusts only the collectivity's `ca`.

    Raises:
        ConfigError: a file is missing or invalid, or the address is no https URL.
    """
    if not url.startswith("https://"):
        raise ConfigError(f"{url}: the API's address begins with https://.")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    try:
        context.load_verify_locations(ca)
        if certificate:
            context.load_cert_chain(*certificate)
    except OSError as exc:
        raise ConfigError(f"{ca}: TLS files do not load: {exc.strerror or exc}.") from exc
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return HttpBackend(
        httpx.Client(base_url=url, verify=context, headers=headers, timeout=TIMEOUT_S)
    )


def _read(answer: httpx.Response, kind: type[T]) -> T:
    try:
        return read_json(answer.content, kind)
    except msgspec.MsgspecError as exc:
        raise TransportError(f"This answer is none of the API's: {exc}.") from exc


def _query(wanted: ContractFilter) -> dict[str, object]:
    query: dict[str, object] = {}
    if wanted.area:
        query["area"] = wanted.area
    if wanted.on is not None:
        query["on"] = date.isoformat(wanted.on)
    if wanted.offer:
        query["offer"] = wanted.offer.hex()
    if wanted.is_accepted is not None:
        query["accepted"] = str(wanted.is_accepted).lower()
    return query


def _period(drafting: Drafting) -> dict[str, object]:
    return {
        "from": drafting.start,
        "to": drafting.end,
        "without_missing": str(drafting.without_missing).lower(),
    }
