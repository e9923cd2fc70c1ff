"""The line on the home network: the chip's program and the repeater's, on a pty, with real clients."""

import pytest

from edge.tic.repeater.choice import load_repeater
from tests.support.repeated_line import SERIAL, repeated_home

QUARTERS = 24


@pytest.fixture
def home(tmp_path):
    with repeated_home(tmp_path) as home:
        yield home


def test_a_client_reads_the_line_with_other_numbers(home):
    home.turn_on()
    stand_in = load_repeater(home.directory).serial.encode()
    with home.repeater(), home.chip(), home.client() as client:
        received = home.until(client, b"ADSC\t" + stand_in)
        received = home.until(client, b"\x03", home.frame()) + received
    assert SERIAL.encode() not in received
    assert SERIAL[-6:].encode() not in received
