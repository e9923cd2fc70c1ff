"""Options that the provider's commands share, and the choice of a contract."""

from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path

import click
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol.errors import DocumentRefused
from protocol.provider_api import ContractFilter, ContractItem
from provider.backend import EmbeddedTown, ProviderBackend
from provider.http_backend import connect
from provider.service import DEFAULT_DIRECTORY, load_key
from system.commands import directory_option
from system.files import read_secret

# The collectivity's directory, if it is on the same machine.
CLOUD_DIRECTORY = Path("/var/lib/volet-cloud")
FILE = click.Path(path_type=Path, dir_okay=False)
DAY = click.DateTime(["%Y-%m-%d"])

provider_directory = directory_option(DEFAULT_DIRECTORY, "The provider's")
cloud_directory = directory_option(CLOUD_DIRECTORY, "The cloud's", name="cloud", parameter="cloud")
json_option = click.option("--json", "is_json", is_flag=True, help="Print JSON.")


class ProviderContext(msgspec.Struct, frozen=True):
    """The service for the provider, and the provider's signing key."""

    backend: ProviderBackend
    key: Ed25519PrivateKey


def at_backend(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that choose the backend to a command, and pass it as `at`.

    The provider's key signs only on this machine; neither the store nor the API ever gets it.
    """

    @wraps(command)
    def opened(open_backend: _Opener, directory: Path, **options: object) -> None:
        key = load_key(directory)
        backend = open_backend(key.public_key().public_bytes_raw())
        try:
            command(at=ProviderContext(backend, key), **options)
        finally:
            backend.close()

    return _place_options(opened)


def reading_backend(command: Callable[..., None]) -> Callable[..., None]:
    """Add the same options to a command that signs nothing, and pass the backend as `backend`."""

    @wraps(command)
    def opened(open_backend: _Opener, directory: Path, **options: object) -> None:
        del directory
        backend = open_backend(b"")
        try:
            command(backend=backend, **options)
        finally:
            backend.close()

    return _place_options(opened)


_Opener = Callable[[bytes], ProviderBackend]


def _place_options(command: Callable[..., None]) -> Callable[..., None]:
    """Pass a command `directory`, and `open_backend`, which takes the provider's public key."""

    @provider_directory
    @cloud_directory
    @click.option("--api", "url", help="The API's https address. Default: the store here.")
    @click.option("--ca", type=FILE, help="The authority's certificate. Default: ca.pem in --dir.")
    @click.option("--token-file", type=FILE, help="The token (0600). Default: api.token in --dir.")
    @click.option("--certificate", type=FILE, help="Instead of a token; its .key is beside it.")
    @click.pass_obj
    @wraps(command)
    def placed(
        town: EmbeddedTown,
        /,
        directory: Path,
        cloud: Path,
        url: str | None,
        ca: Path | None,
        token_file: Path | None,
        certificate: Path | None,
        **options: object,
    ) -> None:
        def open_backend(provider_key: bytes) -> ProviderBackend:
            if url is None:
                return town.backend(cloud, provider_key)
            token = "" if certificate else _token(token_file or directory / "api.token")
            pair = (certificate, certificate.with_suffix(".key")) if certificate else None
            return connect(url, ca or directory / "ca.pem", token, pair)

        command(open_backend, directory, **options)

    return placed


def one_contract(wanted: str | None, known: Sequence[ContractItem]) -> ContractItem:
    """Return the contract whose hash begins with `wanted` (`9f3a`, `9f3a…`), or the only one.

    Raises:
        DocumentRefused: no contract matches, or several do.
    """
    if wanted is None and len(known) == 1:
        return known[0]
    if wanted is None:
        raise DocumentRefused(
            f"There are {len(known)} contracts; name one with --contract "
            "(`volet provider contracts` lists them)."
        )
    start = wanted.lower().rstrip("….")
    matching = [contract for contract in known if contract.contract.startswith(start)]
    if len(matching) != 1:
        raise DocumentRefused(
            f"{len(matching)} contracts begin with {wanted!r}; `volet provider contracts` lists them."
        )
    return matching[0]


def all_contracts(backend: ProviderBackend) -> list[ContractItem]:
    """Return all contracts under the provider's key."""
    return list(backend.contracts(ContractFilter()))


def _token(path: Path) -> str:
    token = read_secret(path, "put the token there, or name a file with --token-file.")
    return token.decode().strip()
