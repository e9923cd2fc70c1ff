"""A provider on the machine of its town: what its commands do, in one call each."""

from cloud.api.local_backend import LocalBackend
from protocol.provider_api import ContractFilter, Drafting
from provider import service


def backend_of(store, key) -> LocalBackend:
    """Serve the provider of this key from an open store."""
    return LocalBackend(store, key.public_key().public_bytes_raw())


def own_contracts(store, key):
    """Return the contracts under this provider's key as they are stored."""
    public = key.public_key().public_bytes_raw()
    return [each for each in store.contracts() if each.provider_key == public]


def accept(store, key, contract: bytes) -> None:
    """Accept a contract."""
    service.accept(backend_of(store, key), key, contract)


def request_statement(store, key, contract: bytes, start, end, *, without_missing=False) -> bytes:
    """Ask for a statement; returns the request's id."""
    backend = backend_of(store, key)
    (own,) = [e for e in backend.contracts(ContractFilter()) if e.contract == contract.hex()]
    return service.request_statement(backend, key, own, Drafting(start, end, without_missing))


def request_correction(store, key, corrects: bytes) -> bytes:
    """Ask for a statement that corrects another; returns the request's id."""
    return service.request_correction(backend_of(store, key), key, corrects)
