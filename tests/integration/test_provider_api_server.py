"""The providers' service on a real socket: TLS, certificates, slow and broken callers, commands."""

import contextlib
import json
import signal
import socket
import ssl
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import httpx
import msgspec
import pytest
from click.testing import CliRunner

from cloud.registry.key_files import pki_path
from cloud.registry.pki import issue_role, revoke
from cloud.store.sqlite.store import SqliteStore
from protocol.errors import DocumentRefused, TransportError
from protocol.ids import public_key_text
from protocol.provider_api import ContractFilter
from provider.http_backend import connect
from tests.support.api_server import WITHIN_S, make_town, serving, until
from tests.support.broker import free_ports, make_cloud
from volet.main import volet


@pytest.fixture
def town(tmp_path):
    """A collectivity's directory with one provider and two customers; returns both."""
    return make_town(tmp_path)


def run(*arguments, code=0):
    """Run a command in this process."""
    done = CliRunner().invoke(volet, [str(each) for each in arguments], catch_exceptions=True)
    if code:
        assert done.exception is not None, done.output
        return str(done.exception)
    assert done.exit_code == 0, (done.output, done.exception)
    return done.stdout


def test_a_certificate_speaks_for_its_provider_until_it_is_revoked(town):
    cloud, _ = town
    path = issue_role(cloud, "provider-edf", datetime.now(UTC))
    worker = pki_path(cloud, "worker.pem")
    with serving(cloud) as port:
        url = f"https://127.0.0.1:{port}"
        ca = pki_path(cloud, "ca.pem")
        client = connect(url, ca, certificate=(path, path.with_suffix(".key")))
        try:
            assert len(list(client.contracts(ContractFilter()))) == 2
            # On the connection that is open already, too.
            revoke(cloud, "provider-edf", datetime.now(UTC))
            with pytest.raises(DocumentRefused, match="certificate of the collectivity"):
                list(client.contracts(ContractFilter()))
        finally:
            client.close()
        other = connect(url, ca, certificate=(worker, worker.with_suffix(".key")))
        with pytest.raises(DocumentRefused, match="certificate"):
            list(other.contracts(ContractFilter()))
        other.close()


def test_another_authoritys_certificate_and_older_tls_do_not_connect(town, tmp_path):
    cloud, _ = town
    stranger = tmp_path / "stranger"
    make_cloud(stranger)
    path = issue_role(stranger, "provider-edf", datetime.now(UTC))
    with serving(cloud) as port:
        url, ca = f"https://127.0.0.1:{port}", pki_path(cloud, "ca.pem")
        client = connect(url, ca, certificate=(path, path.with_suffix(".key")))
        with pytest.raises(TransportError):
            list(client.contracts(ContractFilter()))
        client.close()
        fooled = connect(url, pki_path(stranger, "ca.pem"), "volet_x")
        with pytest.raises(TransportError):
            list(fooled.contracts(ContractFilter()))
        fooled.close()
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        old.load_verify_locations(ca)
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{url}/v1/openapi.json", verify=old)


def test_who_sends_no_head_is_hung_up_on_and_others_are_served(town):
    cloud, _ = town
    ca = pki_path(cloud, "ca.pem")
    context = ssl.create_default_context(cafile=str(ca))
    with serving(cloud, head_s=0.3) as port:
        slow = [
            context.wrap_socket(
                socket.create_connection(("127.0.0.1", port), timeout=WITHIN_S),
                server_hostname="127.0.0.1",
            )
            for _ in range(20)
        ]
        for each in slow:
            each.sendall(b"GET /v1/me HTTP/1.1\r\nHost: x\r\nX-")
        assert httpx.get(f"https://127.0.0.1:{port}/v1/openapi.json", verify=context).is_success
        for each in slow:
            assert ended(each)
            each.close()


