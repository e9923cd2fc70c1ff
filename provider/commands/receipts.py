"""`volet provider receipts`: open and check the households' receipts."""

from datetime import timedelta
from pathlib import Path

import click
import msgspec

from protocol.doubt import Doubt
from provider.backend import EmbeddedTown
from provider.commands.options import cloud_directory, json_option, provider_directory
from provider.receipts import Checked, ReceiptVerdict, check_kept
from provider.service import load_key, load_sealing_key
from system.set_aside import SetAside

WORDS = {
    ReceiptVerdict.PROVEN: "proven from what the chip committed to day by day",
    ReceiptVerdict.PARTLY: "proven but for what is priced on the curve",
    ReceiptVerdict.STATED: "signed by the household; priced on the curve, of which there is no proof",
    ReceiptVerdict.REFUSED: "REFUSED",
    ReceiptVerdict.SET_ASIDE: "SET ASIDE",
}
DOUBTS = {
    Doubt.INDEX_BEGAN_ANEW: "an index of the meter began anew; what it counted in between is in no bill",
    Doubt.INDEX_JUMPED: "an index rose by more than the installation can have drawn, and stayed",
}
FAILED = {ReceiptVerdict.REFUSED, ReceiptVerdict.SET_ASIDE}
EXIT_REFUSED = 3


@click.command()
@provider_directory
@cloud_directory
@click.option("--contract", default="", help="A contract's hash, or its start.")
@json_option
@click.pass_obj
def receipts(
    town: EmbeddedTown, directory: Path, cloud: Path, contract: str, *, is_json: bool
) -> None:
    """Open and check the receipts under this provider's contracts.

    Exit code 3: at least one of them is refused, or could not be checked.
    """
    sealing_key, key = load_sealing_key(directory), load_key(directory).public_key()
    evidence, set_aside = town.evidence(cloud, key.public_bytes_raw()), SetAside()
    checked = [
        check_kept(set_aside, evidence, stored, own, key, sealing_key)
        for own in evidence.contracts()
        if own.hash.hex().startswith(contract.lower())
        for stored in evidence.receipts(own.hash)
    ]
    evidence.close()
    if is_json:
        click.echo(msgspec.json.encode({"receipts": checked}))
    else:
        for receipt in checked:
            click.echo(in_words(receipt))
        if not checked:
            click.echo("No household has sent a receipt yet.")
    if any(receipt.verdict in FAILED for receipt in checked):
        raise SystemExit(EXIT_REFUSED)


def in_words(checked: Checked) -> str:
    """Format a receipt for a terminal."""
    head = f"Statement {checked.statement[:16]}… under contract {checked.contract[:16]}…: "
    if checked.start is None or checked.end is None:
        return f"{head}{WORDS[checked.verdict]}: {checked.detail}."
    last = checked.end - timedelta(days=1)
    rows = [f"{head}{checked.total_ttc} € for {checked.start} to {last}, {WORDS[checked.verdict]}."]
    for line in checked.lines:
        quantity = f"{line.wh} Wh" if line.kwh is None else f"{line.kwh} kWh"
        rows.append(f"  {line.name:<40}{quantity:>16}{line.ht:>12} €")
    if checked.wrong_cents_max:
        rows.append(
            f"  a total that is wrong by up to {checked.wrong_cents_max} cents would pass as well: "
            "lines and VAT are rounded"
        )
    rows += [f"  without proof: {name}" for name in checked.unproven]
    rows += [f"  estimated in part: {DOUBTS[doubt]}" for doubt in checked.doubts]
    return "\n".join(rows)
