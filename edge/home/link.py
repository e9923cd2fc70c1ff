"""The connection to the household's own broker, in a thread of its own.

It only speaks: it subscribes to nothing, and ends a session in which more comes than acknowledgements.
What is to be told waits as the latest value of each topic, so a broker that is away, hangs or is slow
costs the chip neither time nor memory.
"""

import array
import contextlib
import fcntl
import os
import secrets
import select
import socket
import ssl
import termios
import threading
import time
from collections.abc import Callable, Sequence

import structlog
from paho.mqtt.client import Client, ConnectFlags
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge.home.discovery import OFFLINE, ONLINE, state_topic
from edge.home.settings import HomeConfig
from protocol.backoff import RetryPolicy
from protocol.errors import ConfigError, TransportError
from system.conditions import Condition
from system.patience import Patience

AWAY_AGAIN = RetryPolicy(first_s=1.0, cap_s=60.0)
REFUSED_AGAIN = RetryPolicy(first_s=15.0, cap_s=600.0)
TIMEOUT_S = 5.0
KEEPALIVE_S = 30
JOIN_S = 8.0
GOODBYE_S = 2.0
IDLE_S = 1.0
# A broker may send no faster than this is read, however much it has; it then waits itself.
REST_S = 0.02
# Answers to an hour's keep-alive and to everything told take some kilobytes.
HEARD_MAX_BYTES = 65_536

log = structlog.get_logger()


class HomeLink:
    """The connection to one broker of the household, until stopped."""

    def __init__(
        self,
        config: HomeConfig,
        home: str,
        password: str | None,
        check: Callable[[str], None],
    ) -> None:
        """Speak for the home with the id `home`; `check` raises ConfigError for a wrong address."""
        self._config = config
        self._availability = state_topic(home, "availability")
        self._client_id = f"volet-{home}"
        self._password = password
        self._check = check
        self._lock = threading.Lock()
        self._retained: dict[str, bytes] = {}
        self._waiting: dict[str, bytes] = {}
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="home-link", daemon=True)
        self._is_session = False
        self._refusal = ""
        self._trouble = Condition()

    def start(self) -> None:
        """Begin to connect."""
        self._thread.start()

    def tell(self, topic: str, payload: bytes, *, is_retained: bool) -> None:
        """Have a topic's latest payload sent; never waits."""
        with self._lock:
            if is_retained:
                self._retained[topic] = payload
            elif not self._is_session:
                return
            self._waiting[topic] = payload
        self._rouse()

    def end(self) -> None:
        """Begin to say that the chip is away, and to end; does not wait."""
        self._stopping.set()
        self._rouse()

    @property
    def is_over(self) -> bool:
        """Whether it has ended, or never begun."""
        return not self._thread.is_alive()

    def stop(self) -> None:
        """Say that the chip is away, and end."""
        self.end()
        if self._thread.ident is not None:
            self._thread.join(JOIN_S)

    # The thread.

    def _run(self) -> None:
        try:
            self._go_on()
        finally:
            with self._lock:
                os.close(self._wake)
                self._wake = -1

    def _go_on(self) -> None:
        away, refused = AWAY_AGAIN.waits_s(), REFUSED_AGAIN.waits_s()
        while not self._stopping.is_set():
            self._refusal = ""
            try:
                had_session = self._run_session()
                why, pause_s = "the broker ended the session", next(away)
                if had_session:
                    away, refused = AWAY_AGAIN.waits_s(), REFUSED_AGAIN.waits_s()
            except (TransportError, ConfigError, ssl.SSLError) as exc:
                why, pause_s = str(exc), next(refused)
            except OSError as exc:
                why, pause_s = str(exc), next(away)
            except Exception as exc:  # noqa: BLE001 - whatever a broker sends, the thread goes on
                why, pause_s = type(exc).__name__, next(refused)
            if self._stopping.is_set():
                return
            if self._trouble.begins(why):
                log.warning("home_broker_away", broker=self._config.broker, why=why)
            self._stopping.wait(pause_s)

    def _run_session(self) -> bool:
        """Connect and speak until the session ends; return whether it ever began."""
        client = self._make_client()
        try:
            client.connect(self._config.broker, self._config.port, KEEPALIVE_S)
            return self._serve(client)
        finally:
            with self._lock:
                self._is_session = False
            self._leave(client)

    def _serve(self, client: Client) -> bool:
        had_session, heard_bytes = False, 0
        while (sock := client.socket()) is not None and not self._stopping.is_set():
            if self._refusal:
                break
            had_session |= self._is_session
            place = sock.fileno()
            is_pending = isinstance(sock, ssl.SSLSocket) and sock.pending() > 0
            writing = [place] if client.want_write() else []
            wait_s = 0.0 if is_pending else IDLE_S
            ready, _, _ = select.select([place, self._wake], writing, [], wait_s)
            with contextlib.suppress(BlockingIOError):
                os.eventfd_read(self._wake)
            if place in ready or is_pending:
                heard_bytes += _pending_bytes(place)
                if heard_bytes > HEARD_MAX_BYTES:
                    raise TransportError(
                        "The home's broker sends although nothing was asked of it."
                    )
                client.loop_read()
                self._stopping.wait(REST_S)
            if client.want_write():
                client.loop_write()
            client.loop_misc()
            self._speak(client)
        if self._refusal:
            raise TransportError(self._refusal)
        return had_session

    def _speak(self, client: Client) -> None:
        """Hand what waits to a broker that takes it; one that does not gets the latest later."""
        while self._is_session and not client.want_write():
            with self._lock:
                if not self._waiting:
                    return
                topic = next(iter(self._waiting))
                payload = self._waiting.pop(topic)
                is_retained = topic in self._retained
            client.publish(topic, payload, qos=0, retain=is_retained)

    def _leave(self, client: Client) -> None:
        """End the session in order, as far as the broker lets."""
        if not client.is_connected():
            _hang_up(client)
            return
        if self._stopping.is_set():
            client.publish(self._availability, OFFLINE, qos=0, retain=True)
            patience = Patience(GOODBYE_S)
            while client.want_write() and patience.lasts():
                client.loop_write()
                time.sleep(REST_S)
        client.disconnect()
        client.loop_write()

    def _make_client(self) -> Client:
        client = _client(self._config, self._client_id, self._password, self._check)
        client.will_set(self._availability, OFFLINE, 0, retain=True)
        client.on_connect = self._on_connect
        return client

    def _on_connect(
        self,
        client: Client,
        userdata: object,
        flags: ConnectFlags,
        code: ReasonCode,
        properties: Properties | None,
    ) -> None:
        del client, userdata, flags, properties
        if code.is_failure:
            self._refusal = _refusal(code)
            return
        with self._lock:
            # What was not sent and is not kept is old by now.
            self._waiting = {self._availability: ONLINE, **self._retained}
            self._retained[self._availability] = ONLINE
            self._is_session = True
        self._trouble.ends()
        log.info("home_session_began", broker=self._config.broker)

    def _rouse(self) -> None:
        with self._lock:
            if self._wake >= 0:
                os.eventfd_write(self._wake, 1)


