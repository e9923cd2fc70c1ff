"""`volet trustee sign`: describe a document and sign it."""

from contextlib import closing
from pathlib import Path

import click
import msgspec

from protocol.errors import DocumentRefused
from protocol.governance import CosignedDocument
from protocol.json_text import read_json
from system.commands import changing, directory_option
from system.files import put_public, read_document
from trustee import directory as trustee_directory
from trustee.days import today_number
from trustee.documents import TrustedDocuments
from trustee.log import TrusteeLog
from trustee.words import describe

_FILE = click.Path(path_type=Path, dir_okay=False)
_dir = directory_option(trustee_directory.DEFAULT_DIRECTORY, "The trustee's")


@click.command()
@_dir
@click.argument("file", type=_FILE)
@click.option("--out", type=_FILE, help="Where to write it. Default: the same file.")
@click.option("--yes", "is_agreed", is_flag=True, help="Sign without asking.")
@changing
def sign(directory: Path, file: Path, out: Path | None, *, is_agreed: bool) -> bool:
    """Describe the contents of a document, ask, and sign it.

    The trustee's database keeps what it signed, and no other document that follows the same one is
    signed afterwards.
    """
    identity = trustee_directory.load_identity(directory)
    try:
        data = read_document(file, "ask who drew it up.")
        cosigned = read_json(data, CosignedDocument)
    except msgspec.MsgspecError as exc:
        raise DocumentRefused(f"{file} is no document: {exc}.") from exc
    click.echo(describe(cosigned, identity))
    with closing(TrusteeLog.open(directory)) as trustee_log:
        documents = TrustedDocuments(trustee_log, identity.collectivity)
        documents.check_signing(cosigned)
        if not is_agreed:
            click.confirm("Sign it?", abort=True)
        signed = cosigned.signed(identity.name, identity.signing_key)
        documents.put_signed(signed, today_number())
    is_new = put_public(out or file, msgspec.json.encode(signed))
    click.echo(f"Signed {out or file}, and stored it.")
    return is_new
