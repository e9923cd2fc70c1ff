"""Counts for an InfluxDB: written as line protocol, nothing of a household, and never in the way."""

import asyncio
import threading
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from structlog.testing import capture_logs

from cloud.ingest.pipeline import Processed
from cloud.store import Count
from cloud.worker.gauges import certificate_points
from cloud.worker.metrics import Metrics
from protocol.errors import ConfigError, Reason
from protocol.topics import Kind
from system.certificates import Lifetime
from system.metrics import MetricsConfig

PROCESSED = Processed(
    stored=Counter({Kind.BLOCK: 7, Kind.EPOCH: 2, Kind.AREA: 5}),
    again=1,
    refused=(Count("conflict", 3), Count("bad_signature", 1)),
    refused_by_kind=Counter({(Kind.AREA, Reason.LATE): 2, (Kind.RECEIPT, Reason.BOUNDS): 1}),
)

INGEST_LINE = (
    "volet_ingest,collectivity=testville again=2i,batch_ms=15i,batch_ms_max=12,batches=2i,"
    "blocks=14i,headers=4i"
)


@contextmanager
def receiver(status=204):
    """A server that takes line protocol; yields (port, what came)."""
    came = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            came.append((self.path, self.headers["Authorization"], body.decode()))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_address[1], came
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def make(tmp_path, port, **changes):
    config = MetricsConfig(f"http://127.0.0.1:{port}", "city", "volet", **changes)
    return Metrics(config, tmp_path, "testville")


def test_counts_are_written_as_line_protocol_once(tmp_path):
    token = tmp_path / "influx.token"
    token.touch(0o600)
    token.write_text("secret-token\n")
    with receiver() as (port, came):
        metrics = make(tmp_path, port, token_file="influx.token")
        metrics.count(PROCESSED, 0.012)
        metrics.count(PROCESSED, 0.003)
        assert asyncio.run(metrics.write())
        assert asyncio.run(metrics.write())
        metrics.close()
    path, authorization, body = came[0]
    assert path.startswith("/api/v2/write?")
    assert "bucket=volet" in path
    assert authorization == "Token secret-token"
    assert body.splitlines() == [
        INGEST_LINE,
        "volet_refused,collectivity=testville,reason=bad_signature messages=2i",
        "volet_refused,collectivity=testville,reason=conflict messages=6i",
        "volet_contributions,collectivity=testville,outcome=late contributions=4i",
        "volet_contributions,collectivity=testville,outcome=stored contributions=10i",
    ]
    assert "blocks=0i" in came[1][2]


def test_when_certificates_end_is_written_beside_the_counts(tmp_path):
    at = datetime(2026, 3, 1, tzinfo=UTC)
    found = [Lifetime("authority", at, at), Lifetime("worker-2", at, at + timedelta(seconds=60))]

    async def gauges():
        return certificate_points("testville", found)

    with receiver() as (port, came):
        config = MetricsConfig(f"http://127.0.0.1:{port}", "city", "volet")
        metrics = Metrics(config, tmp_path, "testville", gauges)
        assert asyncio.run(metrics.write())
        metrics.close()
    name, field = "volet_certificate,collectivity=testville,name", "not_after_timestamp_seconds"
    assert came[0][2].splitlines()[-2:] == [
        f"{name}=authority {field}=1772323200i",
        f"{name}=worker-2 {field}=1772323260i",
    ]


@pytest.mark.parametrize("status", [401, 500])
def test_a_receiver_that_refuses_costs_the_points_and_a_line_in_the_log(tmp_path, status):
    with receiver(status) as (port, came), capture_logs() as logs:
        metrics = make(tmp_path, port)
        metrics.count(PROCESSED, 0.012)
        assert not asyncio.run(metrics.write())
        metrics.close()
    assert len(came) == 1
    assert [entry["event"] for entry in logs] == ["metrics_dropped"]


def test_a_receiver_that_is_away_costs_the_points_and_a_line_in_the_log(tmp_path):
    with receiver() as (port, _):
        pass
    with capture_logs() as logs:
        metrics = make(tmp_path, port)
        assert not asyncio.run(metrics.write())
        metrics.close()
    assert [entry["event"] for entry in logs] == ["metrics_dropped"]


def test_counts_are_written_again_and_again(tmp_path):
    async def scenario(metrics, came):
        task = asyncio.create_task(metrics.run())
        async with asyncio.timeout(10):
            while len(came) < 3:  # noqa: ASYNC110 - there is no event to wait for
                await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])

    with receiver() as (port, came):
        metrics = make(tmp_path, port, interval_s=0.01)
        asyncio.run(scenario(metrics, came))
        metrics.close()


def test_a_token_that_others_may_read_is_refused(tmp_path):
    token = tmp_path / "influx.token"
    token.write_text("t")
    token.chmod(0o644)
    with pytest.raises(ConfigError, match="open to other users"):
        make(tmp_path, 1, token_file="influx.token")
