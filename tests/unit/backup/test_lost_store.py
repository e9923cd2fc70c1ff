"""A collectivity whose store is gone: nobody starts on an empty one unasked, no backup is silent."""

import pytest
from click.testing import CliRunner

from cloud.commands.table import cloud
from cloud.config import load_config
from cloud.store.sqlite.store import SqliteStore
from protocol.errors import ConfigError, VoletError
from tests.support.broker import COLLECTIVITY, enrol_chip, make_cloud


def run(*arguments):
    done = CliRunner().invoke(cloud, list(map(str, arguments)))
    if isinstance(done.exception, VoletError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture
def bereft(tmp_path):
    """A collectivity with one chip that has lost its store."""
    directory = tmp_path / "cloud"
    make_cloud(directory)
    enrol_chip(directory, tmp_path / "chip")
    for path in directory.glob("store.db*"):
        path.unlink()
    return directory


def init(directory):
    config = load_config(directory)
    return run(
        *("init", "--dir", directory, "--collectivity", COLLECTIVITY),
        *("--broker-host", config.broker_host, "--broker-port", config.broker_port),
        *("--bind", config.broker_bind, "--also", "localhost"),
        *("--operator-port", config.operator_port),
    )


@pytest.mark.parametrize("command", [("run",), ("release", "run", "--name", "worker"), ("init",)])
def test_nothing_makes_an_empty_store_where_chips_are_enrolled(bereft, command):
    with pytest.raises(ConfigError) as refused:
        init(bereft) if command == ("init",) else run(*command, "--dir", bereft)
    assert "store.db is missing" in str(refused.value)
    assert f"volet cloud restore --dir {bereft} --database-only" in str(refused.value)
    assert f"volet cloud new-store --dir {bereft}" in str(refused.value)
    assert not (bereft / "store.db").exists()


def test_an_empty_store_is_made_on_purpose_and_never_over_another(bereft):
    said = run("new-store", "--dir", bereft)
    assert "is empty" in said
    assert "enrol" in said
    SqliteStore.open_existing(bereft).close()
    with pytest.raises(ConfigError, match="is there"):
        run("new-store", "--dir", bereft)


def test_a_backup_without_the_store_is_refused(bereft, tmp_path):
    phrase = tmp_path / "phrase"
    phrase.write_text("satusu fikugo budiko buvife\n")
    phrase.chmod(0o600)
    wanted = ("--dir", bereft, "--out", tmp_path / "out.backup", "--passphrase-file", phrase)
    with pytest.raises(ConfigError, match=r"store\.db is missing.*--keys-only"):
        run("backup", *wanted)
    assert not (tmp_path / "out.backup").exists()
    assert "Wrote" in run("backup", *wanted, "--keys-only")
