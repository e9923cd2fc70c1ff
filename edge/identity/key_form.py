"""The household's key brought to the form of this Volet, once, by the chip that runs."""

from pathlib import Path

import structlog

from edge.stage import HOUSEHOLD_KEY, key_path
from protocol.errors import ConfigError
from protocol.keys import HouseholdSecret, is_old_secret
from system.files import read_document, write_secret

_log = structlog.get_logger()


def rewrite_old_key(directory: Path) -> None:
    """Write the household's key in today's form where an older Volet wrote it.

    The caller holds the vault, so that no erasure is under way. A key that cannot be written, or
    that systemd gives, stays as it is and is read in its old form; nothing else changes.
    """
    path = key_path(directory, HOUSEHOLD_KEY)
    data = read_document(path, "put it back from a copy.")
    if not is_old_secret(data):
        return
    if path.parent != directory / "keys":
        _log.warning("household_key_of_old_form", why="systemd gives it; renew it there")
        return
    try:
        write_secret(path, HouseholdSecret.from_bytes(data).to_bytes())
    except ConfigError as exc:
        _log.warning("household_key_of_old_form", why=str(exc))
        return
    _log.info("household_key_rewritten")
