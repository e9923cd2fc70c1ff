"""Waits for a requested statement until a chip has it, and shows its state."""

from datetime import date
from time import sleep

import click
import msgspec

from protocol.errors import DocumentRefused
from protocol.provider_api import RequestState, StatementState
from provider.backend import ProviderBackend
from system.console import counted
from system.patience import Patience, wait_until

WAITS_FOR = {
    "": "waiting for the worker; is `volet cloud run` running?",
    "acceptance": "waiting for the contract to be accepted; see `volet provider accept`.",
    "device": "waiting for a chip that speaks for the household.",
    "schedule": "waiting for a calendar or market series that is not listed yet.",
}
# Each poll is a call that the API counts and audits.
POLL_EVERY_S = 0.5

wait_option = click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(0),
    default=60.0,
    show_default=True,
    help="Stop waiting after so many seconds without progress.",
)


def report(backend: ProviderBackend, request_id: bytes, wait_s: float, *, is_json: bool) -> None:
    """Wait for a statement and print its state.

    Raises:
        DocumentRefused: the collectivity has refused the request.
    """

    def state() -> StatementState:
        return backend.statement(request_id.hex())

    over = {RequestState.SEEN, RequestState.REFUSED}
    wait_until(lambda: state().state in over, Patience(wait_s), state, lambda: sleep(POLL_EVERY_S))
    latest = state()
    click.echo(msgspec.json.encode(latest) if is_json else in_words(latest))
    if latest.state is RequestState.REFUSED:
        raise DocumentRefused(latest.detail)


def in_words(state: StatementState) -> str:
    """Return the state of a statement as one line for the provider."""
    last = date.fromordinal(state.end.toordinal() - 1)
    head = f"Statement {state.id[:16]}… for {state.start} to {last}: "
    head += f"{counted(state.late, 'late day')} billed with it; " if state.late else ""
    head += f"{counted(state.left_out, 'day')} left out and owed; " if state.left_out else ""
    if state.state is RequestState.PENDING:
        days = f"waiting for {counted(state.missing_days, 'day')} that the chip has not sent yet."
        return head + (days if state.missing_days else WAITS_FOR[state.waits_for])
    if state.state is RequestState.REFUSED:
        return head + "refused."
    values = f"{state.values} encrypted values ({8 * state.values} bytes) computed"
    if state.state is RequestState.SEEN:
        return head + f"{values}; the household's chip has it. Only that chip can open it."
    return head + f"{values} and published; the chip has not seen it yet."
