"""Reads forms that carry files (multipart/form-data, RFC 7578) by the standard library's mail parser.

Their size is bounded before, in `guards`.
"""

from email.errors import MessageDefect
from email.message import Message
from email.parser import BytesParser

_DISPOSITION = "content-disposition"


class UploadRefused(ValueError):
    """A form was cut off, or is none that a browser sends."""


def upload_fields(kind: str, body: bytes, most: int) -> dict[str, str]:
    """Return the fields of a form of the content type `kind`; the first of each name, files as text.

    Raises:
        UploadRefused: the form is cut off, has more than `most` fields, or is no such form.
    """
    if not kind.startswith("multipart/form-data") or "\n" in kind or "\r" in kind:
        raise UploadRefused("no form with files")
    head = f"Content-Type: {kind}\r\n\r\n".encode("latin-1", "replace")
    try:
        form = BytesParser().parsebytes(head + body)
    except RecursionError as exc:
        raise UploadRefused("nested too deeply") from exc
    parts = form.get_payload()
    if form.defects or not isinstance(parts, list) or len(parts) > most:
        raise UploadRefused("cut off, or too many fields")
    fields: dict[str, str] = {}
    for part in parts:
        if not isinstance(part, Message):
            raise UploadRefused("no parts")
        name, text = _field(part)
        fields.setdefault(name, text)
    return fields


def _field(part: Message) -> tuple[str, str]:
    name = part.get_param("name", header=_DISPOSITION)
    data = None if part.is_multipart() else part.get_payload(decode=True)
    defects: list[MessageDefect] = part.defects
    if defects or not isinstance(name, str) or not isinstance(data, bytes):
        raise UploadRefused("a part that is no field")
    return name, data.decode("utf-8", "replace")
