"""The commands `backup`, `restore` and `backup-key` of a party, made from its list of files."""

import functools
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import click
import msgspec

from protocol.backup import (
    KeyLock,
    Lock,
    key_id,
    lock_by_key,
    lock_by_passphrase,
    open_by_key,
    open_by_passphrase,
    private_key_text,
    public_key_text,
    read_private_key,
    read_public_key,
    refuse_public_key,
)
from protocol.hpke import SealingKey
from protocol.passphrase import check_passphrase, draw_passphrase
from system.backup.listing import Party, survey
from system.backup.restore import Backup, RestoredBackup, open_backup, rehearse, restore
from system.backup.write import Written, write_backup
from system.commands import directory_option
from system.files import (
    check_is_new,
    read_document,
    read_secret,
    write_new_secret,
    write_public,
)
from system.passphrase import ask_passphrase, passphrase_file_option
from system.read_only import MEMORY
from system.shell import quoted

CREDENTIAL = "backup.passphrase"
_NAME_KEY = "name the private key's file."
_FILE = click.Path(path_type=Path, dir_okay=False)
_json = click.option("--json", "is_json", is_flag=True, help="Print JSON.")


class Commands(NamedTuple):
    """A party's three commands."""

    backup: click.Command
    restore: click.Command
    backup_key: click.Command


def commands(party: Party, kind: type[click.Command] = click.Command) -> Commands:
    """Make the commands of a party, as instances of `kind`."""
    return Commands(_backup(party, kind), _restore(party, kind), _backup_key(party, kind))


def _backup(party: Party, kind: type[click.Command]) -> click.Command:
    @click.command("backup", cls=kind, help=_backup_help(party))
    @directory_option(party.directory, party.whose, name=party.option)
    @click.option(
        "--out",
        type=click.Path(path_type=Path),
        required=True,
        help="The new file; or a folder, in which it is named by the time.",
    )
    @passphrase_file_option
    @click.option("--draw", is_flag=True, help="Draw the passphrase and show it once.")
    @click.option(
        "--to",
        "recipient",
        type=_FILE,
        help="Lock it with this public key (`backup-key`) instead of a passphrase.",
    )
    @click.option("--keys-only", is_flag=True, help="Leave the database out.")
    @_json
    def backup(
        directory: Path,
        out: Path,
        passphrase_file: Path | None,
        recipient: Path | None,
        *,
        draw: bool,
        keys_only: bool,
        is_json: bool,
    ) -> None:
        if sum((draw, passphrase_file is not None, recipient is not None)) > 1:
            raise click.UsageError("Say one of --passphrase-file, --draw and --to.")
        if draw and is_json:
            raise click.UsageError("--draw shows the passphrase to people; --json is for programs.")
        if directory.is_dir():
            survey(party, directory)
        party.check(directory)  # before anybody types a passphrase
        if out.is_dir():
            out /= f"{party.file_name}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.backup"
        passphrase = draw_passphrase() if draw else ""
        locked = _lock(party, passphrase, passphrase_file, recipient)
        written = write_backup(party, directory, out, locked, keys_only=keys_only)
        if is_json:
            click.echo(_written_json(written))
            return
        click.echo(_written_words(party, written, locked[1]))
        if not keys_only and (note := party.note(directory)):
            click.echo(note)
        if draw:
            click.echo(party.words().drew_phrase.format(passphrase=passphrase))

    return backup


def _restore(party: Party, kind: type[click.Command]) -> click.Command:
    @click.command("restore", cls=kind, help=_restore_help(party))
    @directory_option(party.directory, party.whose, name=party.option)
    @click.argument("backup", metavar="FILE", type=_FILE)
    @passphrase_file_option
    @click.option("--key", type=_FILE, help="Open it with this private key (`backup-key`).")
    @click.option(
        "--check",
        "is_check",
        is_flag=True,
        help="Only open it, check all of it, and say what a restore would say.",
    )
    @click.option(
        "--database-only",
        is_flag=True,
        help="Only the database, into a directory that has lost it and nothing else.",
    )
    @click.option("--yes", is_flag=True, help="Do not ask.")
    @_json
    def restore_command(  # noqa: PLR0913 - one parameter an option
        directory: Path,
        backup: Path,
        passphrase_file: Path | None,
        key: Path | None,
        *,
        is_check: bool,
        database_only: bool,
        yes: bool,
        is_json: bool,
    ) -> None:
        opened = open_backup(party, backup, functools.partial(_unlock, party, key, passphrase_file))
        if is_check:
            click.echo(_checked(opened, directory, is_json=is_json))
            return
        if isinstance(opened.head[0].lock, KeyLock) and not yes:
            _confirm(opened)
        done = restore(opened, directory, database_only=database_only)
        if is_json:
            click.echo(_restored_json(done, directory))
            return
        click.echo(_restored_words(party, done, directory))

    return restore_command


def _backup_key(party: Party, kind: type[click.Command]) -> click.Command:
    @click.command("backup-key", cls=kind)
    @click.option("--out", type=_FILE, required=True, help="Where to write the private key.")
    def backup_key(out: Path) -> None:
        """Draw a key pair for backups: FILE opens them, FILE.pub is all that writing them takes.

        Do it on another machine than the one that is backed up, and take only FILE.pub there.
        """
        key = SealingKey.generate()
        public = out.with_name(f"{out.name}.pub")
        check_is_new(public)
        write_new_secret(out, private_key_text(key))
        write_public(public, public_key_text(key.public_bytes))
        click.echo(
            party.words().drew_key.format(
                key=key_id(key.public_bytes).hex(), out=out, party=party.name, public=public.name
            )
        )

    return backup_key


