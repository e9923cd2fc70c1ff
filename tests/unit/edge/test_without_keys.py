"""An enrolled chip whose keys only its unit gets, as systemd's credentials: what its household types.

Nothing sends it to draw new keys, and what only reads works without the keys.
"""

import pytest
from click.testing import CliRunner

from edge.commands.table import edge
from edge.identity.keys import METER_SALT, SIGNING_KEY, TLS_KEY
from edge.language.choice import Lang
from edge.stage import HOUSEHOLD_KEY
from tests.support.billing_home import BillingHome
from tests.support.french import plain

NAMES = (TLS_KEY, SIGNING_KEY, HOUSEHOLD_KEY, METER_SALT)
READING = ("status", "bills", "receipts", "budget", "area")
WRITING = ("request", "letters", "trustees", "backup --out FILE", "export --out FILE")


@pytest.fixture
def home(tmp_path):
    home = BillingHome(tmp_path / "home")
    home.begin()
    home.kill()
    return home


def hide(home, *names):
    for name in names or NAMES:
        (home.directory / "keys" / name).unlink()


def typed(command, home, lang=Lang.EN):
    arguments = command.replace("FILE", str(home.directory / "out")).split()
    return CliRunner().invoke(
        edge, ["--lang", lang.value, *arguments, "--dir", str(home.directory)]
    )


@pytest.mark.parametrize("command", READING)
def test_what_only_reads_needs_no_key(home, command):
    before = typed(command, home)
    assert before.exit_code == 0, (before.output, before.exception)
    hide(home)
    after = typed(command, home)
    assert (after.exit_code, after.output) == (0, before.output), after.exception


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("command", WRITING)
def test_nobody_is_sent_to_draw_keys_for_an_enrolled_chip(home, command, name):
    hide(home, name)
    for lang, step in ((Lang.EN, "give it as a credential"), (Lang.FR, "« credential »")):
        said = plain(str(typed(command, home, lang).exception))
        assert name in said
        assert step in said
        assert "volet edge init" not in said
