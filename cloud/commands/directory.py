"""The files of the collectivity's directory, and which of them a backup contains."""

from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256

from cloud.config import CONFIG_NAME, DEFAULT_DIRECTORY, SET_ASIDE, load_config, load_metrics
from cloud.geo.codes import LIST_NAME, installed_codes
from cloud.registry import places
from cloud.registry.broker import DEFAULT_NAME as BROKER
from cloud.registry.key_files import (
    KEY_LIST,
    PLATFORM_KEY,
    ROOT,
    SHARE_GROUP,
    load_authority,
    load_certificate,
    load_crls,
    load_ec_key,
    load_platform_key,
    load_trusted,
    pki_path,
)
from cloud.registry.revoked import revoke_listed
from cloud.store.sqlite.store import FILE_NAME as STORE
from cloud.store.sqlite.store import SqliteStore
from system.backup.listing import Fate, ListedFile, Party, beside_database

_YES = "yes"

FILES = (
    ListedFile(CONFIG_NAME, "`volet cloud init`, then you"),
    ListedFile(PLATFORM_KEY, "`volet cloud init`; Ed25519, signs acks and statements", private=_YES),
    ListedFile(PLATFORM_KEY.replace(".", "-*."), "`volet cloud roll-over platform`; its successors", private=_YES),
    ListedFile(KEY_LIST, "`volet cloud init, roll-over`; all keys, past and present, as the root signed them"),
    ListedFile(SHARE_GROUP, "`volet cloud init`; the name of the workers' group at the broker", private=_YES),
    ListedFile(places.KEY, "the first `volet cloud enrol --prm`; opens the numbers of delivery points", private=_YES),
    ListedFile(f"{ROOT}/*", "`volet cloud init`, unless `--root` names a stick; the root, which signs issuers", Fate.LEFT_OUT, "yes, above all", "the root is kept offline: move it to a stick, and copy that"),
    ListedFile("pki/*.key", "`volet cloud init, issue, roll-over`; the issuer's, the broker's, and each role's", private="yes, `issuer.key` above all"),
    ListedFile("pki/*.pem", "`volet cloud init, issue, renew, revoke, roll-over`; certificates, and `crl.pem`, the revocation lists"),
    ListedFile("pki/issued/*.pem", "`volet cloud enrol`; all certificates that a chip has got"),
    ListedFile(LIST_NAME, "`volet cloud roster codes`"),
    ListedFile("*.token", "you; of the metrics' database", private=_YES),
    ListedFile(STORE, "`volet cloud run, enrol` and others; enrolments, contracts, blocks, statements, the areas' figures", Fate.DATABASE, _YES),
    ListedFile(SET_ASIDE.format(program="*"), "`volet cloud run, release`; hashes of messages that the program could not handle", Fate.LEFT_OUT, why="the messages come again"),
    beside_database(STORE),
    ListedFile(f"{BROKER}/**", "`volet cloud broker-config`, then the broker", Fate.LEFT_OUT, _YES, "`volet cloud broker-config` writes it anew"),
)  # fmt: skip


def check(directory: Path) -> str:
    """Read what the collectivity's programs read when they start, and return whose directory it is.

    Raises:
        VoletError: a file is missing or does not fit the others.
    """
    config = load_config(directory)
    load_metrics(directory)
    load_platform_key(directory)
    load_authority(directory)
    root = load_trusted(directory)[0]
    crl = pki_path(directory, "crl.pem")
    load_crls(crl)
    for path in (directory / "pki").iterdir():
        if path.suffix == ".key":
            load_ec_key(directory, path.name)
        elif path.suffix == ".pem" and path != crl:
            load_certificate(path)
    if (directory / places.KEY).exists():
        places.check_key(directory)
    installed_codes(directory)
    fingerprint = root.fingerprint(SHA256()).hex()
    return f"collectivity {config.collectivity}, authority {fingerprint[:16]}"


def settle(restored: Path, directory: Path) -> str:
    """Revoke in a restored store the names on the revocation list, which may be newer than it.

    Returns notices: the names that were revoked, and chips that have a certificate but are not in
    the store.
    """
    if not (restored / STORE).exists():
        return ""
    pki_directory = restored if pki_path(restored, "crl.pem").exists() else directory
    store = SqliteStore.open(restored, is_checked=False)
    try:
        revoked = revoke_listed(pki_directory, store)
        known = store.fleet.known()
    finally:
        store.close()
    notices = []
    if revoked:
        notices.append(f"Revoked again, as the revocation list names them: {', '.join(revoked)}.")
    issued = {path.stem for path in pki_path(pki_directory, "issued").glob("*.pem")}
    if unknown := sorted(issued - known):
        notices.append(f"Not in this store, so enrol them again: {', '.join(unknown)}.")
    return " ".join(notices)


COLLECTIVITY = Party(
    name="cloud",
    title="the collectivity",
    whose="The collectivity's",
    directory=DEFAULT_DIRECTORY,
    files=FILES,
    last=CONFIG_NAME,
    check=check,
    needed=(STORE,),
    settle=settle,
    next_step=lambda: (
        "Next: `volet cloud broker-config --dir {directory}`, which learns from the broker's own list "
        "who was revoked since, then `volet cloud run --dir {directory}`. Revoke again whom that "
        "list does not name. Take over pki/issued and pki/crl.pem of the directory moved aside first: by "
        "them who enrolled since keeps its id when it enrols again, and who was revoked stays out."
    ),
)
