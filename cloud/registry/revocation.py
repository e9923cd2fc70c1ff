"""A device or role shut out: revoked on paper, in the store, and at the broker.

A revocation list keeps new sessions away and lets open ones go on, so the open session is ended by
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
# A connection that the broker took in the turn before it read the new list still passes; it has
# become a session by then, and is ended too.
_STRAGGLER_S = 1.0
_LOOPBACK = "127.0.0.1"


def revoke_everywhere(
    directory: Path, store: Store, name: str, broker: Path, now: datetime
) -> None:
    """Shut `name` (a device id or a role's common name) out for good.

    Doing it again does what was not done the first time. A role's files go, so that it can be
    issued anew.

    Raises:
        DocumentRefused: nobody of this name has a certificate.
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
    """End the open session of `client_id`, and drop what is queued for it.

    Our handshake takes the broker more than one turn of its loop, so that a SIGHUP sent before has
    been heeded when the session ends.

    Raises:
        TransportError: the operator's listener cannot be reached, or does not let us.
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
    # The broker's certificate names its public host, not loopback; only the broker has one for
    # servers from this authority.
    context.check_hostname = False
    return context
