"""`volet provider withdraw`: sign the withdrawal of listed offers."""

from pathlib import Path

import click
import msgspec

from protocol.contract import sign_document
from protocol.errors import DocumentRefused
from protocol.listed import WITHDRAWN_MAX, Withdrawal
from protocol.messages import HASH_BYTES
from provider.commands.options import FILE, provider_directory
from provider.service import load_key
from system.files import write_public


@click.command()
@provider_directory
@click.option("--out", type=FILE, required=True, help="Where to write the signed document.")
@click.argument("offers", metavar="HASH…", nargs=-1, required=True)
def withdraw(directory: Path, out: Path, offers: tuple[str, ...]) -> None:
    """Sign the withdrawal of own offers by their hashes, in hex, for `volet provider publish`.

    Nobody is quoted them any more. Contracts that took them stay as they are.
    """
    key = load_key(directory)
    if len(offers) > WITHDRAWN_MAX:
        raise DocumentRefused(f"A withdrawal names at most {WITHDRAWN_MAX} offers; sign several.")
    names = tuple(_hash(text) for text in offers)
    signed = sign_document(Withdrawal(key.public_key().public_bytes_raw(), names), key)
    write_public(out, msgspec.json.encode(signed))
    click.echo(f"Signed the withdrawal of {len(names)} in {out}. Next: `volet provider publish`.")


def _hash(text: str) -> bytes:
    try:
        name = bytes.fromhex(text)
    except ValueError:
        name = b""
    if len(name) != HASH_BYTES:
        raise DocumentRefused(f"{text!r} is no hash; `volet provider publish` printed the offer's.")
    return name
