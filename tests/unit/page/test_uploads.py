"""Forms that carry files: read as a browser sends them, refused when they were cut off."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.page.guards import BODY_BYTES_MAX
from edge.page.uploads import UploadRefused, upload_fields
from tests.support.steps import steps_of

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
    assert upload_fields(kind, body, 8) == {"answer": text or "\n"}


def test_an_empty_file_that_was_chosen_is_not_none():
    kind, body = sent({"form": (None, ""), "offer": ("offer.json", b"")})
    assert upload_fields(kind, body, 8) == {"form": "", "offer": "\n"}


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


def within_each_other(deep: int) -> bytes:
    """Return forms that hold each other, and empty lines, each of which might end any of them."""
    head = "".join(
        f"--b{number}\r\nContent-Type: multipart/mixed; boundary=b{number + 1}\r\n\r\n"
        for number in range(deep)
    ).encode()
    return head + b"\n" * (BODY_BYTES_MAX - len(head))


PART = b'--b0\r\nContent-Disposition: form-data; name="'
COSTLY = {
    "within each other": within_each_other(200),
    "one quotation mark": PART + b";" * 60_000 + b"\r\n\r\nv\r\n--b0--\r\n",
    "many parts": b"--b0\r\n\r\n" * 7_000,
    "many lines": PART + b'a"\r\n' + b"A: b\r\n" * 10_000 + b"\r\nv\r\n--b0--\r\n",
}
# A field takes about fifty.
STEPS_MAX = 3_000


@pytest.mark.parametrize("costly", COSTLY)
def test_what_anybody_in_the_network_may_send_is_refused_in_few_steps(costly):
    """Before somebody is let in, too: each of these took seconds, in which nobody was answered."""

    def send():
        with pytest.raises(UploadRefused):
            upload_fields("multipart/form-data; boundary=b0", COSTLY[costly], 32)

    assert steps_of(send) < STEPS_MAX


def test_a_content_type_of_many_quotes_is_refused():
    for kind in ('"' + ";" * 30_000, "x" * 71):
        with pytest.raises(UploadRefused):
            upload_fields(f"multipart/form-data; boundary={kind}", b"--x--\r\n", 32)


def test_what_a_part_says_of_its_own_form_is_not_believed():
    """No part is a form, encoded or of another charset: its bytes are its text."""
    head = (
        'Content-Disposition: form-data; name="a"\r\nContent-Type: multipart/mixed; boundary=c\r\n'
    )
    head += "Content-Transfer-Encoding: base64\r\n"
    text = "--c\r\n\r\nQUJD\r\n--c--"
    body = f"--b\r\n{head}\r\n{text}\r\n--b--\r\n".encode()
    assert upload_fields("multipart/form-data; boundary=b", body, 8) == {"a": text}
