"""Keys made of a passphrase by scrypt (RFC 7914), and passphrases that are worth it.

A guess costs 128 MiB and about a second on a Raspberry Pi 4. With the key comes a check value,
which tells a wrong passphrase from a damaged file.
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

# What a file may say of its scrypt: neither less work than is safe nor all memory.
Log2N = Annotated[int, msgspec.Meta(ge=LOG2_N_MIN, le=LOG2_N_MAX)]
Salt = Annotated[bytes, msgspec.Meta(min_length=SALT_BYTES, max_length=SALT_BYTES)]
Check = Annotated[bytes, msgspec.Meta(min_length=CHECK_BYTES, max_length=CHECK_BYTES)]

# Syllables that sound alike in no language of ours, and need no accent: 70 of them.
_CONSONANTS, _VOWELS = "bdfgklmnprstvz", "aeiou"
_GROUPS, _SYLLABLES = 4, 3


def draw_passphrase() -> str:
    """Draw a passphrase of 73 bits that can be read out: four words of three syllables."""
    return " ".join(
        "".join(secrets.choice(_CONSONANTS) + secrets.choice(_VOWELS) for _ in range(_SYLLABLES))
        for _ in range(_GROUPS)
    )


def check_passphrase(passphrase: str) -> None:
    """Check that a passphrase is long enough to be guessed by nobody soon.

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
    """Return a passphrase whatever keyboard typed it, its spaces made single."""
    return " ".join(unicodedata.normalize("NFKC", passphrase).split())
