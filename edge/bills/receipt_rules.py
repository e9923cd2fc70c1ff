"""Finds in a vault why a statement has no receipt, for the receipt lane and the household."""

from datetime import timedelta

from edge.bills.judgement import Judgement, Verdict
from edge.bills.receipts import Hold, Past, ReceiptInputs, hold, read_inputs
from edge.bills.replaced import is_repeated
from edge.bills.verifier import read_judgement
from edge.contracts.listed import Contracts
from edge.contracts.meter import Fit
from edge.identity.platform_keys import for_stored
from edge.vault.reader import VaultReader
from edge.vault.rows import BlockState, DayRow
from edge.vault.signer import Signer
from protocol.calendar import day_of_number
from protocol.envelope import Address, VerifyingKey, open_message
from protocol.errors import DocumentRefused, MessageRefused
from protocol.messages import Statement
from protocol.schedule import ScheduleMissing
from protocol.topics import Kind

ONE_DAY = timedelta(days=1)


class ReceiptRules:
    """Checks statements against one household's contracts and its vault."""

    def __init__(
        self,
        signer: Signer,
        platform_key: VerifyingKey,
        vault: VaultReader,
        contracts: Contracts,
    ) -> None:
        """Read `vault`; every call sees the latest committed state."""
        self._signer = signer
        self._platform_key = for_stored(platform_key)
        self._vault = vault
        self._contracts = contracts

    def without_receipt(self) -> list[tuple[Statement, Judgement]]:
        """Return the judged statements without a receipt, except those of a former chip."""
        done = self._vault.receipts.states()
        address = Address(self._signer.collectivity, self._signer.device, Kind.STATEMENT)
        statements = []
        for row in self._vault.statements():
            judgement = None if row.id in done else read_judgement(row)
            if judgement is None:
                continue
            try:
                statement = open_message(address, row.payload, self._platform_key, Statement)
            except MessageRefused:
                continue  # a former chip's; the cloud sends the open ones to this chip again
            statements.append((statement, judgement))
        return statements

    def inputs(self, statement: Statement) -> ReceiptInputs | None:
        """Return the documents of a statement that was judged correct; None if one is missing."""
        agreement = self._contracts.agreement(statement.contract)
        if agreement is None:
            return None
        try:
            return read_inputs(statement, agreement, self._contracts.listed_for(agreement))
        except (ScheduleMissing, DocumentRefused, KeyError, ValueError):
            return None  # the documents by which it was judged are no longer listed

    def rows(self, inputs: ReceiptInputs) -> list[DayRow]:
        """Return the closed days that the statement bills."""
        wanted = set(inputs.days)
        rows = self._vault.day_rows(min(wanted), max(wanted) + ONE_DAY)
        return [row for row in rows if row.closed.day in wanted]

    def hold(self, inputs: ReceiptInputs, judgement: Judgement, rows: list[DayRow]) -> Hold | None:
        """Return why no receipt may leave now; None if one may. `rows` are those of `inputs`."""
        stored = {row.closed.day for row in rows if _is_stored(row)}
        return hold(inputs, judgement, self._past(), stored, self._fits(inputs, rows))

    def holds(self) -> dict[bytes, Hold]:
        """Return, by statement id, why there is no receipt, as far as the reason is known."""
        reasons = {}
        for statement, judgement in self.without_receipt():
            why: Hold | None = Hold.BILLED if is_repeated(judgement) else Hold.NOT_CORRECT
            if judgement.verdict is Verdict.CORRECT:
                inputs = self.inputs(statement)
                rows = [] if inputs is None else self.rows(inputs)
                why = None if inputs is None else self.hold(inputs, judgement, rows)
            if why is not None:
                reasons[statement.id] = why
        return reasons

    def _fits(self, inputs: ReceiptInputs, rows: list[DayRow]) -> set[Fit]:
        household = self._signer.household
        meters = self._contracts.meters(self._vault.metered(), household.meter_fingerprint)
        return {meters.fit(inputs.contract, row.closed) for row in rows}

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
