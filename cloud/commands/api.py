"""`volet cloud api`: serve the providers' API, manage its tokens and show its audit."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import msgspec
import structlog

from cloud.api.access import draw_token
from cloud.api.app import make_gate
from cloud.api.gate import RateLimits
from cloud.api.identity import ServerFiles, ServerIdentity
from cloud.api.renewals import Renewals
from cloud.api.server import Revoked, make_server
from cloud.api.service import ApiService
from cloud.commands.opened import open_store
from cloud.config import DEFAULT_DIRECTORY, load_config
from cloud.registry.key_files import pki_path
from cloud.store.providers import Scope
from cloud.store.sqlite.store import SqliteStore
from protocol.errors import DocumentRefused
from system.certificates import CertificateWatch, read_lifetimes
from system.commands import changing, directory_option
from system.program import begin_program, run_program
from system.store_thread import StoreThread

_dir = directory_option(DEFAULT_DIRECTORY, "The collectivity's")
_json = click.option("--json", "is_json", is_flag=True, help="Print JSON.")
_FILE = click.Path(path_type=Path, dir_okay=False)
log = structlog.get_logger()


@click.group()
def api() -> None:
    """The HTTP service for energy providers, its tokens and its audit."""


@api.command()
@_dir
@click.option("--bind", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help="Port to listen on. Default: api_port of cloud.toml.",
)
@click.option("--certificate", type=_FILE, help="Server certificate. Default: pki/server.pem.")
@click.option("--key", type=_FILE, help="The certificate's key. Default: pki/server.key.")
@click.option(
    "--rate",
    type=click.FloatRange(0, min_open=True),
    default=RateLimits().rate,
    show_default=True,
    help="Calls per second that one provider may make.",
)
def run(
    directory: Path,
    bind: str,
    port: int | None,
    certificate: Path | None,
    key: Path | None,
    rate: float,
) -> None:
    """Serve providers over TLS until stopped, and chips whose certificates have ended."""
    begin_program()
    config = load_config(directory)
    address = (bind, config.api_port if port is None else port)
    certificate = certificate or pki_path(directory, "server.pem")
    authority = pki_path(directory, "ca.pem")
    identity = ServerIdentity(
        ServerFiles(authority, certificate, key or pki_path(directory, "server.key"))
    )
    files = {"authority": authority, "api": certificate}
    watch = CertificateWatch(lambda: read_lifetimes(files), lambda: datetime.now(UTC))
    run_program(
        _serve(directory, config.collectivity, address, identity, RateLimits(rate=rate), watch)
    )


async def _serve(
    directory: Path,
    collectivity: str,
    address: tuple[str, int],
    identity: ServerIdentity,
    limits: RateLimits,
    watch: CertificateWatch,
) -> None:
    thread = StoreThread()
    try:
        store = await thread.run(SqliteStore.open_existing, directory)
        service = ApiService(thread, store, Renewals(directory, collectivity, store))
        try:
            gate = make_gate(service, thread, store, limits, lambda: datetime.now(UTC))
            revoked = Revoked(pki_path(directory, "crl.pem"))

            def on_start() -> None:
                log.info("api_started", bind=address[0], port=address[1])

            async with watch.beside(), identity.beside():
                await make_server(gate, address, identity.context, revoked, on_start).serve()
            log.info("api_stopped")
        finally:
            service.close()
            await thread.run(store.close)
    finally:
        thread.close()


@api.group()
def token() -> None:
    """Tokens, for providers that show no certificate."""


@token.command("create")
@_dir
@click.argument("name", metavar="PROVIDER")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice([str(scope) for scope in Scope]),
    multiple=True,
    help="What the token allows; repeat for more. Default: all.",
)
@click.option("--days", type=click.IntRange(1, 366), default=90, show_default=True)
@_json
def create(
    directory: Path, name: str, scopes: tuple[str, ...], days: int, *, is_json: bool
) -> None:
    """Generate a token for PROVIDER. It is shown only once; the store keeps its hash."""
    allowed = tuple(Scope(scope) for scope in scopes) or tuple(Scope)
    with open_store(directory) as store:
        text, token = draw_token(
            store.providers, name, allowed, datetime.now(UTC), timedelta(days=days)
        )
    if is_json:
        click.echo(msgspec.json.encode({"token": text, "id": token.id, "expires": token.expires}))
        return
    click.echo(text)
    click.echo(
        f"Token {token.id} for {name}, until {token.expires:%Y-%m-%d}. It is not shown again; "
        f"`volet cloud api token revoke {token.id}` ends it.",
        err=True,
    )


@token.command("list")
@_dir
@_json
def list_tokens(directory: Path, *, is_json: bool) -> None:
    """List tokens by their ids. The tokens themselves cannot be shown again."""
    with open_store(directory) as store:
        tokens = store.providers.tokens()
    rows = [
        {
            "id": token.id,
            "provider": token.provider,
            "scopes": token.scopes,
            "expires": token.expires,
            "revoked": token.revoked,
        }
        for token in tokens
    ]
    if is_json:
        click.echo(msgspec.json.encode({"tokens": rows}))
        return
    for token in tokens:
        state = "revoked" if token.revoked else f"until {token.expires:%Y-%m-%d}"
        click.echo(f"{token.id}  {token.provider}  {state}  {', '.join(token.scopes)}")
    if not tokens:
        click.echo("There is no token.")


@token.command("revoke")
@_dir
@click.argument("token_id", metavar="ID")
@changing
def revoke(directory: Path, token_id: str) -> bool:
    """Revoke a token. It is refused from the next call on."""
    with open_store(directory) as store:
        if not store.providers.revoke_token(token_id, datetime.now(UTC)):
            raise DocumentRefused(
                f"There is no token {token_id}; `volet cloud api token list` names them."
            )
    click.echo(f"Token {token_id} is revoked.")
    return True


@api.command()
@_dir
@click.option("--provider", "name", help="Show only this provider's calls.")
@click.option(
    "--last", type=click.IntRange(1), default=50, show_default=True, help="Calls to show."
)
@_json
def audit(directory: Path, name: str | None, last: int, *, is_json: bool) -> None:
    """Show who called what, newest first. Rows cannot be changed or deleted."""
    with open_store(directory) as store:
        entries = store.providers.audit(name, last)
    if is_json:
        click.echo(msgspec.json.encode({"calls": entries}))
        return
    for call in entries:
        caller = f"{call.provider or 'nobody known'} ({call.credential})"
        click.echo(
            f"{call.at:%Y-%m-%d %H:%M:%S}  {call.status}  {call.action} {call.subject}  {caller}"
        )
