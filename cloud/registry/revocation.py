"""Shuts out a device or role: revokes its certificates, in the store and at the broker.

A revocation list prevents new sessions but does not end open ones, so the open session is ended by
taking over its client id at the operator's listener.
"""

import ssl
import time
from datetime import datetime
from pathlib import Path

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion

from cloud.config import load_config
from cloud.registry.broker import refresh_broker
from cloud.registry.pki import forget_role, pki_path, revoke
from cloud.store import Store
from protocol.errors import DocumentRefused, TransportError
from protocol.ids import DeviceId
from system.patience import Patience
from system.tls import client_context

_PATIENCE_S = 60.0
# A connection that the broker accepted just before it read the new list still passes. By then it
# has become a session, which is ended too.
_STRAGGLER_S = 1.0
_LOOPBACK = "127.0.0.1"


def revoke_everywhere(
    directory: Path, store: Store, name: str, broker: Path, now: datetime
) -> None:
    """Shut out `name` (a device id or a role's common name) for good.

    A repetition completes what the first run did not do. A role's files are removed, so that it can
    be issued again.

    Raises:
        DocumentRefused: no certificate has this name.
        ConfigError, TransportError: it is revoked, but the broker does not know yet.
    """
    if not revoke(directory, name, now):
        issued = pki_path(directory, "issued")
        raise DocumentRefused(
            f"Nobody named {name} has a certificate; the chips' are in {issued}, those of workers, "
            f"monitors, trustees and providers in {issued.parent}."
        )
    store.revoke(DeviceId(name))
    if refresh_broker(directory, broker):
        end_session(directory, name)
        time.sleep(_STRAGGLER_S)
        end_session(directory, name)
    forget_role(directory, name)


def end_session(directory: Path, client_id: str) -> None:
    """End the open session of `client_id`, and drop its queued messages.

    Our handshake takes more than one turn of the broker's loop, so a SIGHUP sent before takes
    effect before the session ends.

    Raises:
        TransportError: the operator's listener cannot be reached, or refuses us.
    """
    port = load_config(directory).operator_port
    client = Client(CallbackAPIVersion.VERSION2, client_id, protocol=MQTTProtocolVersion.MQTTv5)
    client.tls_set_context(_operator_context(directory))
    try:
        client.connect(_LOOPBACK, port, clean_start=True)
        patience = Patience(_PATIENCE_S)
        while not client.is_connected():
            outcome = client.loop(timeout=0.1)
            if outcome is not MQTTErrorCode.MQTT_ERR_SUCCESS or not patience.lasts():
                raise TransportError(f"The operator's listener answered: {outcome.name}.")
        client.disconnect()
    except OSError as exc:
        raise TransportError(
            f"The operator's listener on {_LOOPBACK}:{port} cannot be reached; run this command on "
            "the broker's machine, while the broker runs."
        ) from exc


def _operator_context(directory: Path) -> ssl.SSLContext:
    context = client_context(
        pki_path(directory, "ca.pem"),
        pki_path(directory, "operator.pem"),
        pki_path(directory, "operator.key"),
    )
    # The broker's certificate names its public host, not loopback. Only the broker has a server
    # certificate from this authority.
    context.check_hostname = False
    return context
