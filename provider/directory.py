"""The files of a provider's directory, and which of them a backup contains."""

from pathlib import Path

from provider.service import DEFAULT_DIRECTORY, KEY, SEALING_KEY, load_key, load_sealing_key
from system.backup.listing import ListedFile, Party

_YES = "yes"

FILES = (
    ListedFile(KEY, "`volet provider init`; Ed25519, signs offers and requests", private=_YES),
    ListedFile(SEALING_KEY, "`volet provider init`; opens receipts", private=_YES),
    ListedFile(
        "*.token", "the collectivity (`volet cloud api token create`); for the API", private=_YES
    ),
    ListedFile("*.pem", "the collectivity; its `ca.pem`, and a certificate for the API"),
    ListedFile("*.key", "you; the key of that certificate", private=_YES),
)


def check(directory: Path) -> str:
    """Read the provider's keys and return a description of the provider.

    Raises:
        ConfigError: a key is missing, readable by others or invalid.
    """
    load_sealing_key(directory)
    public = load_key(directory).public_key().public_bytes_raw()
    return f"provider {public.hex()[:16]}"


PROVIDER = Party(
    name="provider",
    title="a provider",
    whose="The provider's",
    directory=DEFAULT_DIRECTORY,
    files=FILES,
    last=KEY,
    check=check,
    next_step=lambda: (
        "Next: go on as before; `volet provider contracts --dir {directory}` shows them."
    ),
)
