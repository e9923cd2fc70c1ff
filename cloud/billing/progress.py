"""How far a provider's request has come."""

from cloud.billing.statements import blocks_of, computed_values, missing_days, prepare
from cloud.catalogue.log import listed_in
from cloud.store import Store, StoredContract, StoredRequest
from protocol.calendar import day_of_number
from protocol.contract import Signed, StatementRequest
from protocol.envelope import decode_body
from protocol.errors import DocumentRefused
from protocol.packed import read_packed
from protocol.provider_api import RequestState, StatementState
from protocol.schedule import ScheduleMissing


def progress(store: Store, request_id: bytes) -> StatementState:
    """Return how far a request has come.

    Raises:
        DocumentRefused: there is no such request.
    """
    stored = store.request(request_id)
    contract = store.contract(stored.order.contract) if stored else None
    if stored is None or contract is None:
        raise DocumentRefused(f"No request {request_id.hex()} is known.")
    signed = read_packed(stored.order.request, Signed)
    request = decode_body(signed.body, StatementRequest)
    missing, values, waits_for = 0, 0, ""
    if stored.state is RequestState.PENDING:
        days = request.days
        missing = len(missing_days(blocks_of(store, contract.household_key, days), days))
        waits_for = _waits_for(store, contract, stored)
    elif stored.statement is not None:
        values = computed_values(stored.order.request, contract, listed_in(store))
    return StatementState(
        request_id.hex(),
        contract.hash.hex(),
        day_of_number(request.start),
        day_of_number(request.end),
        stored.state,
        missing,
        values,
        stored.detail,
        waits_for,
        len(request.late),
        len(request.without),
    )


def _waits_for(store: Store, contract: StoredContract, stored: StoredRequest) -> str:
    if contract.acceptance is None:
        return "acceptance"
    if store.device_of(contract.household_key) is None:
        return "device"
    try:
        prepare(stored.order.request, contract, listed_in(store))
    except ScheduleMissing:
        return "schedule"
    except DocumentRefused:
        return ""  # the worker reports the reason
    return ""
