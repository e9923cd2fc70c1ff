"""The keys that the chip drew: `keys/{tls.key, signing.key, household.key, meter.salt}`.

They are never overwritten. Under systemd they come from `$CREDENTIALS_DIRECTORY` instead, under the
same names. The keys of each year are always in `keys/`, where the chip draws and destroys them,
encrypted under the household's (edge/vault/keyring.py).
"""

from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.stage import HOUSEHOLD_KEY, Stage, key_path, next_step, stage
from edge.vault.keyring import Keyring
from protocol.errors import CipherError, ConfigError
from protocol.keys import HouseholdSecret
from system.files import read_document, read_secret
from system.private_keys import read_ec_key, read_ed25519_key
from system.shell import quoted

TLS_KEY = "tls.key"
SIGNING_KEY = "signing.key"
METER_SALT = "meter.salt"
SALT_BYTES = 32


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys that the chip drew; `meter_salt` (32 bytes) hides the meter's serial.

    `keyring` has the household's keys of each year.
    """

    tls_key: ec.EllipticCurvePrivateKey
    signing_key: Ed25519PrivateKey
    household: HouseholdSecret
    keyring: Keyring
    meter_salt: bytes

    @property
    def signing_public(self) -> bytes:
        """The public signing key, 32 bytes."""
        return self.signing_key.public_key().public_bytes_raw()


def check_keys_are_files(directory: Path) -> None:
    """Check that the household's keys are in keys/, where they can be changed.

    Raises:
        ConfigError: systemd supplies them from elsewhere.
    """
    for name in (HOUSEHOLD_KEY, METER_SALT):
        path = key_path(directory, name)
        if path.parent != directory / "keys":
            raise ConfigError(
                f"{path} comes from systemd's credentials; take {name} out of the unit's "
                "credentials, delete it where they are kept, and run the command again."
            )


def has_keys(directory: Path) -> bool:
    """Return whether all keys that the chip drew are at hand, in keys/ or as credentials."""
    names = (TLS_KEY, SIGNING_KEY, HOUSEHOLD_KEY, METER_SALT)
    return all(key_path(directory, name).exists() for name in names)


def load_keys(directory: Path) -> Keys:
    """Read the chip's own keys.

    Raises:
        ConfigError: one is missing, open to others, or not a key.
    """
    tls_key = read_ec_key(_key_bytes(directory, TLS_KEY), key_path(directory, TLS_KEY))
    signing_key = read_ed25519_key(
        _key_bytes(directory, SIGNING_KEY), key_path(directory, SIGNING_KEY)
    )
    try:
        household = HouseholdSecret.from_bytes(_key_bytes(directory, HOUSEHOLD_KEY))
    except CipherError as exc:
        raise ConfigError(f"{key_path(directory, HOUSEHOLD_KEY)}: {exc}.") from exc
    salt = _key_bytes(directory, METER_SALT)
    if len(salt) != SALT_BYTES:
        raise ConfigError(f"{key_path(directory, METER_SALT)} is not of {SALT_BYTES} bytes.")
    keyring = Keyring.read(household, directory / "keys")
    return Keys(tls_key, signing_key, household, keyring, salt)


def _key_bytes(directory: Path, name: str) -> bytes:
    path = key_path(directory, name)
    step = f"draw the chip's keys with `volet edge init --dir {quoted(directory)}`."
    match stage(directory):
        case Stage.EMPTY:
            step = next_step(directory)
        case Stage.ENROLLED:  # new keys would be another chip's
            step = "put it back from a copy, or give it as a credential."
    if path.parent != directory / "keys":
        return read_document(path, step)  # systemd keeps others away from its credentials
    return read_secret(path, step)
