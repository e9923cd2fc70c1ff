"""The tutorial, typed by a test as it stands: every command, and the output it promises."""

import shutil

import pytest

from tests.support.broker import free_ports
from tests.support.terminal import terminal
from tests.support.typed_page import TUTORIAL

PORTS = ("18883", "18884")


@pytest.mark.long
@pytest.mark.usefixtures("mosquitto_available")
def test_every_step_of_the_tutorial_runs_and_says_what_is_written(tmp_path):
    if shutil.which("mosquitto_sub") is None:
        pytest.skip("mosquitto_sub is not installed; `./run setup` installs it")
    ports = tuple(zip(PORTS, map(str, free_ports(2)), strict=True))
    with terminal(tmp_path) as typing:
        assert typing.type_page(TUTORIAL / "first-household.md", ports) > 15