def forget(
    config: HomeConfig, password: str | None, check: Callable[[str], None], topics: Sequence[str]
) -> None:
    """Have the broker forget what it retains of `topics`; returns once it has acknowledged that.

    Raises:
        ConfigError: the broker is at a wrong address.
        TransportError: it is away, refuses the chip or does not answer.
    """
    client = _client(config, f"volet-{secrets.token_hex(8)}", password, check)
    codes: list[ReasonCode] = []
    client.on_connect = lambda _client, _data, _flags, code, _properties: codes.append(code)
    try:
        client.connect(config.broker, config.port, KEEPALIVE_S)
        _step_until(client, lambda: bool(codes))
        if codes[0].is_failure:
            raise TransportError(_refusal(codes[0]))
        told = [client.publish(topic, b"", qos=1, retain=True) for topic in topics]
        _step_until(client, lambda: all(each.is_published() for each in told))
    except (OSError, ValueError) as exc:
        raise TransportError(
            f"The home's broker {config.broker}:{config.port} cannot be reached: {exc}; look whether "
            "it runs."
        ) from exc
    finally:
        if client.is_connected():
            client.disconnect()
            client.loop_write()
        else:
            _hang_up(client)


def _hang_up(client: Client) -> None:
    """End a connection in which there is no session; a broker that was refused hears nothing."""
    if (opened := client.socket()) is not None:
        opened.close()


class _HungUpOn(ssl.SSLSocket):
    """A connection that is closed where TLS fails; the client would leave it open."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - ssl's own
        """Begin TLS."""
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


def _step_until(client: Client, is_done: Callable[[], bool]) -> None:
    patience = Patience(TIMEOUT_S)
    while not is_done():
        if not patience.lasts() or client.loop(IDLE_S) is not MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise TransportError("The home's broker does not answer; look whether it runs.")


def _client(
    config: HomeConfig, client_id: str, password: str | None, check: Callable[[str], None]
) -> Client:
    """Return a client that says nothing before `check` has seen the address that it has reached."""
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        protocol=MQTTProtocolVersion.MQTTv311,
        reconnect_on_failure=False,
    )
    client.connect_timeout = TIMEOUT_S
    if config.user or password is not None:
        client.username_pw_set(config.user, password)
    if config.ca:
        context = ssl.create_default_context(cafile=config.ca)
        context.sslsocket_class = _HungUpOn
        client.tls_set_context(context)

    def on_socket_open(client: Client, userdata: object, sock: object) -> None:
        del userdata, sock
        if (opened := client.socket()) is not None:
            with socket.socket(fileno=os.dup(opened.fileno())) as reached:
                check(str(reached.getpeername()[0]))

    client.on_socket_open = on_socket_open
    return client


def _refusal(code: ReasonCode) -> str:
    return f"The home's broker refuses the chip: {code}; look at home.user and its password."


def _pending_bytes(place: int) -> int:
    count = array.array("i", [0])
    fcntl.ioctl(place, termios.FIONREAD, count)
    return count[0]
