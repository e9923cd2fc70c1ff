"""Checks every call (who, how much, how fast) and writes the audit.

No answer is sent before its audit row is on disk.
"""

import asyncio
import re
import time
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ParamSpec, TypeVar

import msgspec

from cloud.api.access import Caller, caller_of_certificate, caller_of_token
from cloud.api.problems import MEDIA_TYPE, ProblemError, problem
from cloud.api.troubles import Troubles
from cloud.store import Store
from cloud.store.providers import AuditEntry
from protocol.errors import StoreError
from protocol.renewal import PATH, REQUEST_MAX_BYTES
from system.connections import origin_of
from system.store_thread import StoreThread

P = ParamSpec("P")
T = TypeVar("T")
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

OPENAPI_PATH = "/v1/openapi.json"
BATCHES_PATH = "/v1/batches"
# A chip proves who it is by the signature of what it posts.
_CHIPS_PATH = re.compile(re.escape(PATH).replace(re.escape("{device}"), "[a-z2-7]{26}"))
CALL = "volet.call"
STRANGERS_MAX = 10_000
_TEXT_MAX = 200
_DAY_S = 86_400


class RateLimits(msgspec.Struct, frozen=True):
    """Limits of size and rate.

    Attributes:
        body_bytes, batch_bytes: the longest body, and the longest of a batch.
        chunk_s: seconds within which the next part of a body must arrive.
        body_s, batch_s: seconds within which a body must arrive and be answered.
        rate, burst: calls per second of one provider, and how many in a burst.
        day_calls: calls of one provider in a day; each leaves a row in the audit.
        calls: calls of one provider that are open at the same time.
        stranger_rate, stranger_burst: the same for an address without a valid credential, in IPv6
            for its network.
        store_s: seconds to wait for a busy store.
    """

    body_bytes: int = 1 << 20
    batch_bytes: int = 64 << 20
    chunk_s: float = 10.0
    body_s: float = 30.0
    batch_s: float = 900.0
    rate: float = 50.0
    burst: float = 200.0
    day_calls: float = 200_000.0
    calls: int = 16
    stranger_rate: float = 1.0
    stranger_burst: float = 20.0
    store_s: float = 10.0


@dataclass
class Call:
    """What the gate knows about a call, and what a handler adds for the audit."""

    caller: Caller | None = None
    subject: str = ""
    status: int = 0
    is_public: bool = False


class Buckets:
    """Token buckets by name; the least recently used one is dropped, and so full again."""

    def __init__(self, rate: float, burst: float, clock: Callable[[], float]) -> None:
        """Allow `burst` calls at once and `rate` calls per second."""
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, name: str) -> float:
        """Take one token; return 0, or the seconds until there is one."""
        now = self._clock()
        level, at = self._levels.pop(name, (self._burst, now))
        level = min(self._burst, level + (now - at) * self._rate)
        is_free = level >= 1
        self._levels[name] = (level - 1 if is_free else level, now)
        if len(self._levels) > STRANGERS_MAX:
            self._levels.popitem(last=False)
        return 0.0 if is_free else (1 - level) / self._rate


