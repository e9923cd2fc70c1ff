"""Reads forms that carry files (multipart/form-data, RFC 7578).

Anybody in the home's network may send one, so it costs no more than its length, which is bounded
before, in `guards`: the standard library's mail parser, whose steps grow with the square of what is
nested and quoted, sees short headers alone.
"""

from email.message import Message
from email.parser import BytesHeaderParser

# The longest boundary (RFC 2046, 5.1.1), and the longest header of a part that a browser sends: a
# file name of 255 signs.
_BOUNDARY_MAX, _HEAD_BYTES_MAX = 70, 2_000
_LINE_END = b"\r\n"
_DISPOSITION = "content-disposition"


class UploadRefused(ValueError):
    """A form was cut off, or is none that a browser sends."""


def upload_fields(kind: str, body: bytes, most: int) -> dict[str, str]:
    """Return the fields of a form of the content type `kind`; the first of each name, files as text.

    A file that was chosen and is empty, as after a browser's reload, is a line end: it is not none.

    Raises:
        UploadRefused: the form is cut off, has more than `most` fields, or is no such form.
    """
    before, *parts = (_LINE_END + body).split(_LINE_END + b"--" + _boundary(kind), most + 1)
    if before or not parts or not parts.pop().startswith(b"--"):
        raise UploadRefused("cut off, or too many fields")
    fields: dict[str, str] = {}
    for part in parts:
        name, text = _field(part)
        fields.setdefault(name, text)
    return fields


def _boundary(kind: str) -> bytes:
    if not kind.startswith("multipart/form-data") or len(kind) > _HEAD_BYTES_MAX:
        raise UploadRefused("no form with files")
    form = Message()
    form["Content-Type"] = kind
    boundary = (form.get_boundary() or "").encode("latin-1", "replace")
    if not 0 < len(boundary) <= _BOUNDARY_MAX:
        raise UploadRefused("no boundary")
    return boundary


def _field(part: bytes) -> tuple[str, str]:
    head, blank, data = part.partition(2 * _LINE_END)
    if not head.startswith(_LINE_END) or not blank or len(head) > _HEAD_BYTES_MAX:
        raise UploadRefused("a part without a header")
    headers = BytesHeaderParser().parsebytes(head.removeprefix(_LINE_END))
    name = headers.get_param("name", header=_DISPOSITION)
    if headers.defects or not isinstance(name, str):
        raise UploadRefused("a part that is no field")
    is_chosen = bool(headers.get_param("filename", header=_DISPOSITION))
    return name, data.decode("utf-8", "replace") or ("\n" if is_chosen else "")
