"""Services that go on over `volet cloud renew`: the API and a worker take what is renewed."""

import http.client
import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from cloud.registry.authority import issue_client
from cloud.registry.key_files import load_authority, load_certificate, pki_path
from cloud.registry.renewal import renew
from tests.support.broker import Broker, free_ports, make_cloud, wait_until
from tests.support.rolling_town import api, worker

pytestmark = pytest.mark.usefixtures("mosquitto_available")


def called(cloud, port):
    """Call the API over a new connection; return the connection, and the certificate's serial."""
    context = ssl.create_default_context(cafile=pki_path(cloud, "ca.pem"))
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=context)
    answer(connection)
    shown = x509.load_der_x509_certificate(connection.sock.getpeercert(binary_form=True))
    return connection, shown.serial_number


def answer(connection):
    connection.request("GET", "/v1/openapi.json")
    response = connection.getresponse()
    response.read()
    assert response.status == http.client.OK


def serial_of(cloud, name):
    return load_certificate(pki_path(cloud, f"{name}.pem")).serial_number


def test_the_api_shows_a_renewed_certificate_while_open_connections_go_on(tmp_path):
    port = free_ports(1)[0]
    make_cloud(tmp_path / "cloud", api_port=port)
    broker = Broker(tmp_path / "cloud")
    log = tmp_path / "api.log"
    with api(broker):
        kept, first = called(broker.cloud, port)
        assert first == serial_of(broker.cloud, "server")
        renew(broker.cloud, datetime.now(UTC), is_forced=True)
        wait_until(lambda: "api_certificate_renewed" in log.read_text(), "the renewed certificate")
        other, second = called(broker.cloud, port)
        assert second == serial_of(broker.cloud, "server") != first
        answer(kept)

        good = pki_path(broker.cloud, "server.pem").read_bytes()
        pki_path(broker.cloud, "server.pem").write_bytes(good[: len(good) // 3])
        wait_until(lambda: "api_certificate_unreadable" in log.read_text(), "a warning")
        last, third = called(broker.cloud, port)
        assert third == second
        for connection in (kept, other, last):
            connection.close()


def test_a_worker_whose_certificate_has_ended_comes_back_by_renewal_alone(tmp_path):
    make_cloud(tmp_path / "cloud")
    broker = Broker(tmp_path / "cloud")
    broker.start()
    log = tmp_path / "worker.log"
    try:
        with worker(broker):
            path, now = pki_path(broker.cloud, "worker.pem"), datetime.now(UTC)
            authority = load_authority(broker.cloud)
            key = load_certificate(path).public_key()
            day = timedelta(days=1)
            ended = issue_client(authority, "worker", key, now - 3 * day, day)
            path.write_bytes(authority.chained(ended))
            broker.restart()
            wait_until(lambda: "certificate expired" in log.read_text(), "the broker to refuse it")
            before = log.read_text().count('"broker_connected"')
            assert "worker" in renew(broker.cloud, datetime.now(UTC))
            wait_until(
                lambda: log.read_text().count('"broker_connected"') > before, "the worker's session"
            )
    finally:
        broker.kill()
