"""JSON in which a key stands twice says two things; whoever reads it refuses it by the key's name."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.config import load_config
from cloud.estimation.plan import read_groups
from edge.contracts.signed import read_signed
from protocol.errors import ConfigError, DocumentRefused
from protocol.json_text import read_json
from protocol.tariff import parse_tariff
from tariffs.calendars import read_windows
from tariffs.usage import parse_usage

TWICE = r"the key `kind` stands twice"
NOTED = b'{"kind": "Offer", "ki\\u006ed": "Offer"}'


@given(depth=st.integers(0, 30), is_list=st.booleans())
def test_the_key_is_named_however_deep_it_stands(depth, is_list):
    head, tail = (b"[", b"]") if is_list else (b'{"energy":', b"}")
    with pytest.raises(DocumentRefused, match=rf"^tariff.json: {TWICE}"):
        parse_tariff(head * depth + NOTED + tail * depth, "tariff.json")


class Known(msgspec.Struct):
    """What a reader asks for; other fields are passed over."""

    kva: int


@pytest.mark.parametrize("note", [b'"\xff"', b'"\xed\xa0\x80"', b"[" * 995 + b"]" * 995, b"01"])
def test_what_cannot_be_read_hides_no_key(note):
    with pytest.raises(msgspec.MsgspecError):
        read_json(b'{"kva": 6, "note": ' + note + b', "kva": 9}', Known)


def _signed(directory):
    (directory / "offer.json").write_bytes(NOTED)
    return read_signed(directory / "offer.json", "")


READERS = {
    "groups": lambda _: read_groups(b"[" + NOTED + b"]", "groups.json"),
    "windows": lambda _: read_windows(NOTED, "windows.json"),
    "usage": lambda _: parse_usage(NOTED, "usage.json"),
    "offer": _signed,
}


@pytest.mark.parametrize("reader", READERS)
def test_every_reader_names_the_key(tmp_path, reader):
    with pytest.raises((ConfigError, DocumentRefused), match=TWICE):
        READERS[reader](tmp_path)


@pytest.mark.parametrize("text", ['broker_port = 1\nbroker_port = 2\ncollectivity = "a"\n'])
def test_a_configuration_is_refused_by_the_line(tmp_path, text):
    (tmp_path / "cloud.toml").write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=r"cloud.toml: .*line 2"):
        load_config(tmp_path)
