"""Lets tests try passphrases at the least cost that a file may have, instead of 128 MiB each."""

from edge.moving.bundle import seal_bundle
from protocol.backup import lock_by_passphrase
from protocol.passphrase import LOG2_N_MIN

_SEALING = (seal_bundle, lock_by_passphrase)
REAL_LOG2_N = {seal.__name__: seal.__kwdefaults__["log2_n"] for seal in _SEALING}


def make_passphrases_quick() -> None:
    """Change the default in this process; programs that a test starts keep it."""
    for seal in _SEALING:
        seal.__kwdefaults__["log2_n"] = LOG2_N_MIN