def silent(port, context, addresses, each):
    """Open connections that say nothing once TLS is done, or nothing at all without a context."""
    for address in addresses:
        for _ in range(each):
            raw = socket.create_connection(
                ("127.0.0.1", port), timeout=WITHIN_S, source_address=(address, 0)
            )
            try:
                yield (
                    raw
                    if context is None
                    else context.wrap_socket(raw, server_hostname="127.0.0.1")
                )
            except (OSError, ssl.SSLError):  # refused
                raw.close()


@pytest.mark.parametrize("is_tls", [True, False])
@pytest.mark.parametrize(
    ("addresses", "each"),
    [(["127.0.0.3"], 257), ([f"127.0.1.{number}" for number in range(1, 18)], 16)],
    ids=["one-address", "many-addresses"],
)
def test_silent_connections_shut_no_provider_out(town, addresses, each, is_tls):
    cloud, _ = town
    context = ssl.create_default_context(cafile=str(pki_path(cloud, "ca.pem")))
    with serving(cloud, head_s=300) as port, contextlib.ExitStack() as stack:
        for connection in silent(port, context if is_tls else None, addresses, each):
            stack.enter_context(connection)
        got = httpx.get(f"https://127.0.0.1:{port}/v1/openapi.json", verify=context)
        assert got.status_code == 200


def test_calls_that_one_provider_keeps_open_shut_no_other_out(town):
    cloud, _ = town
    context = ssl.create_default_context(cafile=str(pki_path(cloud, "ca.pem")))
    path = issue_role(cloud, "provider-edf", datetime.now(UTC))
    with_certificate = ssl.create_default_context(cafile=str(pki_path(cloud, "ca.pem")))
    with_certificate.load_cert_chain(path, path.with_suffix(".key"))
    head = b"POST /v1/statements HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"
    with serving(cloud) as port, contextlib.ExitStack() as stack:
        addresses = [f"127.0.1.{number}" for number in range(1, 11)]
        for connection in silent(port, with_certificate, addresses, 20):
            stack.enter_context(connection).sendall(head)
        got = httpx.get(f"https://127.0.0.1:{port}/v1/openapi.json", verify=context)
        assert got.status_code == 200
        refused = httpx.get(f"https://127.0.0.1:{port}/v1/me", verify=with_certificate)
        assert refused.status_code == 429


def test_a_port_in_use_is_told_in_a_sentence(town):
    cloud, _ = town
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = run("cloud", "api", "run", "--dir", cloud, "--port", port, code=1)
    assert f"cannot listen on 127.0.0.1 port {port}" in told


def test_the_api_listens_where_chips_that_were_away_look_for_it(tmp_path, monkeypatch):
    addresses = []
    monkeypatch.setattr("cloud.commands.api._serve", lambda *found: found[2])
    monkeypatch.setattr("cloud.commands.api.run_program", addresses.append)
    make_cloud(tmp_path / "cloud", api_port=9_443)
    run("cloud", "api", "run", "--dir", tmp_path / "cloud")
    run("cloud", "api", "run", "--dir", tmp_path / "cloud", "--port", 9_444)
    assert addresses == [("127.0.0.1", 9_443), ("127.0.0.1", 9_444)]


def ended(connection) -> bool:
    """Say whether the other end closes without an answer."""
    try:
        return connection.recv(1) == b""
    except (ConnectionError, ssl.SSLError):
        return True


SMUGGLED = (
    b"POST /v1/statements HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: "
    b"chunked\r\n\r\n0\r\n\r\nGET /v1/me HTTP/1.1\r\n\r\n"
)


@pytest.mark.parametrize(
    "sent",
    [
        b"\x00\x01\x02\x03\r\n\r\n",
        b"GET /v1/me HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET /v1/me HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 10_000 + b"\r\n",
        b"POST /v1/statements HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        SMUGGLED,
    ],
)
def test_what_is_no_http_is_answered_4xx_or_hung_up_on(town, sent):
    cloud, _ = town
    context = ssl.create_default_context(cafile=str(pki_path(cloud, "ca.pem")))
    with serving(cloud) as port:
        connection = context.wrap_socket(
            socket.create_connection(("127.0.0.1", port), timeout=WITHIN_S),
            server_hostname="127.0.0.1",
        )
        try:
            connection.sendall(sent)
            got = connection.recv(4_096)
        except (ConnectionError, ssl.SSLError):
            got = b""
        connection.close()
        assert got == b"" or got.startswith(b"HTTP/1.1 4")
        assert httpx.get(f"https://127.0.0.1:{port}/v1/openapi.json", verify=context).is_success


