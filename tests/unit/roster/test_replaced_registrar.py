"""The commands of a registrar whose key was replaced say so, at once."""

import re

import pytest
from click.testing import CliRunner

from protocol.errors import ConfigError
from tests.support.broker import make_cloud
from volet.main import volet


def run(*arguments):
    done = CliRunner().invoke(volet, ["cloud", *map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_the_old_directory_is_refused_from_the_roll_over_on(tmp_path):
    cloud, old, new = tmp_path / "cloud", tmp_path / "old", tmp_path / "new"
    make_cloud(cloud)
    run("roster", "init", "--registrar", old)
    own = ("--dir", cloud, "--registrar", old)
    file = tmp_path / "succession.json"
    run("roster", "roll-over", *own, "--to", new, "--out", file)
    run("roll-over", "registrar", file, "--dir", cloud, "--root", cloud / "root")
    places = tmp_path / "places.csv"
    places.write_text("device,cell,point\n")
    deeds = (
        ("add", "a" * 26, "--cell", "751010101", "--point", "1"),
        ("import", places),
        ("leave", "a" * 26),
        ("roll-over", "--to", tmp_path / "third", "--out", file),
    )
    for deed in deeds:
        with pytest.raises(ConfigError, match=re.compile(r"key was replaced on 20.*--registrar")):
            run("roster", *deed, *own)
    assert "Entered 0 of 0" in run("roster", "import", places, "--dir", cloud, "--registrar", new)
