"""Runs the page over one chip: sees to its certificate, then answers until it is stopped.

The certificate is looked at, and made once a year, in a process of its own: what that needs would
stay in memory for as long as somebody looks at the page.
"""

import asyncio
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from edge.language.choice import Lang
from edge.page.app import Page, application
from edge.page.names import CERTIFICATE, CERTIFICATE_KEY, PORT_FILE, names_of_host
from edge.page.server import secure_port, serve
from protocol.errors import ConfigError, VoletError
from system.files import make_private_dir, write_public
from system.heap import give_back_memory

_SENTENCE_BYTES_MAX = 4_096


def run_page(
    door: Path,
    files: Path,
    sockets: list[socket.socket],
    *,
    lang: Lang,
    idle_max_s: float = 0.0,
    on_start: Callable[[], None] = lambda: None,
    on_round: Callable[[], None] = lambda: None,
) -> None:
    """Answer on `sockets` for the chip behind `door`; certificate and sessions lie in `files`.

    `lang` is for visitors whose browser asks for neither language.

    Returns once it is stopped, or nobody has asked for `idle_max_s` (0: never). `on_start` is called
    when it answers, `on_round` every few seconds from then on.

    Raises:
        ConfigError: a file cannot be read or written.
    """
    give_back_memory()
    names = names_of_host()
    make_private_dir(files)
    certify_apart(files, names)
    write_public(files / PORT_FILE, str(secure_port(sockets)).encode())
    serving = serve(
        application(Page(door, files, lang=lang), names),
        sockets,
        files / CERTIFICATE,
        files / CERTIFICATE_KEY,
        idle_max_s=idle_max_s,
        on_start=on_start,
        on_round=on_round,
    )
    with suppress(KeyboardInterrupt):  # the server has ended its answers by then
        asyncio.run(serving)


def certify_apart(files: Path, names: tuple[str, ...]) -> None:
    """Make authority and certificate where they lack, in a process of its own.

    Raises:
        ConfigError: a file cannot be read or written.
    """
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        _certify(files, names, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        why = pipe.read(_SENTENCE_BYTES_MAX).decode("utf-8", "replace")
    _, status = os.waitpid(child, 0)
    if why:
        raise ConfigError(why)
    if status:
        raise ConfigError("The page's certificate could not be made; start the page once more.")


def _certify(files: Path, names: tuple[str, ...], writing: int) -> None:
    """Do it in the child, which ends here."""
    status = 1
    try:
        from edge.page.tls import certify  # noqa: PLC0415 - only here; see the module

        certify(files, names, datetime.now(UTC))
        status = 0
    except VoletError as exc:
        os.write(writing, str(exc).encode()[:_SENTENCE_BYTES_MAX])
    finally:
        os._exit(status)
