"""The providers' service on a real socket, with TLS."""

import asyncio
import threading
from contextlib import contextmanager
from datetime import UTC, datetime

from cloud.api.app import make_gate
from cloud.api.identity import ServerFiles, tls_context
from cloud.api.renewals import Renewals
from cloud.api.server import Revoked, make_server
from cloud.api.service import ApiService
from cloud.config import load_config
from cloud.registry.key_files import pki_path
from cloud.store.providers import Provider
from cloud.store.sqlite.store import SqliteStore
from provider.service import draw_key, load_key
from system.patience import Patience, wait_until
from system.store_thread import StoreThread
from tests.support.broker import free_ports, make_cloud
from tests.support.provider_api import FAST, Firm

WITHIN_S = 30.0


def make_town(directory):
    """Make a collectivity with one provider and two customers; returns directory and firm."""
    cloud = directory / "cloud"
    make_cloud(cloud)
    draw_key(directory / "edf")
    firm = Firm("edf", load_key(directory / "edf"))
    store = SqliteStore.open(cloud)
    store.providers.put_provider(Provider("edf", firm.public, firm.title, datetime.now(UTC)))
    for number in range(2):
        contract = firm.contract(bytes(15) + bytes([number]))
        store.put_contract(contract)
        store.accept(contract.hash, firm.acceptance(contract.hash))
    store.close()
    return cloud, firm


@contextmanager
def serving(cloud, head_s=10.0):
    """Serve in a thread; yields the port."""
    (port,) = free_ports(1)
    context = tls_context(
        ServerFiles(*(pki_path(cloud, name) for name in ("ca.pem", "server.pem", "server.key")))
    )
    thread = StoreThread()
    made, answers = [], threading.Event()

    def run():
        async def serve():
            store = await thread.run(SqliteStore.open, cloud, is_checked=False)
            renewals = Renewals(cloud, load_config(cloud).collectivity, store)
            service = ApiService(thread, store, renewals)
            gate = make_gate(service, thread, store, FAST, lambda: datetime.now(UTC))
            revoked = Revoked(pki_path(cloud, "crl.pem"))
            address = ("127.0.0.1", port)
            server = make_server(gate, address, context, revoked, answers.set, head_s)
            made.append(server)
            await server.serve()
            service.close()
            await thread.run(store.close)

        asyncio.run(serve())

    runner = threading.Thread(target=run)
    runner.start()
    try:
        until(answers.is_set)
        yield port
    finally:
        made[0].should_exit = True
        runner.join(WITHIN_S)
        thread.close()


def until(condition):
    """Wait for a condition."""
    assert wait_until(condition, Patience(WITHIN_S)), "this has not come about"
