"""Keys derived from a passphrase by scrypt (RFC 7914), and the drawing of strong passphrases.

A guess costs 128 MiB and about a second on a Raspberry Pi 4. The key comes with a check value,
which distinguishes a wrong passphrase from a damaged file.
"""

import secrets
import unicodedata
from typing import Annotated

import msgspec
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from protocol.errors import ConfigError

LOG2_N = 17
LOG2_N_MAX = 20
LOG2_N_MIN = 10
R, P = 8, 1
KEY_BYTES, CHECK_BYTES, SALT_BYTES = 32, 16, 16
PASSPHRASE_MIN = 12

# Bounds for scrypt parameters in a file: neither unsafely little work nor all memory.
Log2N = Annotated[int, msgspec.Meta(ge=LOG2_N_MIN, le=LOG2_N_MAX)]
Salt = Annotated[bytes, msgspec.Meta(min_length=SALT_BYTES, max_length=SALT_BYTES)]
Check = Annotated[bytes, msgspec.Meta(min_length=CHECK_BYTES, max_length=CHECK_BYTES)]

# 70 syllables that are distinct in English and French and need no accent.
_CONSONANTS, _VOWELS = "bdfgklmnprstvz", "aeiou"
_GROUPS, _SYLLABLES = 4, 3


def draw_passphrase() -> str:
    """Draw a pronounceable passphrase of 73 bits: four words of three syllables."""
    return " ".join(
        "".join(secrets.choice(_CONSONANTS) + secrets.choice(_VOWELS) for _ in range(_SYLLABLES))
        for _ in range(_GROUPS)
    )


def check_passphrase(passphrase: str) -> None:
    """Check that a passphrase is long enough to resist guessing.

    Raises:
        ConfigError: it is shorter than 12 characters.
    """
    if len(_normal(passphrase)) < PASSPHRASE_MIN:
        raise ConfigError(
            f"A passphrase has at least {PASSPHRASE_MIN} characters; --draw draws a good one."
        )


def derive_keys(passphrase: str, salt: bytes, log2_n: int) -> tuple[bytes, bytes]:
    """Return the key (32 bytes) and the check value (16 bytes) of a passphrase."""
    scrypt = Scrypt(salt=salt, length=KEY_BYTES + CHECK_BYTES, n=1 << log2_n, r=R, p=P)
    derived = scrypt.derive(_normal(passphrase).encode())
    return derived[:KEY_BYTES], derived[KEY_BYTES:]


def _normal(passphrase: str) -> str:
    """Normalise a passphrase, so that the keyboard and extra spaces do not matter."""
    return " ".join(unicodedata.normalize("NFKC", passphrase).split())
