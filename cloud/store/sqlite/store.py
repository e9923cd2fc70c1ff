"""The embedded store: one SQLite file in WAL mode; a transaction is on disk when it returns."""

from contextlib import AbstractContextManager
from pathlib import Path

from cloud.store import Count, StoreFigures
from cloud.store.area import AreaStore
from cloud.store.bulk_requests import BulkRequestStore
from cloud.store.catalogue import CatalogueStore
from cloud.store.fleet import FleetStore
from cloud.store.providers import ProviderStore
from cloud.store.receipts import ReceiptStore
from cloud.store.sqlite.area import SqliteArea
from cloud.store.sqlite.blocks import SqliteBlocks
from cloud.store.sqlite.bulk_requests import SqliteBulkRequests
from cloud.store.sqlite.catalogue import SqliteCatalogue
from cloud.store.sqlite.fleet import SqliteFleet
from cloud.store.sqlite.moving import Moving
from cloud.store.sqlite.providers import SqliteProviders
from cloud.store.sqlite.receipts import SqliteReceipts
from cloud.store.sqlite.registry import Registry
from cloud.store.sqlite.requests import Requests
from cloud.store.sqlite.schema import open_database
from cloud.store.sqlite.versions import SqliteVersions
from cloud.store.versions import VersionStore
from protocol.errors import ConfigError
from system.files import check_is_new
from system.shell import quoted

FILE_NAME = "store.db"

_REVOKED = "SELECT count(DISTINCT device) FROM enrolment WHERE is_revoked = 1"
_ENROLLED = "SELECT count(*) FROM enrolment WHERE until IS NULL"


def has_issued(directory: Path) -> bool:
    """Return whether the collectivity in this directory has ever issued a chip's certificate."""
    return any((directory / "pki" / "issued").glob("*.pem"))


class SqliteStore(Registry, SqliteBlocks, Requests, Moving):
    """`Store` for a town: one worker writes; other processes may read and enrol."""

    @classmethod
    def open(cls, directory: Path, *, is_checked: bool = True) -> "SqliteStore":
        """Open `store.db` in a cloud's directory; create it if the collectivity has no chips yet.

        With `is_checked`, the whole file is first checked for damage, as the worker does at start.

        Raises:
            ConfigError: chips are enrolled, but their store is missing.
            StoreError: the file is damaged, of another version, or not the cloud's.
        """
        path = directory / FILE_NAME
        if not path.is_file() and has_issued(directory):
            raise ConfigError(
                f"{path} is missing, although chips are enrolled here; put it back with `volet "
                f"cloud restore --dir {quoted(directory)} --database-only FILE`, or begin with an empty "
                f"one, into which all enrol again: `volet cloud new-store --dir {quoted(directory)}`."
            )
        return cls(open_database(path, is_checked=is_checked), path)

    @classmethod
    def make_empty(cls, directory: Path) -> None:
        """Make an empty store on purpose although chips are enrolled.

        Raises:
            ConfigError: there is a store already.
            StoreError: it cannot be made.
        """
        path = directory / FILE_NAME
        for suffix in ("", "-wal", "-shm"):
            check_is_new(path.with_name(f"{FILE_NAME}{suffix}"))
        open_database(path, is_checked=False).close()

    @classmethod
    def open_existing(cls, directory: Path) -> "SqliteStore":
        """Open the store for a command beside the worker; never create one.

        Raises:
            ConfigError: there is none in this directory.
            StoreError: the file is of another version, or not the cloud's.
        """
        if not (directory / FILE_NAME).is_file() and not has_issued(directory):
            raise ConfigError(
                f"{directory / FILE_NAME} is missing; name the collectivity's directory, or make "
                f"one with `volet cloud init --dir {quoted(directory)}`."
            )
        return cls.open(directory, is_checked=False)

    @property
    def generation(self) -> bytes:
        """See `Store.generation`."""
        row = self._row("SELECT generation FROM store")
        return bytes(row[0]) if row else b""

    @property
    def area(self) -> AreaStore:
        """See `Store.area`."""
        return SqliteArea(self._db, self._path)

    @property
    def providers(self) -> ProviderStore:
        """See `Store.providers`."""
        return SqliteProviders(self._db, self._path)

    @property
    def bulk_requests(self) -> BulkRequestStore:
        """See `Store.bulk_requests`."""
        return SqliteBulkRequests(self._db, self._path)

    @property
    def catalogue(self) -> CatalogueStore:
        """See `Store.catalogue`."""
        return SqliteCatalogue(self._db, self._path)

    @property
    def fleet(self) -> FleetStore:
        """See `Store.fleet`."""
        return SqliteFleet(self._db, self._path)

    @property
    def versions(self) -> VersionStore:
        """See `Store.versions`."""
        return SqliteVersions(self._db, self._path)

    @property
    def receipts(self) -> ReceiptStore:
        """See `Store.receipts`."""
        return SqliteReceipts(self._db, self._path)

    def transaction(self) -> AbstractContextManager[None]:
        """See `Store.transaction`."""
        return self._writing()

    def figures(self) -> StoreFigures:
        """See `Store.figures`."""
        return StoreFigures(
            generation=self.generation.hex(),
            devices=self._number(f"{_ENROLLED} AND is_revoked = 0"),
            revoked=self._number(_REVOKED),
            contracts=self._number("SELECT count(*) FROM contract"),
            epochs=self._number("SELECT count(*) FROM epoch"),
            blocks=self._number("SELECT count(*) FROM block"),
            dead_letters=self._counts("SELECT reason, count FROM refusal ORDER BY reason"),
            requests=self._counts(
                "SELECT state, count(*) FROM request GROUP BY state ORDER BY state"
            ),
            contributions=self._number("SELECT count(*) FROM area_contribution"),
            seeds=self._number("SELECT count(*) FROM area_letters"),
            roster=self._number("SELECT count(*) FROM roster_entry"),
            documents=self._counts(
                "SELECT kind, count(*) FROM charter GROUP BY kind ORDER BY kind"
            ),
            area_figures=self._counts(
                "SELECT stage, count(*) FROM area_figure WHERE stage IS NOT NULL"
                " GROUP BY stage ORDER BY stage"
            ),
            size_bytes=self._number(
                "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
            ),
            version=self.versions.in_use,
            chips_by_version=self.versions.counts(),
        )

    def close(self) -> None:
        """See `Store.close`."""
        self._db.close()

    def _number(self, sql: str) -> int:
        row = self._row(sql)
        return int(row[0]) if row else 0

    def _counts(self, sql: str) -> tuple[Count, ...]:
        return tuple(Count(label, count) for label, count in self._rows(sql))
