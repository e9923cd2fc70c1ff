"""The group `volet provider`, with what needs both sides: `price`, and a local collectivity."""

from pathlib import Path

from cloud.api.local_backend import LocalBackend, LocalEvidence
from cloud.config import load_config
from cloud.store.sqlite.store import SqliteStore
from provider.backend import EmbeddedTown
from provider.commands import table
from system.commands import LazyGroup


class LocalTown:
    """The collectivity of a directory on this machine; see `provider.backend.EmbeddedTown`."""

    def backend(self, directory: Path, provider_key: bytes) -> LocalBackend:
        """Return a backend that serves a provider from the store."""
        return LocalBackend(SqliteStore.open_existing(directory), provider_key)

    def evidence(self, directory: Path, provider_key: bytes) -> LocalEvidence:
        """Open the evidence for a provider's receipts."""
        collectivity = load_config(directory).collectivity
        return LocalEvidence(SqliteStore.open_existing(directory), provider_key, collectivity)


provider = LazyGroup(
    "provider",
    {**table.provider.targets, "price": "volet.price.cli:price"},
    table.provider.help or "",
)
_TOWN: EmbeddedTown = LocalTown()
provider.context_settings = {"obj": _TOWN}