def test_a_provider_works_by_commands_over_the_api_as_on_the_store(town, tmp_path):
    cloud, firm = town
    own = tmp_path / "edf"
    assert run("provider", "key", "--dir", own).strip() == public_key_text(firm.public)
    token = json.loads(run("cloud", "api", "token", "create", "edf", "--dir", cloud, "--json"))
    (own / "api.token").write_text(token["token"])
    (own / "api.token").chmod(0o600)
    (own / "ca.pem").write_bytes(pki_path(cloud, "ca.pem").read_bytes())
    period = ("--from", "2026-09-01", "--to", "2026-10-01", "--json")
    (port,) = free_ports(1)
    server = subprocess.Popen(
        [sys.executable, "-m", "volet.main", "cloud", "api", "run", "--dir", cloud, "--port", str(port)],
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    try:
        until(lambda: is_open(port))
        over = ("--dir", own, "--api", f"https://127.0.0.1:{port}")
        first = json.loads(run("provider", "batch", "create", "2026-09", *period, *over))
        again = json.loads(run("provider", "batch", "create", "2026-09", *period, *over))
        assert first == again
        assert (first["total"], first["pending"]) == (2, 2)
        offer = tmp_path / "offer.json"
        offer.write_bytes(msgspec.json.encode(firm.offer))
        assert "entry 0" in run("provider", "publish", offer, *over)
        text = tmp_path / "letter.txt"
        text.write_text("Bonjour.")
        store = SqliteStore.open(cloud, is_checked=False)
        contract = store.providers.contracts_of(firm.public)[0].hash.hex()
        store.close()
        assert "pending" in run("provider", "letter", contract, text, *over)
        assert "Collected 0" in run("provider", "collect", "--out", tmp_path / "got", *over)
        ask = (*period, "--wait", "0", "--contract", contract)
        billed = json.loads(run("provider", "bill", *ask, *over))
        corrected = json.loads(run("provider", "correct", billed["id"], *ask[4:-2], *over))
        assert (billed["missing_days"], corrected["missing_days"]) == (30, 30)
        outside = ("--from", "2026-08-30", "--to", "2026-09-30", *ask[5:])
        assert "ask for days within it" in run("provider", "bill", *outside, *over, code=1)
        figures = run("provider", "area", "94028", "--from", "2026-09-01", *over, code=1)
        assert "no such figure" in figures
        contracts = run("provider", "contracts", "--json", *over)
        assert run("cloud", "api", "token", "revoke", token["id"], "--dir", cloud)
        assert "token" in run("provider", "batch", "show", "2026-09", *over, code=1)
    finally:
        server.send_signal(signal.SIGTERM)
        _, errors = server.communicate(timeout=WITHIN_S)
    assert b"Traceback" not in errors
    assert token["token"].encode() not in errors
    here = ("--dir", own, "--cloud", cloud)
    direct = json.loads(run("provider", "batch", "show", "2026-09", *here, "--json"))
    assert direct == first
    assert run("provider", "contracts", "--json", *here) == contracts
    with_store = json.loads(run("provider", "correct", billed["id"], *ask[4:-2], *here))

    assert {**with_store, "id": ""} == {**corrected, "id": ""}
    calls = json.loads(run("cloud", "api", "audit", "--dir", cloud, "--json"))["calls"]
    assert "POST /v1/batches" in {each["action"] for each in calls}
    assert token["token"] not in json.dumps(calls)


def is_open(port) -> bool:
    """Say whether something listens."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
