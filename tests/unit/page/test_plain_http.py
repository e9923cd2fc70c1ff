"""Plain HTTP leads to the page over TLS, at the port where it is, and answers nothing else."""

import asyncio
import socket
from datetime import UTC, datetime

import httpx
import pytest

from edge.page import server
from edge.page.names import CERTIFICATE, CERTIFICATE_KEY
from edge.page.tls import certify


async def nothing(_scope, _receive, _send):
    raise AssertionError("nobody asks over TLS here")


@pytest.mark.parametrize("host", ["volet.local", "192.168.1.2:80", "[fe80::1]"])
def test_plain_http_leads_to_the_port_of_the_page(tmp_path, monkeypatch, host):
    certify(tmp_path, ("volet.local",), datetime.now(UTC))
    plain, secure = (socket.create_server(("127.0.0.1", 0)) for _ in range(2))
    http, https = plain.getsockname()[1], secure.getsockname()[1]
    monkeypatch.setattr(server, "HTTP_PORT", http)
    answers = []

    async def ask():
        async with httpx.AsyncClient() as client:
            place = f"http://127.0.0.1:{http}/x"
            answers.append(await client.get(place, headers={"Host": host}))
            answers.append(await client.get(place, headers={"Host": "evil<>"}))

    async def run():
        files = tmp_path / CERTIFICATE, tmp_path / CERTIFICATE_KEY
        up = asyncio.Event()
        serving = asyncio.create_task(
            server.serve(nothing, [plain, secure], *files, idle_max_s=5.0, on_start=up.set)
        )
        await up.wait()
        await ask()
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)

    asyncio.run(run())
    led, odd = answers
    assert led.status_code == 308
    assert led.headers["location"] == f"https://{host.removesuffix(':80')}:{https}/"
    assert (odd.status_code, "location" in odd.headers) == (400, False)
