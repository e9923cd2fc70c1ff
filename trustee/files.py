"""The files of a trustee's directory, and which of them a backup contains."""

from pathlib import Path

from system.backup.listing import Fate, ListedFile, Party, beside_database
from system.set_aside import FILE_NAME as SET_ASIDE
from trustee.database import FILE_NAME as LOG
from trustee.directory import (
    CA,
    CERTIFICATE,
    CONFIG_NAME,
    DEFAULT_DIRECTORY,
    PUBLIC_NAME,
    SEALING_KEY,
    SIGNING_KEY,
    TLS_KEY,
    link_settings,
    load_identity,
)

_YES = "yes"

FILES = (
    ListedFile(CONFIG_NAME, "`volet trustee init`, then you"),
    ListedFile(SIGNING_KEY, "`volet trustee init`; Ed25519, signs answers, the log and documents", private=_YES),
    ListedFile(SEALING_KEY, "`volet trustee init`; opens the seeds that chips send", private=_YES),
    ListedFile(PUBLIC_NAME, "`volet trustee init`; what the collectivity needs"),
    ListedFile(TLS_KEY, "`volet trustee install`, from the collectivity", private=_YES),
    ListedFile(CERTIFICATE, "`volet trustee install`, from the collectivity"),
    ListedFile(CA, "`volet trustee init` or `install`"),
    ListedFile(LOG, "`volet trustee run, confirm`; the log of answers, documents, roster and seeds", Fate.DATABASE, "yes: seeds"),
    ListedFile(SET_ASIDE, "`volet trustee run`; hashes of messages that it could not handle", Fate.LEFT_OUT, why="the messages come again"),
    beside_database(LOG),
)  # fmt: skip


def check(directory: Path) -> str:
    """Read what a trustee reads when it starts, and return a description of the trustee.

    Raises:
        VoletError: a file is missing or does not fit the others.
    """
    identity = load_identity(directory)
    if (directory / CERTIFICATE).exists():
        link_settings(directory)
    return f"{identity.name} of {identity.collectivity}"


TRUSTEE = Party(
    name="trustee",
    title="a trustee",
    whose="The trustee's",
    directory=DEFAULT_DIRECTORY,
    files=FILES,
    last=CONFIG_NAME,
    check=check,
    next_step=lambda: (
        "Next: `volet trustee run --dir {directory}`. It answers nothing before enough of the "
        "others have told it what it answered since. Restore one trustee at a time, and never run "
        "two from one backup."
    ),
)
