"""A collectivity that answers the requests of a chip on its first run."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec

from cloud.registry.enrolment import enrol
from cloud.store.sqlite.store import SqliteStore
from protocol.contract import Signed
from protocol.json_text import read_json
from tests.support.broker import make_cloud


class Registrar:
    """The registry of a collectivity without a broker."""

    def __init__(self, directory: Path, collectivity: str) -> None:
        make_cloud(directory, collectivity)
        self.directory = directory

    def answer(self, request: str) -> str:
        """Enrol a request as the chip gave it; return the answer as it is handed back."""
        store = SqliteStore.open(self.directory, is_checked=False)
        try:
            signed = read_json(request, Signed)
            enrolled = enrol(self.directory, store, signed, datetime.now(UTC))
        finally:
            store.close()
        return msgspec.json.encode(enrolled.answer).decode()
