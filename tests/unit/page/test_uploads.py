"""Forms that carry files: read as a browser sends them, refused when they were cut off."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.page.uploads import UploadRefused, upload_fields

OFFER = b'{"body": "AA==",\r\n"signature": "\xc3\xa9"}\n'


def sent(fields):
    """Return content type and body of a form, as httpx writes it."""
    request = httpx.Request("POST", "https://localhost/", files=fields)
    return request.headers["content-type"], request.read()


def test_a_form_with_a_file_is_read():
    kind, body = sent({"form": (None, "ab"), "offer": ("Offre é.json", OFFER, "application/json")})
    assert upload_fields(kind, body, 8) == {"form": "ab", "offer": OFFER.decode()}


def test_a_file_that_was_not_chosen_is_empty():
    kind, body = sent({"form": (None, "ab"), "offer": ("", b"")})
    assert upload_fields(kind, body, 8) == {"form": "ab", "offer": ""}


@given(text=st.text(st.characters(codec="utf-8"), max_size=300))
def test_what_is_sent_is_what_is_read(text):
    kind, body = sent({"answer": ("a.json", text.encode())})
    assert upload_fields(kind, body, 8) == {"answer": text}


@given(data=st.data())
def test_a_form_that_was_cut_off_is_refused(data):
    kind, body = sent({"form": (None, "ab"), "answer": ("a.json", OFFER)})
    end = data.draw(st.integers(0, len(body) - 5))
    with pytest.raises(UploadRefused):
        upload_fields(kind, body[:end], 8)


@given(body=st.binary(max_size=300), kind=st.text(max_size=40))
def test_nothing_else_than_a_refusal_comes_of_other_bytes(body, kind):
    for each in (kind, f"multipart/form-data; boundary={kind}", "multipart/form-data; boundary=x"):
        try:
            fields = upload_fields(each, body, 8)
        except UploadRefused:
            continue
        assert all(isinstance(text, str) for text in fields.values())


@pytest.mark.parametrize(
    "kind", ["multipart/form-data", "multipart/mixed; boundary=x", "text/plain"]
)
def test_other_kinds_are_refused(kind):
    with pytest.raises(UploadRefused):
        upload_fields(kind, b"--x\r\n\r\n--x--\r\n", 8)


def test_too_many_fields_are_refused():
    kind, body = sent({f"f{number}": (None, "") for number in range(9)})
    assert len(upload_fields(kind, body, 9)) == 9
    with pytest.raises(UploadRefused):
        upload_fields(kind, body, 8)


def test_a_form_within_forms_is_refused():
    head, deep = b"", 2_000
    for number in range(deep):
        head += b"--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n" % (
            number,
            number + 1,
        )
    with pytest.raises(UploadRefused):
        upload_fields("multipart/form-data; boundary=b0", head, 8)
