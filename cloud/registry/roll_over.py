"""Replaces issuer, root, platform key and registrar's key by successors, while chips run.

Each takes the root, which signs the new key list. The list is written last and puts the successor
in force, so an interrupted command is run again, and takes the key that it drew before.
"""

from datetime import date, datetime, timedelta
from pathlib import Path

import msgspec

from cloud.config import load_config
from cloud.registry.authority import BACKDATED, ROLE_VALIDITY, Authority, new_issuer, vouch_for
from cloud.registry.key_files import (
    ABOVE,
    ISSUER,
    TRUSTED,
    der,
    draw_ec_key,
    draw_ed25519_key,
    exclusive,
    load_authority,
    load_key_list,
    load_platform_key,
    load_root,
    load_trusted,
    numbered,
    pem,
    pki_path,
    public_bytes,
    write_key_list,
)
from cloud.registry.passed_days import has_passed
from cloud.registry.pki import add_revoked, draw_root
from cloud.registry.renewal import renew
from cloud.store import Store
from protocol.calendar import day_number, day_of_number, legal_day
from protocol.errors import ConfigError, DocumentRefused
from protocol.governance import NOTICE_DAYS
from protocol.ids import PublicKey
from protocol.key_list import (
    KeyList,
    KeyUse,
    ListedKey,
    ListedRoot,
    open_key_list,
    sign_key_list,
    sign_successor,
)
from system.files import write_public

# How long a platform key still counts after its successor has begun to sign.
OVERLAP = timedelta(days=30)
# A roll-over of the issuer that is typed again within this time is taken for a repetition.
REPEATED_WITHIN = timedelta(days=30)


