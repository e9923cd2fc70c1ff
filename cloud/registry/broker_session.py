"""The operator's session at the broker: ends a client's session, and clears what is retained.

The operator's listener is on the broker's own machine and accepts one certificate. Whoever connects
there under a client id takes that client's session over.
"""

import ssl
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.subscribeoptions import SubscribeOptions

from cloud.config import load_config
from cloud.registry.key_files import FORMER_OPERATOR, OPERATOR_CERTIFICATE, pki_path
from protocol.errors import TransportError
from protocol.ids import DeviceId
from protocol.topics import Kind, all_of_name, device_topic, keys_topic
from system.patience import Patience
from system.tls import client_context

_PATIENCE_S = 60.0
_LOOPBACK = "127.0.0.1"
# A client id of no chip and no role.
_OWN_ID = "operator"


def end_session(directory: Path, client_id: str) -> None:
    """End the open session of `client_id`, and drop its queued messages; its will is published.

    Raises:
        TransportError: the operator's listener cannot be reached, or refuses us.
    """
    with _session(directory, client_id):
        pass


def clear_retained(directory: Path, name: str) -> int:
    """Clear all retained messages of a device or role; return how many there were.

    Its session must have ended, or it goes on to publish.

    Raises:
        TransportError: the operator's listener cannot be reached, or refuses us.
    """
    filters = all_of_name(load_config(directory).collectivity, name)
    cleared = 0
    with _session(directory, name) as session:
        # The broker hands out a queue's length at a time, so it is asked until nothing comes.
        while topics := session.retained(filters):
            session.clear(topics)
            cleared += len(topics)
    return cleared


def clear_keys(directory: Path, devices: Iterable[DeviceId]) -> int:
    """Clear the retained key shares of chips, whose sessions go on; return how many there were.

    Raises:
        TransportError: the operator's listener cannot be reached, or refuses us.
    """
    collectivity, cleared = load_config(directory).collectivity, 0
    with _session(directory, _OWN_ID) as session:
        for device in devices:
            topics = session.retained((device_topic(collectivity, device, Kind.KEY),))
            session.clear(topics)
            cleared += len(topics)
    return cleared


def retained_key_list(directory: Path) -> bytes:
    """Return the key list that the broker retains; empty if there is none.

    Raises:
        TransportError: the operator's listener cannot be reached, or refuses us.
    """
    topic = keys_topic(load_config(directory).collectivity)
    with _session(directory, _OWN_ID) as session:
        return session.retained((topic,)).get(topic, b"")


class _Session:
    """A connection, and what the broker has answered on it."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._patience = Patience(_PATIENCE_S)
        self._answered = set[int | None]()
        self._retained = dict[str, bytes]()

    def connect(self, port: int) -> Self:
        """Connect and wait for the broker's answer; raises OSError or TransportError."""
        self._client.on_message = self._on_message
        self._client.on_publish = lambda _c, _u, mid, _code, _p: self._answered.add(mid)
        self._client.on_subscribe = lambda _c, _u, mid, _codes, _p: self._answered.add(mid)
        self._client.connect(_LOOPBACK, port, clean_start=True)
        self._wait(self._client.is_connected)
        return self

    def retained(self, filters: tuple[str, ...]) -> dict[str, bytes]:
        """Return retained messages by topic, as many as the broker hands out at once."""
        self._retained = {}
        options = SubscribeOptions(qos=0, noLocal=True)
        for _ in range(2):  # the second answer comes after all that the first one has set off
            _, mid = self._client.subscribe([(topic, options) for topic in filters])
            self._answer({mid})
        return self._retained

    def clear(self, topics: Iterable[str]) -> None:
        """Clear retained messages and wait until the broker has confirmed each."""
        self._answer({self._client.publish(topic, b"", qos=1, retain=True).mid for topic in topics})

    def disconnect(self) -> None:
        """End the connection."""
        self._client.disconnect()

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        if message.retain and message.payload:
            self._retained[message.topic] = bytes(message.payload)

    def _answer(self, sent: set[int | None]) -> None:
        self._wait(lambda: sent <= self._answered)

    def _wait(self, condition: Callable[[], bool]) -> None:
        while not condition():
            outcome = self._client.loop(timeout=0.1)
            if outcome is not MQTTErrorCode.MQTT_ERR_SUCCESS or not self._patience.lasts():
                raise TransportError(f"The operator's listener answered: {outcome.name}.")


@contextmanager
def _session(directory: Path, client_id: str) -> Iterator[_Session]:
    port = load_config(directory).operator_port
    try:
        session = _connected(directory, client_id, port)
        yield session
        session.disconnect()
    except OSError as exc:
        raise TransportError(
            f"The operator's listener on {_LOOPBACK}:{port} cannot be reached; run this command on "
            "the broker's machine, while the broker runs."
        ) from exc


def _connected(directory: Path, client_id: str, port: int) -> _Session:
    """Connect with the operator's certificate, or with the former one: see `renewal`."""
    refusal = None
    for certificate in (OPERATOR_CERTIFICATE, FORMER_OPERATOR):
        if certificate == FORMER_OPERATOR and not pki_path(directory, certificate).exists():
            continue
        client = Client(CallbackAPIVersion.VERSION2, client_id, protocol=MQTTProtocolVersion.MQTTv5)
        client.tls_set_context(_operator_context(directory, certificate))
        try:
            return _Session(client).connect(port)
        except ConnectionRefusedError:
            raise
        except (OSError, TransportError) as exc:
            refusal = exc
    raise TransportError(
        f"The broker does not let the operator in at {_LOOPBACK}:{port} ({refusal}); its log has "
        "the reason. Run `volet cloud broker-config` and start the broker again."
    )


def _operator_context(directory: Path, certificate: str) -> ssl.SSLContext:
    context = client_context(
        pki_path(directory, "ca.pem"),
        pki_path(directory, certificate),
        pki_path(directory, "operator.key"),
    )
    # The broker's certificate names its public host, not loopback. Only the broker has a server
    # certificate from this authority.
    context.check_hostname = False
    return context
