"""Why a statement has no receipt, by what a vault holds: for the lane, and for the household."""

from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge.bills.judgement import Judgement, Verdict
from edge.bills.receipts import Hold, Past, ReceiptInputs, hold, read_grounds
from edge.bills.verifier import read_judgement
from edge.contracts.listed import Contracts
from edge.contracts.meter import Fit
from edge.vault.reader import VaultReader
from edge.vault.rows import BlockState, DayRow
from edge.vault.signer import Signer
from protocol.calendar import day_of_number
from protocol.envelope import Address, open_message
from protocol.errors import DocumentRefused, MessageRefused
from protocol.messages import Statement
from protocol.schedule import ScheduleMissing
from protocol.topics import Kind

ONE_DAY = timedelta(days=1)


class ReceiptRules:
    """Holds statements against one household's contracts and what its vault remembers."""

    def __init__(
        self,
        signer: Signer,
        platform_key: Ed25519PublicKey,
        vault: VaultReader,
        contracts: Contracts,
    ) -> None:
        """Read `vault`; every call sees what is committed."""
        self._signer = signer
        self._platform_key = platform_key
        self._vault = vault
        self._contracts = contracts

    def without_receipt(self) -> list[tuple[Statement, Judgement]]:
        """Return the judged statements that have no receipt, those of a former chip left out."""
        done = self._vault.receipts.states()
        address = Address(self._signer.collectivity, self._signer.device, Kind.STATEMENT)
        found = []
        for row in self._vault.statements():
            judgement = None if row.id in done else read_judgement(row)
            if judgement is None:
                continue
            try:
                statement = open_message(address, row.payload, self._platform_key, Statement)
            except MessageRefused:
                continue  # it was a former chip's; the cloud sends to this one what is open
            found.append((statement, judgement))
        return found

    def grounds(self, statement: Statement) -> ReceiptInputs | None:
        """Return the documents of a statement that was judged correct; None: they are not here."""
        agreement = self._contracts.agreement(statement.contract)
        if agreement is None:
            return None
        try:
            return read_grounds(statement, agreement, self._contracts.listed_for(agreement))
        except (ScheduleMissing, DocumentRefused, KeyError, ValueError):
            return None  # it was judged by documents that are not listed any more

    def rows(self, grounds: ReceiptInputs) -> list[DayRow]:
        """Return the closed days that the statement bills."""
        wanted = set(grounds.days)
        rows = self._vault.day_rows(min(wanted), max(wanted) + ONE_DAY)
        return [row for row in rows if row.closed.day in wanted]

    def hold(self, grounds: ReceiptInputs, judgement: Judgement, rows: list[DayRow]) -> Hold | None:
        """Say why no receipt may leave now, None if one may; `rows` are those of `grounds`."""
        stored = {row.closed.day for row in rows if _is_stored(row)}
        return hold(grounds, judgement, self._past(), stored, self._fits(grounds, rows))

    def holds(self) -> dict[bytes, Hold]:
        """Return why statements have no receipt, by their ids, as far as that can be told."""
        found = {}
        for statement, judgement in self.without_receipt():
            why: Hold | None = Hold.NOT_CORRECT
            if judgement.verdict is Verdict.CORRECT:
                grounds = self.grounds(statement)
                rows = [] if grounds is None else self.rows(grounds)
                why = None if grounds is None else self.hold(grounds, judgement, rows)
            if why is not None:
                found[statement.id] = why
        return found

    def _fits(self, grounds: ReceiptInputs, rows: list[DayRow]) -> set[Fit]:
        household = self._signer.household
        meters = self._contracts.meters(self._vault.metered(), household.meter_fingerprint)
        return {meters.fit(grounds.contract, row.closed) for row in rows}

    def _past(self) -> Past:
        receipts = self._vault.receipts
        mismatches = receipts.mismatches()
        return Past(
            {day_of_number(day): is_certain for day, is_certain in receipts.covered().items()},
            set(mismatches),
            sum(mismatches.values()),
            receipts.short(),
        )


def _is_stored(row: DayRow) -> bool:
    states = {block.state for block in row.blocks}
    return row.is_encrypted and states == {BlockState.STORED}
