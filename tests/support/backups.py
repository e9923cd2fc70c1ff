"""A small party with a key, notes and a database, to back up and restore."""

import sqlite3
from contextlib import closing
from pathlib import Path

from protocol.backup import lock_by_passphrase, open_by_passphrase
from protocol.errors import ConfigError
from system.backup.listing import Fate, ListedFile, Party, beside_database
from system.backup.restore import open_backup
from system.backup.restore import restore as put_back
from system.backup.write import write_backup

QUICK = 10
PASSPHRASE = "une phrase que personne ne devine"
SECRET = b"a key, planted 0123456789"


def check(directory: Path) -> str:
    if (directory / "own.key").read_bytes() != SECRET:
        raise ConfigError(f"{directory / 'own.key'} is no key.")
    return "a shop"


SHOP = Party(
    name="edge",
    title="a shop",
    whose="The shop's",
    directory=Path("/nowhere"),
    files=(
        ListedFile("own.key", "drawn", private="yes"),
        ListedFile("notes/*.txt", "written"),
        ListedFile("shop.toml", "written"),
        ListedFile("shop.db", "filled", Fate.DATABASE, private="yes"),
        beside_database("shop.db"),
        ListedFile("shop.lock", "held", Fate.LEFT_OUT, why="made anew"),
    ),
    last="shop.toml",
    check=check,
    next_step=lambda: "Next: open {directory}.",
)


def open_database(directory: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(directory / "shop.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    return connection


def make_shop(directory: Path) -> Path:
    directory.mkdir(mode=0o700)
    (directory / "own.key").write_bytes(SECRET)
    (directory / "shop.toml").write_text("name = 'shop'\n")
    (directory / "shop.lock").touch()
    (directory / "notes").mkdir()
    for number in range(3):
        (directory / "notes" / f"{number}.txt").write_bytes(bytes(number))
    with closing(open_database(directory)) as database:
        database.execute("CREATE TABLE sale (id INTEGER PRIMARY KEY, eur INTEGER)")
        database.executemany("INSERT INTO sale (eur) VALUES (?)", [(n,) for n in range(100)])
    return directory


def back_up(directory: Path, out: Path, party: Party = SHOP, **options):
    locked = lock_by_passphrase(PASSPHRASE, log2_n=QUICK)
    return write_backup(party, directory, out, locked, **options)


def unlock(lock, name, passphrase=PASSPHRASE):
    return open_by_passphrase(lock, lambda: passphrase, name)


def restore(path: Path, directory: Path, party: Party = SHOP, **options):
    return put_back(open_backup(party, path, unlock), directory, **options)


def contents(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }
