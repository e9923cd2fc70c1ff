"""What a request must be before anything is shown, and what each answer forbids the browser.

The guards stand before the application: a request that they refuse reaches no route.
"""

import ipaddress
import time
from collections.abc import Callable, Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
)
from starlette.status import HTTP_303_SEE_OTHER, HTTP_413_CONTENT_TOO_LARGE
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge.language.typography import typeset
from edge.page.places import API, ENTER
from edge.page.shares import Shares

BODY_BYTES_MAX = 64_000
# Of one who is not let in, whose longest form has a code; what is sent waits in memory.
STRANGERS_BODY_BYTES_MAX = 2_000
# Longer ones are files, of which so many are taken at once.
UPLOADS_MAX = 2
# Requests in work, of those who were let in and of all others: who hangs up leaves one behind, for which
# the chip is asked all the same.
WORKING_MAX, STRANGERS_WORKING_MAX = 24, 8
# To one who is not let in, before anything is read.
TOO_LARGE = f"{typeset('Trop volumineux : 64 ko au plus.')} Too large: 64 kB at most."
_TOO_LARGE_PAGE = f"""<!doctype html>
<html lang="fr"><head><meta charset="utf-8"><title>Volet</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"><link rel="stylesheet" href="/static/page.css"></head>
<body><main><h1>Volet</h1><p>{TOO_LARGE}</p><p><a href="/">Retour / Back</a></p></main></body></html>
"""
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), usb=(), serial=()",
}


BUSY = f"{typeset('La page est occupée : réessayez.')} The page is busy: try again."
TOO_MANY = (
    f"{typeset('Trop de fichiers à la fois : réessayez.')} Too many files at once: try again."
)


class BodyTooLarge(HTTPException):
    """A request has more bytes than any form here."""

    def __init__(self) -> None:
        super().__init__(HTTP_413_CONTENT_TOO_LARGE)


class Guards:
    """The application behind its guards."""

    def __init__(
        self,
        app: ASGIApp,
        names: Collection[str],
        let_in: Callable[[str], str],
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Guard `app`, which is reached by these names and by addresses.

        `let_in` returns the name of the session that a Cookie header carries, empty if there is none.
        """
        self._app = app
        self._names = {name.lower() for name in names}
        self._let_in = let_in
        self._shares = Shares(monotonic_s)
        self._uploads = 0
        self._working = {True: 0, False: 0}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        visitor = self._let_in(headers.get("cookie", ""))
        most = BODY_BYTES_MAX if visitor else STRANGERS_BODY_BYTES_MAX
        refusal = self._refusal(scope, headers, visitor, most)
        guarded = _with_headers(send)
        if refusal is not None:
            await refusal(scope, receive, guarded)
            return
        is_upload = _is_upload(headers, most)
        self._uploads += is_upload
        self._working[bool(visitor)] += 1
        try:
            await self._app(scope, _bounded(receive, most, _length(headers)), guarded)
        finally:
            self._uploads -= is_upload
            self._working[bool(visitor)] -= 1

    def _refusal(self, scope: Scope, headers: Headers, visitor: str, most: int) -> Response | None:
        address = (scope.get("client") or ("",))[0]
        if not self._shares.admits(address, visitor):
            return _refused(scope, "Too many requests.", 429, {"Retry-After": "1"})
        if self._working[bool(visitor)] >= (WORKING_MAX if visitor else STRANGERS_WORKING_MAX):
            return _refused(scope, BUSY, 503, {"Retry-After": "1"})
        if not self._is_own(headers.get("host", "")):
            return _refused(scope, "This is not the name of this page.", 421)
        if scope["method"] not in {"GET", "HEAD", "POST"}:
            return _refused(scope, "Not allowed.", 405)
        if scope["method"] == "POST" and not _is_of_this_origin(headers):
            return _refused(scope, "This form is of another site.", 403)
        return self._refusal_of_body(scope, headers, visitor, most)

    def _refusal_of_body(
        self, scope: Scope, headers: Headers, visitor: str, most: int
    ) -> Response | None:
        if most < _length(headers) <= BODY_BYTES_MAX and _is_for_visitors(scope["path"]):
            # As one whose session has ended, who is told so before the file is taken.
            return RedirectResponse(ENTER, HTTP_303_SEE_OTHER)
        if _length(headers) > most and visitor and not scope["path"].startswith(API):
            return (
                None  # the application says so, in the visitor's language, and reads nothing of it
            )
        if not 0 <= _length(headers) <= most:
            return _refused(scope, TOO_LARGE, 413, page=_TOO_LARGE_PAGE)
        if self._uploads >= UPLOADS_MAX and _is_upload(headers, most):
            return _refused(scope, TOO_MANY, 503, {"Retry-After": "1"})
        return None

    def _is_own(self, host: str) -> bool:
        """Return whether a Host header names this page, not a name that was bent to its address."""
        name = host_name(host)
        if name in self._names:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


def host_name(host: str) -> str:
    """Return the name or address of a Host header, without its port and in lower case."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _length(headers: Headers) -> int:
    """Return how long a body says that it is, -1 if that is no length."""
    length = headers.get("content-length", "0")
    return int(length) if length.isdecimal() else -1


def _is_for_visitors(path: str) -> bool:
    return path != ENTER and not path.startswith(API)


def _is_upload(headers: Headers, most: int) -> bool:
    """Return whether more is read of a request than a stranger may send."""
    if "transfer-encoding" in headers:
        return True
    return STRANGERS_BODY_BYTES_MAX < _length(headers) <= most


def _refused(
    scope: Scope, why: str, status: int, headers: dict[str, str] | None = None, page: str = ""
) -> Response:
    if scope["path"].startswith(API):
        return JSONResponse({"error": why}, status, headers)
    if page:
        return HTMLResponse(page, status, headers)
    return PlainTextResponse(why, status, headers)


def _is_of_this_origin(headers: Headers) -> bool:
    site = headers.get("sec-fetch-site")
    if site is not None and site not in {"same-origin", "none"}:
        return False
    origin = headers.get("origin")
    return origin is not None and origin == f"https://{headers.get('host', '')}"


def _bounded(receive: Receive, most: int, said: int) -> Receive:
    taken = 0

    async def bounded() -> Message:
        nonlocal taken
        if said > most:
            raise BodyTooLarge
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > most:
            raise BodyTooLarge
        return message

    return bounded


def _with_headers(send: Send) -> Send:
    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
        await send(message)

    return guarded
