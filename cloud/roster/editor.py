"""Edits the roster when households join, move, change chips or leave."""

import csv
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from pathlib import Path

import msgspec

from cloud.geo.codes import Codes
from cloud.governance import documents as governance
from cloud.roster.registrar import Registrar, check_present
from cloud.store import Device, Store
from protocol.calendar import day_number
from protocol.errors import ConfigError, DocumentRefused
from protocol.governance import NOTICE_DAYS, read_cosigned
from protocol.ids import DeviceId
from protocol.key_list import KeyList, KeyUse, alone
from protocol.measures import Measures
from protocol.roster import SEEN_LATE_DAYS, Roster, RosterEntry, SignedEntry, sign_entry

PROVIDER_MAX = 32
_COLUMNS = ("device", "cell", "point")


class RosterAssignment(msgspec.Struct, frozen=True):
    """A chip's place; with `start` None, newcomers start today, and changes in three days."""

    device: str
    cell: str
    point: str
    provider: str = ""
    start: date | None = None


class RosterEditor:
    """One roster and its registrar; entries are stored when a method returns."""

    def __init__(
        self,
        registrar: Registrar,
        store: Store,
        codes: Codes,
        today: date,
        keys: KeyList | None = None,
    ) -> None:
        """Read the roster; `keys` names the registrar's earlier keys.

        Raises:
            ConfigError: the trustees know another registrar, or another one has followed.
            DocumentRefused: the roster in the store is not this registrar's.
        """
        self._registrar = registrar
        self._store = store
        self._codes = codes
        self._today = day_number(today)
        if keys is not None:
            check_present(registrar.public_key, keys)
        chain = governance.trustee_chain(store.area)
        successors = keys.successors if keys else alone
        known = (*(keys.ever(KeyUse.REGISTRAR) if keys else ()), registrar.public_key)
        named = chain[-1][1].registrar_key if chain else registrar.public_key
        if registrar.public_key not in successors(KeyUse.REGISTRAR, named):
            raise ConfigError(
                "The set of trustees names another registrar; use the directory with its key."
            )
        self.roster = Roster(chain[0][1].registrar_key if chain else known[0], successors)
        self.roster.extend(store.area.roster())

    def add(self, places: Sequence[RosterAssignment]) -> int:
        """Add or change chips, all or none; return how many entries were added.

        Chips whose assignment is unchanged are skipped, so a list can be submitted again.

        Raises:
            DocumentRefused: names the chip and the rule.
        """
        devices = self._devices({place.device for place in places})
        signed: list[SignedEntry] = []
        for place in places:
            try:
                entry = self._entry(place, devices.get(DeviceId(place.device)))
                if entry is not None:
                    signed.append(self._sign(entry))
            except DocumentRefused as exc:
                raise DocumentRefused(f"{place.device}: {exc}") from exc
        self._store.area.append_roster(signed)
        return len(signed)

    def leave(self, device: str, start: date | None = None) -> None:
        """Add an entry that a household belongs to no cell from a day on.

        Raises:
            DocumentRefused: the chip is on no roster, or has left.
        """
        last = next(
            (entry for entry in self._latest() if entry.device == device and entry.cell), None
        )
        if last is None:
            raise DocumentRefused(f"{device} stands in no cell; `volet cloud roster status`.")
        entry = msgspec.structs.replace(
            last,
            number=len(self.roster),
            previous=self.roster.head,
            cell=None,
            start=self._start(start, last),
        )
        self._store.area.append_roster([self._sign(entry)])

    def _entry(self, place: RosterAssignment, device: Device | None) -> RosterEntry | None:
        self._codes.check_cell(place.cell)
        if device is None:
            raise DocumentRefused("not enrolled here; enrol it with `volet cloud enrol`.")
        if device.is_revoked:
            raise DocumentRefused("it was revoked; enter the chip that the household uses now.")
        if len(place.provider) > PROVIDER_MAX:
            raise DocumentRefused(f"a provider's word has at most {PROVIDER_MAX} characters.")
        history = self.roster.history(device.household_key)
        last = history[-1] if history and history[-1].cell is not None else None
        entry = RosterEntry(
            len(self.roster),
            self.roster.head,
            device.household_key,
            device.device,
            device.signing_key,
            self._registrar.point(place.point),
            place.cell,
            place.provider,
            self._start(place.start, last),
        )
        if last is not None and _assignment(last) == _assignment(entry):
            return None
        return entry

    def _start(self, start: date | None, last: RosterEntry | None) -> int:
        """Return the first day: `start` if given; a chip that already has a cell gets notice."""
        if start is not None:
            first = day_number(start)
            if last is None and first < self._today - SEEN_LATE_DAYS and self._has_figures():
                raise DocumentRefused(
                    f"--from {start} lies back more than {SEEN_LATE_DAYS} days; trustees count a "
                    "newcomer from the day they see it. Leave --from out."
                )
            return first
        first = self._today + (NOTICE_DAYS if last else 0)
        return max(first, last.start) if last else first

    def _has_figures(self) -> bool:
        """Return whether measures are in effect; a household that joins earlier is a founder."""
        cosigned_documents = self._store.area.cosigned_documents(Measures.__name__)
        return any(
            read_cosigned(cosigned, Measures).effective <= self._today
            for cosigned in cosigned_documents
        )

    def _sign(self, entry: RosterEntry) -> SignedEntry:
        signed = sign_entry(entry, self._registrar.key)
        self.roster.append(signed)
        return signed

    def _latest(self) -> Iterable[RosterEntry]:
        return (self.roster.history(key)[-1] for key in self.roster.households())

    def _devices(self, ids: set[str]) -> dict[DeviceId, Device]:
        """Return the enrolments of many chips, some thousand per query."""
        ordered = sorted(ids)
        devices: dict[DeviceId, Device] = {}
        for first in range(0, len(ordered), 5_000):
            chunk = {DeviceId(name) for name in ordered[first : first + 5_000]}
            devices |= {device.device: device for device in self._store.devices(chunk)}
        return devices


def is_in_a_cell(store: Store, device: str) -> bool:
    """Return whether the roster's latest entry of a chip's household gives it a cell."""
    entries = Roster(b"")  # without a key: entries were verified when they were added
    entries.load(store.area.roster())
    latest = (entries.history(key)[-1] for key in entries.households())
    return any(entry.device == device and entry.cell is not None for entry in latest)


def read_places(path: Path) -> list[RosterAssignment]:
    """Read a list of chips: CSV with the columns device, cell, point, optionally provider and from.

    Raises:
        DocumentRefused: names the line.
    """
    places: list[RosterAssignment] = []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            if missing := [column for column in _COLUMNS if column not in (rows.fieldnames or ())]:
                raise DocumentRefused(f"{path}: there is no column {missing[0]}.")
            for row in rows:
                fields = {name: (text or "").strip() for name, text in row.items() if name}
                places.append(
                    RosterAssignment(
                        fields["device"],
                        fields["cell"],
                        fields["point"],
                        fields.get("provider", ""),
                        _day(fields.get("from", ""), f"{path}, line {rows.line_num}"),
                    )
                )
    except (OSError, UnicodeDecodeError, csv.Error) as exc:
        raise DocumentRefused(f"{path} cannot be read as CSV: {exc}.") from exc
    return places


def _day(text: str, place: str) -> date | None:
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError as exc:
        raise DocumentRefused(f"{place}: {text!r} is no day; write YYYY-MM-DD.") from exc


def _assignment(entry: RosterEntry) -> tuple[object, ...]:
    return (entry.device, entry.signing_key, entry.point, entry.cell, entry.provider)
