"""`volet provider letter`: send a private message to one household."""

import secrets
from datetime import UTC, datetime
from pathlib import Path

import click

from protocol.calendar import day_number, legal_day
from protocol.contract import Contract
from protocol.envelope import decode_body
from protocol.errors import DocumentRefused, MessageRefused
from protocol.letters import write_letter
from protocol.messages import STATEMENT_ID_BYTES
from provider.commands.options import (
    FILE,
    ProviderContext,
    all_contracts,
    at_backend,
    one_contract,
)
from system.files import read_document


@click.command()
@at_backend
@click.argument("contract")
@click.argument("text", type=FILE)
def letter(at: ProviderContext, contract: str, text: Path) -> None:
    """Send TEXT (a file) to the household of CONTRACT. Nobody in between can read it."""
    chosen = one_contract(contract, all_contracts(at.backend))
    signed = at.backend.contract_document(chosen.contract)
    try:
        terms = decode_body(signed.body, Contract)
        words = read_document(text, "name a file with the letter's text.").decode()
    except (MessageRefused, UnicodeDecodeError) as exc:
        raise DocumentRefused(f"The contract or {text} cannot be read: {exc}.") from exc
    letter_id = secrets.token_bytes(STATEMENT_ID_BYTES)
    today = day_number(legal_day(datetime.now(UTC)))
    item = at.backend.write_letter(write_letter(words, letter_id, signed, terms, at.key, today))
    click.echo(f"Letter {item.id} is {item.state}; the household's chip shows it beside the bill.")