class Gate:
    """ASGI middleware in front of the application."""

    def __init__(
        self,
        app: App,
        thread: StoreThread,
        store: Store,
        limits: RateLimits,
        clock: Callable[[], datetime],
        troubles: Troubles,
    ) -> None:
        """Guard `app`."""
        self.troubles = troubles
        self._app = app
        self._thread = thread
        self._store = store
        self._limits = limits
        self._clock = clock
        self._providers = Buckets(limits.rate, limits.burst, time.monotonic)
        self._days = Buckets(limits.day_calls / _DAY_S, limits.day_calls, time.monotonic)
        self._strangers = Buckets(limits.stranger_rate, limits.stranger_burst, time.monotonic)
        self._calls = Counter[str]()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a call; pass lifespan events on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = scope[CALL] = Call()
        audited = _Audited(self, scope, call, send)
        is_batch = scope["method"] == "POST" and scope["path"] == BATCHES_PATH
        limits = self._limits
        is_chips = scope["method"] == "POST" and _CHIPS_PATH.fullmatch(scope["path"]) is not None
        bytes_max = limits.batch_bytes if is_batch else limits.body_bytes
        body = _BoundedBody(receive, REQUEST_MAX_BYTES if is_chips else bytes_max, limits.chunk_s)
        try:
            async with asyncio.timeout(limits.batch_s if is_batch else limits.body_s):
                is_description = scope["path"] == OPENAPI_PATH and scope["method"] == "GET"
                if is_chips or is_description:
                    self._slow_down(self._strangers, origin_of(_address(scope)))
                    call.is_public = True
                else:
                    call.caller = await self._identify(scope)
                body.check(_header(scope, b"content-length"))
                with self._one_of_its_calls(call.caller):
                    await self._app(scope, body.receive, audited.send)
        except TimeoutError:
            await audited.refuse(ProblemError(503, "This took too long; try again later."))
        except ProblemError as exc:
            await audited.refuse(exc)
        except StoreError as exc:
            self.troubles.store_failed(exc)
            await audited.refuse(ProblemError(503, "The store cannot be used now; try again."))

    async def _identify(self, scope: Scope) -> Caller:
        caller = await self._caller(scope)
        if caller is None:
            self._slow_down(self._strangers, origin_of(_address(scope)))
            raise ProblemError(
                401,
                "Send `Authorization: Bearer TOKEN` with a token that `volet cloud api token create`"
                " drew, not expired or revoked, or show a certificate of the collectivity.",
            )
        self._slow_down(self._providers, caller.provider.name)
        self._slow_down(self._days, caller.provider.name)
        return caller

    @contextmanager
    def _one_of_its_calls(self, caller: Caller | None) -> Iterator[None]:
        """Count a call while it is open, since a slow body keeps a connection for long."""
        name = caller.provider.name if caller else ""
        if name and self._calls[name] >= self._limits.calls:
            raise ProblemError(
                429,
                f"At most {self._limits.calls} calls at a time; wait for one to end.",
                retry_s=1,
            )
        self._calls[name] += 1
        try:
            yield
        finally:
            self._calls[name] -= 1

    def _slow_down(self, buckets: Buckets, name: str) -> None:
        wait_s = buckets.wait_s(name)
        if wait_s:
            raise ProblemError(
                429, "Ask again after the seconds in Retry-After.", retry_s=int(wait_s) + 1
            )

    async def _caller(self, scope: Scope) -> Caller | None:
        now = self._clock()
        kind, _, text = _header(scope, b"authorization").partition(" ")
        if kind:
            if kind.lower() != "bearer":
                return None
            return await self.in_store(caller_of_token, self._store.providers, text, now)
        certificate = scope.get("state", {}).get("certificate")
        if certificate is None or not certificate.is_valid(now):
            return None
        return await self.in_store(
            caller_of_certificate, self._store.providers, certificate.name, certificate.serial
        )

    async def in_store(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run in the store's thread, within `store_s`.

        Raises:
            ProblemError: the store is busy.
        """
        try:
            async with asyncio.timeout(self._limits.store_s):
                return await self._thread.run(function, *args, **kwargs)
        except TimeoutError as exc:
            raise ProblemError(503, "The store is busy; try again later.", retry_s=5) from exc

    async def write_audit(self, call: Call, scope: Scope) -> None:
        """Append a call to the audit."""
        template = scope.get("path_template")
        caller = call.caller
        entry = AuditEntry(
            self._clock(),
            caller.provider.name if caller else "",
            caller.credential if caller else _address(scope),
            f"{scope['method'][:10]} {template}" if template else f"{scope['method'][:10]} -",
            call.subject[:_TEXT_MAX],
            call.status,
        )
        await self.in_store(self._store.providers.write_audit, [entry])
        self.troubles.audited(call.status)


class _Audited:
    """Sends an answer after writing its audit row."""

    def __init__(self, gate: Gate, scope: Scope, call: Call, send: Send) -> None:
        self._gate = gate
        self._scope = scope
        self._call = call
        self._send = send
        self._is_begun = False
        self._is_replaced = False

    async def send(self, message: Message) -> None:
        """Pass an answer on; its first part waits for the audit."""
        if message["type"] == "http.response.start":
            self._call.status = message["status"]
            try:
                if not self._call.is_public:
                    await self._gate.write_audit(self._call, self._scope)
            except (ProblemError, StoreError) as exc:
                self._gate.troubles.store_failed(exc)
                self._is_replaced = True
                await self.refuse(ProblemError(503, "The audit cannot be written; try again."))
            self._is_begun = True
        if not self._is_replaced:
            await self._send(message)

    async def refuse(self, exc: ProblemError) -> None:
        """Answer with a problem, unless an answer has begun."""
        if self._is_begun:
            return
        body = msgspec.json.encode(problem(exc.status, str(exc), exc.line))
        headers = [
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        if exc.retry_s is not None:
            headers.append((b"retry-after", str(exc.retry_s).encode()))
        if exc.status == 401:  # noqa: PLR2004 - the status itself
            headers.append((b"www-authenticate", b'Bearer realm="volet"'))
        self._call.status = exc.status
        self._is_begun = True
        # Calls of strangers beyond their rate must not fill the disk.
        is_audited = self._call.caller is not None or exc.status != 429  # noqa: PLR2004 - the status itself
        if is_audited and not self._is_replaced:
            try:
                await self._gate.write_audit(self._call, self._scope)
            except (ProblemError, StoreError):
                self._gate.troubles.not_audited(exc.status)
        await self._send({"type": "http.response.start", "status": exc.status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})


class _BoundedBody:
    """Passes a body on unless it is too long or too slow."""

    def __init__(self, receive: Receive, bytes_max: int, chunk_s: float) -> None:
        self._receive = receive
        self._left = bytes_max
        self._max = bytes_max
        self._chunk_s = chunk_s
        self._is_whole = False

    def check(self, length: str) -> None:
        """Refuse a body whose declared length is too long."""
        if length.isascii() and length.isdigit() and int(length[:20]) > self._max:
            raise self._too_long()

    async def receive(self) -> Message:
        """Receive the next part.

        Raises:
            ProblemError: too long or too slow.
        """
        if self._is_whole:
            return await self._receive()
        try:
            async with asyncio.timeout(self._chunk_s):
                message = await self._receive()
        except TimeoutError as exc:
            raise ProblemError(
                408, f"No part of the body came within {self._chunk_s:g} s; send it again."
            ) from exc
        self._left -= len(message.get("body", b""))
        self._is_whole = not message.get("more_body", False)
        if self._left < 0:
            raise self._too_long()
        return message

    def _too_long(self) -> ProblemError:
        return ProblemError(
            413, f"A body here has at most {self._max} bytes; split it into several."
        )


def _header(scope: Scope, name: bytes) -> str:
    for key, value in scope["headers"]:
        if key == name:
            return str(value.decode("latin-1"))
    return ""


def _address(scope: Scope) -> str:
    return str((scope.get("client") or ("",))[0])