class Succession(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A registrar's statement that another key follows its own, for the key list."""

    predecessor: PublicKey
    successor: ListedKey


class EndedKeys(msgspec.Struct, frozen=True):
    """Files of private keys that have ended by this machine's clock.

    Attributes:
        destroyed: they are gone.
        kept: chips have not metered long enough since.
    """

    destroyed: tuple[str, ...]
    kept: tuple[str, ...]


def roll_over_issuer(
    directory: Path, root: Path, now: datetime, *, withdraws: bool = False
) -> bool:
    """Replace the issuer, and renew the certificates of broker and roles under it.

    Returns False, and completes what an interrupted run left, if the present issuer is another
    one's successor of the last `REPEATED_WITHIN`: the list has room for a hundred. After a theft,
    which `withdraws` is for, it is replaced however new it is.

    What the former issuer signed holds until its own end, or with `withdraws` no longer: the broker
    refuses a certificate if its issuer has no revocation list, and that list needs the issuer's key.
    The key list names the issuer as withdrawn, so chips refuse a broker by it.

    Raises:
        ConfigError: the root is not there, is not the newest one, or has ended.
    """
    with exclusive(directory):
        keys = load_key_list(directory)
        authority = _newest_root(root, keys)
        is_replaced = withdraws or not _is_new(directory, keys, now)
        if is_replaced:
            _replace_issuer(directory, keys, authority, now, withdraws=withdraws)
    renew(directory, now)
    return is_replaced


def roll_over_root(directory: Path, root: Path, successor: Path, now: datetime) -> None:
    """Replace the root by one in another directory, and the issuer with it.

    The old root signs the new one, so who knows only the old one goes on. Who follows the key list
    trusts the new one alone, and the issuers that are listed. The old root's key is not needed any
    more.

    Raises:
        ConfigError: the root is not there, is not the newest one, or has ended.
    """
    with exclusive(directory):
        keys = load_key_list(directory)
        old = _newest_root(root, keys)
        new = draw_root(successor, keys.collectivity, now)
        if any(listed.certificate == der(new.certificate) for listed in keys.roots):
            raise ConfigError(f"{successor} holds a root that is listed; name an empty directory.")
        vouched = vouch_for(old, new.certificate, now)
        listed = ListedRoot(der(new.certificate), der(vouched))
        issuer = _draw_issuer(directory, new, keys, now)
        add_revoked(directory, (), now, issuer)
        trusted = [each for each in load_trusted(directory) if each != new.certificate]
        write_public(pki_path(directory, TRUSTED), b"".join(map(pem, (new.certificate, *trusted))))
        write_public(pki_path(directory, ABOVE), pem(vouched))
        changed = msgspec.structs.replace(
            keys,
            roots=(*keys.roots, listed),
            issuers=(*keys.issuers, der(issuer.certificate)),
        )
        _sign(directory, changed, new)
    renew(directory, now)


def roll_over_platform(
    directory: Path,
    root: Path,
    now: datetime,
    begins: date | None = None,
    ends: date | None = None,
) -> tuple[date, date]:
    """Have another key sign for the platform; return its first day and the first without the old.

    Programs that run change over by themselves.

    Raises:
        ConfigError: the root is not there, or is not the newest one.
        DocumentRefused: the days do not fit, or the last successor has not begun yet.
    """
    today = legal_day(now)
    begins = begins or today + timedelta(days=NOTICE_DAYS)
    ends = ends or begins + OVERLAP
    if not today <= begins <= ends:
        raise DocumentRefused(
            f"A successor begins today or later, and the present key ends no sooner: not {begins} "
            f"and {ends}."
        )
    with exclusive(directory):
        keys = load_key_list(directory)
        authority = _newest_root(root, keys)
        waiting = day_of_number(keys.platform[-1].begins)
        if waiting > today:
            raise DocumentRefused(
                f"A successor is listed and begins on {waiting}; wait until then."
            )
        predecessor = load_platform_key(directory, now)
        number = len(keys.platform) + 1
        key = draw_ed25519_key(directory / f"{numbered('platform', number)}.key")
        successor = ListedKey(public_bytes(key), day_number(begins), day_number(ends))
        signed = sign_successor(keys.collectivity, KeyUse.PLATFORM, predecessor, successor)
        changed = msgspec.structs.replace(keys, platform=(*keys.platform, signed))
        _sign(directory, changed, authority)
    return begins, ends


def roll_over_registrar(directory: Path, root: Path, succession: Succession) -> None:
    """List the successor of a registrar's key, as the registrar has signed it.

    Raises:
        ConfigError: the root is not there, or is not the newest one.
        DocumentRefused: the registrar did not sign it, or its key has another successor.
    """
    with exclusive(directory):
        keys = load_key_list(directory)
        authority = _newest_root(root, keys)
        listed = keys.registrar or (ListedKey(succession.predecessor, 0),)
        if listed[-1].key != succession.predecessor:
            raise DocumentRefused("Another key than this one is the registrar's now.")
        changed = msgspec.structs.replace(keys, registrar=(*listed, succession.successor))
        _sign(directory, changed, authority)


def destroy_ended(directory: Path, store: Store, now: datetime) -> EndedKeys:
    """Destroy the private keys of the platform that have ended for sure; see `passed_days`.

    Raises:
        ConfigError: the key list is missing or damaged.
    """
    destroyed, kept = [], []
    with exclusive(directory):
        keys, today = load_key_list(directory), legal_day(now)
        for number, key in enumerate(keys.ever(KeyUse.PLATFORM), 1):
            path = directory / f"{numbered('platform', number)}.key"
            end = keys.end_of(KeyUse.PLATFORM, key)
            if end is None or day_of_number(end) > today or not path.exists():
                continue
            if has_passed(store, day_of_number(end), now):
                path.unlink()
                destroyed.append(path.name)
            else:
                kept.append(path.name)
    return EndedKeys(tuple(destroyed), tuple(kept))


def drop_replaced_roots(directory: Path, store: Store, now: datetime) -> bool:
    """Trust the newest root alone once all that its predecessors' issuers signed has ended for sure.

    Return whether there was another one. Until then the broker needs it: chips, trustees and
    providers show certificates of before, for at most `ROLE_VALIDITY`. The broker refuses any whose
    issuer has no revocation list there, so the thief of a replaced root gets nobody in.

    Raises:
        ConfigError: there is no root.
    """
    with exclusive(directory):
        newest, *replaced = load_trusted(directory)
        end = legal_day(newest.not_valid_before_utc + BACKDATED + ROLE_VALIDITY) + timedelta(days=1)
        if not replaced or end > legal_day(now) or not has_passed(store, end, now):
            return False
        write_public(pki_path(directory, TRUSTED), pem(newest))
    return True


def _is_new(directory: Path, keys: KeyList, now: datetime) -> bool:
    """Return whether the present issuer follows another one, and has not done so for long."""
    begun = load_authority(directory).certificate.not_valid_before_utc
    return len(keys.issuers) > 1 and begun <= now < begun + REPEATED_WITHIN


def _replace_issuer(
    directory: Path, keys: KeyList, root: Authority, now: datetime, *, withdraws: bool
) -> None:
    issuer = _draw_issuer(directory, root, keys, now)
    issuers = (*keys.issuers, der(issuer.certificate))
    add_revoked(directory, (), now, issuer)
    withdrawn = len(keys.issuers) if withdraws else keys.withdrawn
    changed = msgspec.structs.replace(keys, issuers=issuers, withdrawn=withdrawn)
    _sign(directory, changed, root)
    if withdraws:
        for number in range(1, len(issuers)):
            pki_path(directory, f"{numbered(ISSUER, number)}.key").unlink(missing_ok=True)
        add_revoked(directory, (), now)


def _newest_root(root: Path, keys: KeyList) -> Authority:
    authority = load_root(root)
    if der(authority.certificate) != keys.roots[-1].certificate:
        raise ConfigError(
            f"{root} is not the newest root of {keys.collectivity}; name the directory with that one."
        )
    return authority


def _draw_issuer(directory: Path, root: Authority, keys: KeyList, now: datetime) -> Authority:
    name = numbered(ISSUER, len(keys.issuers) + 1)
    key = draw_ec_key(pki_path(directory, f"{name}.key"))
    certificate = new_issuer(root, key.public_key(), keys.collectivity, now)
    write_public(pki_path(directory, f"{name}.pem"), pem(certificate))
    return Authority(key, certificate)


def _sign(directory: Path, keys: KeyList, root: Authority) -> None:
    """Sign a list, check it as everybody else will, and put it in force."""
    signed = sign_key_list(keys, root.key)
    open_key_list(signed, load_trusted(directory), load_config(directory).collectivity)
    write_key_list(directory, signed)
