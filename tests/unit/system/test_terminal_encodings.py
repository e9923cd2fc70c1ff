"""What a terminal's encoding lacks is shown by its likeness, and never ends a command."""

import io

from hypothesis import given
from hypothesis import strategies as st

from system.console import show_likeness


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
