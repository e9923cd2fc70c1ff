"""What a terminal's encoding lacks is shown by its likeness, and never ends a command."""

import io
import subprocess
import sys

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from edge.contracts.enrolling import draw_keys
from protocol.contract import Offer, sign_document
from protocol.envelope import decode_body
from system.console import literal, show_likeness
from tests.support.dwelling import make_offer


@given(st.text(max_size=20), st.sampled_from(["ascii", "latin-1", "cp1252", "utf-8"]))
def test_any_text_is_shown_on_any_terminal(text, encoding):
    with io.TextIOWrapper(io.BytesIO(), encoding=encoding) as stream:
        show_likeness(stream)
        stream.write(text + "\udce9")
        stream.flush()


def test_a_likeness_is_of_signs_that_all_terminals_have(tmp_path):
    with (tmp_path / "terminal").open("w", encoding="ascii") as stream:
        show_likeness(stream)
        stream.write("12 € – relevé n° 1… « œuvre » ✓ █\udce9 漢")
    assert (tmp_path / "terminal").read_bytes() == (b'12 EUR - releve n? 1... " oeuvre " + #\xe9 ?')


def test_what_a_terminal_would_obey_is_spelled_out():
    """Not the spaces of French, nor a file name's bytes that are no text."""
    assert literal("été\u202f: « a »\n\tb \udce9") == "été\u202f: « a »\n\tb \udce9"
    assert literal("\x1b[2J\x07\x9b1m\u202e\u200b") == r"\x1b[2J\x07\x9b1m\u202e\u200b"


def test_an_error_about_a_file_does_not_command_the_terminal(tmp_path):
    """A household is sent offers, and its name for a tariff is in the sentence that refuses it."""
    key = Ed25519PrivateKey.generate()
    offer = decode_body(make_offer().body, Offer)
    tariff = msgspec.structs.replace(offer.tariffs[0], name="a\x1b]0;owned\x07\x1b[2J")
    public = key.public_key().public_bytes_raw()
    offer = msgspec.structs.replace(offer, provider_key=public, tariffs=(tariff,))
    (tmp_path / "offer.json").write_bytes(msgspec.json.encode(sign_document(offer, key)))
    draw_keys(tmp_path / "chip")
    command = [sys.executable, "-m", "volet.main", "edge", "request", "--lang", "en"]
    command += ["--dir", tmp_path / "chip", "--offer", tmp_path / "offer.json"]
    command += ["--from", "2026-03-01", "--meter", "041961234567"]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode != 0
    assert b"cannot be printed" in done.stderr
    assert b"\x1b" not in done.stderr + done.stdout
