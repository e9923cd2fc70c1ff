"""A provider on its town's machine: each of its commands as one call."""

from cloud.api.local_backend import LocalBackend
from protocol.provider_api import ContractFilter, Drafting
from provider import service


def backend_of(store, key) -> LocalBackend:
    """Serve the provider of this key from an open store."""
    return LocalBackend(store, key.public_key().public_bytes_raw())


def own_contracts(store, key):
    """Return the stored contracts under this provider's key."""
    public = key.public_key().public_bytes_raw()
    return [contract for contract in store.contracts() if contract.provider_key == public]


def accept(store, key, contract: bytes) -> None:
    """Accept a contract."""
    service.accept(backend_of(store, key), key, contract)


def request_statement(store, key, contract: bytes, start, end, *, without_missing=False) -> bytes:
    """Request a statement; returns the request's id."""
    backend = backend_of(store, key)
    (own,) = [e for e in backend.contracts(ContractFilter()) if e.contract == contract.hex()]
    return service.request_statement(backend, key, own, Drafting(start, end, without_missing))


def request_correction(store, key, corrects: bytes) -> bytes:
    """Request a statement that corrects another; returns the request's id."""
    return service.request_correction(backend_of(store, key), key, corrects)
