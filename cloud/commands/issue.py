"""`volet cloud issue`: issue a certificate for a further role."""

from datetime import UTC, datetime
from pathlib import Path

import click

from cloud.config import DEFAULT_DIRECTORY, load_config
from cloud.registry import pki
from mosquitto.roles import Role, role_of
from system.commands import changing, directory_option
from system.files import read_document
from system.shell import quoted

_FILE = click.Path(path_type=Path, dir_okay=False)
_dir = directory_option(DEFAULT_DIRECTORY, "The collectivity's")


@click.command()
@_dir
@click.argument("name", metavar="ROLE")
@click.option(
    "--request",
    type=_FILE,
    help="Signing request of whoever has drawn the key, such as a trustee's tls.csr. Default: a key "
    "is drawn here.",
)
@changing
def issue(directory: Path, name: str, request: Path | None) -> bool:
    """Issue a certificate for a further role, such as worker-2 or trustee-consumers.

    A trustee's key is drawn by the trustee, and nobody else ever has it.
    """
    load_config(directory)
    if request is None and role_of(name) is Role.TRUSTEE:
        raise click.UsageError(
            f"A trustee draws its key itself: --request names the tls.csr that `volet trustee init "
            f"--name {name}` wrote."
        )
    key = None
    if request is not None:
        data = read_document(request, "ask for the file, which `volet trustee init` writes.")
        key = pki.requested_key(data, str(request))
    path = pki.issue_role(directory, name, datetime.now(UTC), key)
    written = f"{path}" if key else f"{path} and {path.with_suffix('.key').name}"
    click.echo(
        f"Wrote {written}. "
        f"Next: `volet cloud broker-config --dir {quoted(directory)}`, so that the broker lets it in."
    )
    return True
