"""A second program under one certificate ends with one sentence; the first goes on."""

import asyncio
import contextlib
import shutil
import subprocess
import sys
import threading
from datetime import UTC, datetime

import pytest

from cloud.registry.key_files import pki_path
from cloud.registry.pki import issue_role
from protocol.errors import ConfigError
from system.mqtt.link import Link, LinkSettings, TlsFiles
from system.mqtt.rival import SHORT_S
from tests.support.broker import wait_until
from tests.support.mqtt import run_link

WITHIN_S = 30.0


def settings(broker, cloud=None):
    files = (pki_path(cloud or broker.cloud, f"worker.{end}") for end in ("pem", "key"))
    return LinkSettings(
        host="127.0.0.1",
        port=broker.port,
        client_id="worker",
        tls=TlsFiles(pki_path(broker.cloud, "ca.pem"), *files),
    )


def test_a_second_worker_of_a_name_ends_and_the_first_goes_on(broker):
    async def both():
        first, second = Link(settings(broker), ()), Link(settings(broker), ())
        running = asyncio.create_task(run_link(first), name="first")
        try:
            async with asyncio.timeout(WITHIN_S):
                assert await first.connected() == 1
            with pytest.raises(ConfigError, match=r"worker runs already.*end one"):
                second.alone().__enter__()
            assert await first.connected() == 1
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(both())
    assert threading.active_count() == 1


def on_another_machine(broker, directory):
    """Copy the cloud's directory: other files, so that no lock is shared."""
    ignore = shutil.ignore_patterns("broker")
    return shutil.copytree(broker.cloud, directory / "copy", ignore=ignore)


def test_a_second_worker_on_another_machine_ends_and_the_first_goes_on(broker, tmp_path):
    other = on_another_machine(broker, tmp_path)

    async def both():
        first, second = Link(settings(broker), ()), Link(settings(broker, other), ())
        running = asyncio.create_task(run_link(first), name="first")
        try:
            async with asyncio.timeout(WITHIN_S):
                await first.connected()
                first._rivalry._begun_at_s -= SHORT_S  # it has been there for long
                with pytest.raises(ConfigError, match=r"another machine.*end one"):
                    await run_link(second)
                await first.connected()
            assert not running.done()
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(both())


def test_a_broker_that_is_restarted_again_and_again_is_no_second_worker(broker):
    async def scenario():
        link = Link(settings(broker), ())
        running = asyncio.create_task(run_link(link), name="link")
        try:
            for number in range(1, 11):
                async with asyncio.timeout(WITHIN_S):
                    while await link.connected() < number:  # noqa: ASYNC110 - no event for a number
                        await asyncio.sleep(0.001)
                assert not running.done()
                end = broker.kill if number % 2 else broker.stop
                await asyncio.to_thread(end)
                await asyncio.to_thread(broker.start)
            assert not running.done()
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(scenario())


@pytest.mark.parametrize("command", [("cloud", "run"), ("cloud", "release", "run")], ids=" ".join)
def test_of_two_programs_one_ends_with_one_sentence(broker, tmp_path, command):
    if "release" in command:
        issue_role(broker.cloud, "worker-release", datetime.now(UTC))
        broker.configure()
    with contextlib.ExitStack() as ends:

        def start(directory, name):
            log = ends.enter_context((tmp_path / name).open("wb"))
            program = (sys.executable, "-m", "volet.main", *command, "--dir", directory)
            process = subprocess.Popen(program, stderr=log)
            ends.callback(process.wait, WITHIN_S)
            ends.callback(process.terminate)
            return process

        def said(name):
            return (tmp_path / name).read_text("utf-8")

        def has_ended_well(process, name):
            assert process.wait(WITHIN_S) == 5
            assert "Traceback" not in said(name)
            assert said(name).splitlines()[-1].startswith("volet: worker")
            assert "end one of them" in said(name).splitlines()[-1]

        first = start(broker.cloud, "first")
        wait_until(lambda: "broker_connected" in said("first"), "a connection")
        has_ended_well(start(broker.cloud, "second"), "second")
        assert "_started" not in said("second")
        both = {"first": first, "third": start(on_another_machine(broker, tmp_path), "third")}
        wait_until(lambda: any(each.poll() is not None for each in both.values()), "one to end")
        (ended,) = (name for name, each in both.items() if each.poll() is not None)
        has_ended_well(both[ended], ended)
