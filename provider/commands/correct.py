"""`volet provider correct`: request a statement that replaces an earlier one."""

import click

from protocol.errors import DocumentRefused
from provider.commands.options import ProviderContext, at_backend, json_option
from provider.commands.progress import report, wait_option
from provider.service import request_correction


@click.command()
@at_backend
@click.argument("statement")
@wait_option
@json_option
def correct(at: ProviderContext, statement: str, wait_s: float, *, is_json: bool) -> None:
    """Request a statement by the latest listed offer that replaces STATEMENT (its id), once.

    It bills the same days again. The household's chip shows what the correction changes.
    """
    request_id = request_correction(at.backend, at.key, _statement_id(statement))
    report(at.backend, request_id, wait_s, is_json=is_json)


def _statement_id(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as exc:
        raise DocumentRefused(f"{text} is no statement's id; `--json` prints it in full.") from exc
