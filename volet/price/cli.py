"""`volet provider price`: price a usage under the regulated tariff."""

import importlib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import click
import msgspec

from system.files import read_document
from tariffs.price import PricedBill, PricedLine, parts_of, plain_energies, price_usage
from tariffs.usage import parse_usage


@click.command()
@click.option(
    "--usage",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The usage, JSON.",
)
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
@click.option(
    "--encrypted",
    "is_encrypted",
    is_flag=True,
    help="Encrypt the usage by day under a new household key, sum it as the cloud does and open it "
    "as the chip does.",
)
def price(path: Path, *, is_json: bool, is_encrypted: bool) -> None:
    """Price a usage under the regulated French tariff (Tarif Bleu).

    FILE has `option` (base, hphc, tempo, ejp), `kva`, `from`, `to_exclusive` and `index_wh`:
    {register: [start, end]}. If a grid changes in between, `index_at`: {day: {register: index}}
    makes the split exact; without it, the index is split in proportion to days.
    """
    usage = parse_usage(read_document(path, "name a usage as JSON."), str(path))
    parts = parts_of(usage)
    if is_encrypted:
        # Needs the edge's packages (TenSEAL), which plain pricing does not.
        energies = importlib.import_module("volet.price.encrypted").EncryptedPath().energies(parts)
    else:
        energies = plain_energies(parts)
    bill = price_usage(usage, parts, energies)
    if is_json:
        click.echo(msgspec.json.format(msgspec.json.encode(bill), indent=1))
        return
    click.echo("\n".join(_in_words(bill)))


def _in_words(bill: PricedBill) -> Iterator[str]:
    yield f"Tarif Bleu {bill.option}, {bill.kva} kVA, {bill.start} to {bill.end} (not included)"
    for line in bill.lines:
        yield f"  {line.grid}  {line.line:<24}{_count(line):<34}{line.ht:>10} €"
    yield f"  {'before tax':<70}{bill.total_ht:>10} €"
    for part in bill.vat:
        rate = f"VAT {(part.rate * 100).normalize():f} % on {part.base} €"
        yield f"  {rate:<70}{part.amount:>10} €"
    yield f"  {'to pay':<70}{bill.total_ttc:>10} €"
    yield from bill.notes


def _count(line: PricedLine) -> str:
    if line.months is not None:
        return f"{Decimal(line.months).normalize():f} months × {line.unit_ht} €"
    return "" if line.kwh is None else f"{line.kwh} kWh × {line.unit_ht} €"
