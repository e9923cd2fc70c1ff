"""What a monitor serves on its machine: measures, health, and each chip to its own operator."""

import asyncio
import json
import socket

import httpx
import pytest
from prometheus_client import CollectorRegistry

from monitor.desk import SOCKET_NAME, ask_desk, open_desk
from monitor.report import ChipRow, FleetReport
from monitor.server import Health, make_app, open_socket
from protocol.errors import ConfigError, TransportError
from protocol.ids import DeviceId
from protocol.status import State
from system.connections import Connections

CHIP = ChipRow(DeviceId("a" * 26), State.READY, False, None, None, "0.1.0", None, 0, None, None)
REPORT = FleetReport(None, None, (CHIP,) * 20_000, 0, {"malformed": 2}, 0)


def answer(path, health):
    async def get():
        app = httpx.ASGITransport(make_app(CollectorRegistry(), lambda: health))
        async with httpx.AsyncClient(transport=app, base_url="http://localhost") as client:
            return await client.get(path)

    return asyncio.run(get())


@pytest.mark.parametrize(("is_healthy", "code"), [(True, 200), (False, 503)])
def test_health_is_a_status_and_says_why(is_healthy, code):
    why = "" if is_healthy else "The broker is silent."
    told = answer("/health", Health(is_healthy, why, 3))
    assert told.status_code == code
    assert json.loads(told.content) == {"is_healthy": is_healthy, "why": why, "chips": 3}


@pytest.mark.parametrize("path", ["/", "/chips", "/desk.sock", "/metrics/x"])
def test_nothing_else_is_served(path):
    assert answer(path, Health(True, "", 0)).status_code == 404


def test_a_port_that_is_taken_is_named_with_what_to_do():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"port {port}: .*in monitor\.toml"):
            open_socket(port, Connections(1, 1))


def asked(directory, call):
    """Call while a desk is open."""

    async def both():
        async with open_desk(directory, lambda: REPORT):
            return await asyncio.to_thread(call)

    return asyncio.run(both())


def test_the_desk_tells_all_chips_to_its_own_user_and_leaves_nothing(tmp_path):
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    assert asked(deep, lambda: ask_desk(deep)) == REPORT
    assert asked(deep, lambda: (deep / SOCKET_NAME).stat().st_mode & 0o777) == 0o600
    assert list(deep.iterdir()) == []
    assert ask_desk(deep) is None


def test_a_caller_who_hangs_up_harms_nobody(tmp_path):
    def hang_up():
        for _ in range(5):
            with socket.socket(socket.AF_UNIX) as channel:
                channel.connect(str(tmp_path / SOCKET_NAME))
        return ask_desk(tmp_path)

    assert asked(tmp_path, hang_up) == REPORT


def test_an_answer_that_is_cut_is_said_to_be(tmp_path):
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / SOCKET_NAME))
        listening.listen(1)

        async def cut():
            calling = asyncio.create_task(asyncio.to_thread(ask_desk, tmp_path))
            connection, _ = await asyncio.to_thread(listening.accept)
            connection.sendall(b'{"chips":')
            connection.close()
            return await calling

        with pytest.raises(TransportError, match="has ended while it answered"):
            asyncio.run(cut())
