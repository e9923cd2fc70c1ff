"""A store with a request that cannot be computed, followed by a good one."""

from datetime import UTC, date, datetime

import msgspec

from cloud.store import StatementOrder
from protocol.contract import Signed

START, END = date(2026, 10, 5), date(2026, 10, 12)
POISONED, GOOD = b"p" * 16, b"g" * 16
_UNREADABLE = b"c" * 32


def put_poisoned_and_good(store, household) -> None:
    """Put a request under a contract that does not decode, then one under the household's own."""
    household.enrol(store)
    store.put_batch(household.batch(household.blocks))
    unreadable = msgspec.structs.replace(
        household.stored_contract, hash=_UNREADABLE, contract=Signed("Contract", b"\xc1", b"")
    )
    store.put_contract(unreadable)
    for request_id, contract in ((POISONED, _UNREADABLE), (GOOD, household.contract.hash)):
        request = household.request(START, END, id=request_id, contract=contract)
        order = StatementOrder(request_id, contract, household.secret.id, request)
        store.put_request(order, datetime(2026, 11, 24, 12, tzinfo=UTC))
