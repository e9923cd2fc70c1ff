"""Rewrites the household's key in the present form, once, when the chip starts."""

from pathlib import Path

import structlog

from edge.stage import HOUSEHOLD_KEY, key_path
from protocol.errors import ConfigError
from protocol.keys import HouseholdSecret, is_old_secret
from system.files import read_document, write_secret

_log = structlog.get_logger()


def rewrite_old_key(directory: Path) -> None:
    """Rewrite the household's key in the present form if an older Volet wrote it.

    The caller holds the vault, so that no erasure is in progress. A key that cannot be written, or
    that systemd supplies, stays unchanged and is read in its old form.
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
