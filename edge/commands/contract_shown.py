"""Prints a contract as the page shows it: its rows, and what will not work with it."""

from edge.commands.household import echo
from edge.household.contract_words import contract_rows
from edge.household.shown_agreements import ShownContract
from edge.language.choice import language


def echo_contract(contract: ShownContract) -> None:
    """Print a contract that is asked for, in the household's language."""
    rows = contract_rows(contract, language())
    width = max(len(label) for label, _ in rows)
    for label, text in rows:
        echo(f"  {label:<{width}}  {text}")
    for doubt in contract.doubts:
        echo(doubt)