def _lock(
    party: Party, passphrase: str, path: Path | None, recipient: Path | None
) -> tuple[bytes, Lock]:
    if recipient is not None:
        data = read_document(recipient, "draw a pair with `backup-key`.")
        return lock_by_key(read_public_key(data, str(recipient)))
    if not passphrase:
        passphrase = ask_passphrase(
            path, is_new=True, credential=CREDENTIAL, prompts=party.words().prompts
        )
        check_passphrase(passphrase)
    return lock_by_passphrase(passphrase)


def _unlock(
    party: Party, key: Path | None, passphrase_file: Path | None, lock: Lock, name: str
) -> bytes:
    if key is not None:
        refuse_public_key(read_document(key, _NAME_KEY), str(key))
        data = read_secret(key, _NAME_KEY)
        return open_by_key(lock, read_private_key(data, str(key)), name)
    ask = functools.partial(
        ask_passphrase,
        passphrase_file,
        is_new=False,
        credential=CREDENTIAL,
        prompts=party.words().prompts,
    )
    return open_by_passphrase(lock, ask, name)


def _confirm(opened: Backup) -> None:
    """Ask before restoring a backup that anyone with the public key could have made."""
    manifest = opened.manifest
    question = opened.party.words().confirm.format(
        owner=manifest.owner,
        made_at=f"{opened.made_at:%Y-%m-%d %H:%M}",
        count=len(manifest.files),
    )
    click.confirm(question, abort=True, err=True)


def _written_words(party: Party, written: Written, lock: Lock) -> str:
    words = party.words()
    lines = [
        words.wrote.format(
            file=written.file,
            owner=written.owner,
            count=len(written.files),
            size_bytes=written.size_bytes,
        )
    ]
    if isinstance(lock, KeyLock):
        lines.append(words.by_key)
    if written.unknown:
        lines.append(words.unknown.format(names=", ".join(written.unknown)))
    return "\n".join(lines)


def _restored_words(party: Party, done: RestoredBackup, directory: Path) -> str:
    restored = party.words().restored.format(
        owner=done.owner,
        directory=directory,
        count=len(done.files),
        made_at=f"{done.made_at:%Y-%m-%d %H:%M}",
    )
    message = f" {_said(done.message, directory)}" if done.message else ""
    return f"{restored}{message}\n{party.next_step().format(directory=quoted(directory))}"


def _written_json(written: Written) -> bytes:
    return msgspec.json.encode(
        {
            "file": str(written.file),
            "bytes": written.size_bytes,
            "owner": written.owner,
            "files": [{"name": entry.name, "bytes": entry.size_bytes} for entry in written.files],
            "not_in_it": written.unknown,
        }
    )


def _restored_json(done: RestoredBackup, directory: Path) -> bytes:
    return msgspec.json.encode(
        {
            "directory": str(directory),
            "owner": done.owner,
            "made_at": done.made_at,
            "files": [{"name": entry.name, "bytes": entry.size_bytes} for entry in done.files],
            "said": _said(done.message, directory),
        }
    )


def _said(message: str, directory: Path) -> str:
    return message.replace("{directory}", quoted(directory))


def _checked(opened: Backup, directory: Path, *, is_json: bool) -> str:
    manifest, message = opened.manifest, rehearse(opened)
    said = None if message is None else _said(message, directory)
    if is_json:
        files = [{"name": entry.name, "bytes": entry.size_bytes} for entry in manifest.files]
        summary = {"owner": manifest.owner, "made_at": opened.made_at, "volet": manifest.volet}
        return msgspec.json.encode({**summary, "files": files, "said": said}).decode()
    names = "\n".join(f"  {entry.name} {entry.size_bytes}" for entry in manifest.files)
    words = opened.party.words()
    whole = words.whole.format(
        file=opened.path,
        owner=manifest.owner,
        made_at=f"{opened.made_at:%Y-%m-%d %H:%M}",
        version=manifest.volet,
    )
    lines = [whole, names]
    if said is None:
        size_bytes = sum(entry.size_bytes for entry in manifest.files)
        lines.append(words.untried.format(memory=MEMORY, size_bytes=size_bytes))
    elif said:
        lines.append(words.would_say.format(message=said))
    return "\n".join(lines)


def _backup_help(party: Party) -> str:
    return (
        f"Write all that {party.title} needs into one encrypted file, and check it by reading it "
        "back.\n\n"
        "Programs may run meanwhile. Without --to, a passphrase is asked for, or read from "
        f"--passphrase-file or systemd's credential {CREDENTIAL}. An existing file is never "
        "overwritten. Exit codes: 0 written and read back, 5 something must be put right, 6 the "
        "database cannot be read or the file reads back otherwise."
    )


def _restore_help(party: Party) -> str:
    return (
        f"Put the backup FILE of {party.title} into an empty directory.\n\n"
        "All of it is checked before anything is written, and nothing is overwritten. Exit codes: "
        "0 restored, 5 something must be put right and nothing was changed, 6 the database in it "
        "is damaged."
    )
