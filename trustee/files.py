"""The files of a trustee's directory, and which of them a backup contains."""

from contextlib import closing
from pathlib import Path

from protocol.area_cipher import month_number
from protocol.calendar import day_of_number
from protocol.seeds import closing_day, first_open_month
from system.backup.listing import Fate, ListedFile, Party, beside_database
from system.mqtt.identity import CA, CERTIFICATE, REQUEST, TLS_KEY
from system.set_aside import FILE_NAME as SET_ASIDE
from trustee.database import FILE_NAME as LOG
from trustee.days import today_number
from trustee.directory import (
    CONFIG_NAME,
    DEFAULT_DIRECTORY,
    PUBLIC_NAME,
    SIGNING_KEY,
    link_settings,
    load_config,
    load_identity,
    open_existing_log,
)
from trustee.documents import TrustedDocuments

_YES = "yes"

FILES = (
    ListedFile(CONFIG_NAME, "`volet trustee init`, then you"),
    ListedFile(SIGNING_KEY, "`volet trustee init`; Ed25519, signs answers, the log and documents", private=_YES),
    ListedFile(PUBLIC_NAME, "`volet trustee init`; what the collectivity needs"),
    ListedFile(TLS_KEY, "`volet trustee init`; P-256, proves to the broker who connects", private=_YES),
    ListedFile(REQUEST, "`volet trustee init`; the request to certify that key"),
    ListedFile(CERTIFICATE, "`volet trustee install`, from the collectivity"),
    ListedFile(CA, "`volet trustee init` or `install`"),
    ListedFile(LOG, "`volet trustee run, confirm`; the log of answers, documents, roster, seeds and sealing keys", Fate.DATABASE, "yes: seeds and sealing keys"),
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


def destroy_by(directory: Path) -> str:
    """Return when a backup of today should be destroyed; empty without a database."""
    if not (directory / LOG).is_file():
        return ""
    with closing(open_existing_log(directory)) as kept:
        documents = TrustedDocuments(kept, load_config(directory).collectivity)
    if documents.begins is None:
        return (
            "There are no measures yet, so no home contributes, and no day is set on which to "
            "destroy this backup. Make a new one when the first measures take effect, and destroy "
            "this one then."
        )
    deadline_h = documents.deadline_h
    month = max(first_open_month(today_number(), deadline_h), month_number(documents.begins))
    end = closing_day(month, deadline_h)
    return (
        f"Make a new one on {day_of_number(end)}, and destroy this one then: the trustee will have "
        f"deleted its seeds and sealing keys of {day_of_number(month):%Y-%m}, and this backup still "
        "opens what was contributed in that month."
    )


def settle(restored: Path, directory: Path) -> str:
    """Return a warning if the backup should have been destroyed by now, or "".

    The program deletes what has ended before it does anything else, so nothing is changed here.
    """
    if not (restored / LOG).is_file():
        return ""
    with_config = restored if (restored / CONFIG_NAME).is_file() else directory
    with closing(open_existing_log(restored)) as kept:
        documents = TrustedDocuments(kept, load_config(with_config).collectivity)
        months = sorted(kept.sealing_keys())
    first = month_number(documents.begins or 0)
    ended = [
        month
        for month in months
        if month >= first and closing_day(month, documents.deadline_h) <= today_number()
    ]
    if not ended:
        return ""
    return (
        f"WARNING: this backup should have been destroyed on "
        f"{day_of_number(closing_day(ended[0], documents.deadline_h))}. It still opens what was "
        f"contributed from {day_of_number(ended[0]):%Y-%m} on; destroy it now, with all its copies. "
        "The trustee deletes what has ended when it starts; start it now, then make a new backup."
    )


TRUSTEE = Party(
    name="trustee",
    title="a trustee",
    whose="The trustee's",
    directory=DEFAULT_DIRECTORY,
    files=FILES,
    last=CONFIG_NAME,
    check=check,
    settle=settle,
    note=destroy_by,
    next_step=lambda: (
        "Next: `volet trustee run --dir {directory}`. It answers nothing before enough of the "
        "others have told it what it answered since. Restore one trustee at a time, and never run "
        "two from one backup."
    ),
)
