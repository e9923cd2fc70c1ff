"""The files of a registrar's directory, and which of them a backup includes."""

from pathlib import Path

from cloud.roster.registrar import DEFAULT_DIRECTORY, KEY, PUBLIC_KEY, SALT, load
from system.backup.cli import commands
from system.backup.listing import ListedFile, Party

_YES = "yes"

FILES = (
    ListedFile(KEY, "`volet cloud roster init`; Ed25519, signs the roster", private=_YES),
    ListedFile(
        SALT, "`volet cloud roster init`; hides delivery points in the roster", private=_YES
    ),
    ListedFile(PUBLIC_KEY, "`volet cloud roster init`; stands in the set of trustees"),
)


def check(directory: Path) -> str:
    """Check the registrar's keys and return the registrar's name.

    Raises:
        ConfigError: one is missing, open to others or not a key.
    """
    return f"registrar {load(directory).public_key.hex()[:16]}"


REGISTRAR = Party(
    name="cloud roster",
    title="a registrar",
    whose="The registrar's",
    directory=DEFAULT_DIRECTORY,
    files=FILES,
    last=KEY,
    check=check,
    option="registrar",
    next_step=lambda: "Next: go on as before, with `--registrar {directory}`.",
)

backup, restore, backup_key = commands(REGISTRAR)
