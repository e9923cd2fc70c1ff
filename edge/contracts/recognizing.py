"""Recognizes by content the file that somebody chose in place of another, and says which it is."""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Any

import msgspec

from protocol.errors import DocumentRefused
from protocol.json_text import read_json

# How files begin that people have at hand; read as text, a byte that is no UTF-8 is U+FFFD.
_PICTURES = ("%PDF", "\ufffdPNG", "\ufffd" * 3, "GIF8", "PK\x03\x04", "RIFF", "<svg", "<html", "<!")


class Chosen(Enum):
    """What a file is."""

    EMPTY = auto()
    PICTURE = auto()
    NO_JSON = auto()
    REQUEST = auto()
    OFFER = auto()
    ANSWER = auto()
    TARIFF = auto()
    OTHER = auto()


_SIGNED = {"EnrolmentRequest": Chosen.REQUEST, "Offer": Chosen.OFFER}
_NO_ANSWER: Mapping[Chosen, str] = {
    Chosen.EMPTY: "This file is empty; choose the collectivity's answer.",
    Chosen.PICTURE: (
        "This is a picture, a PDF or a web page, not the collectivity's answer; choose the file that "
        "the collectivity gave back for the request."
    ),
    Chosen.NO_JSON: (
        "This is not the collectivity's answer, or it was cut off on its way; save the file again as "
        "the collectivity sent it."
    ),
    Chosen.REQUEST: (
        "This is your request, not the answer to it; hand the request to the collectivity, and choose "
        "here the file that it gives back."
    ),
    Chosen.OFFER: (
        "This is a provider's offer, not the collectivity's answer; an offer belongs to the request."
    ),
    Chosen.TARIFF: (
        "This is a tariff, not the collectivity's answer; choose the file that it gave back for the "
        "request."
    ),
    Chosen.OTHER: (
        "This is not the collectivity's answer, but another document; choose the file that the "
        "collectivity gave back for the request."
    ),
}
_NO_OFFER: Mapping[Chosen, str] = {
    Chosen.EMPTY: "This file is empty; choose the provider's offer, or none.",
    Chosen.PICTURE: (
        "This is a picture, a PDF or a web page, not the provider's offer; ask the provider for its "
        "signed offer, which is a file in JSON."
    ),
    Chosen.NO_JSON: (
        "This is not the provider's offer, or it was cut off on its way; save the file again as the "
        "provider sent it."
    ),
    Chosen.REQUEST: (
        "This is a chip's request, not the provider's offer; the request goes to the collectivity."
    ),
    Chosen.ANSWER: (
        "This is a collectivity's answer, not the provider's offer; it is installed where the answer "
        "is asked for, in step 4."
    ),
    Chosen.TARIFF: (
        "This is a tariff, which nobody has signed; ask the provider for its signed offer, which a "
        "tariff alone is not."
    ),
    Chosen.OTHER: (
        "This is not the provider's offer, but another document; ask the provider for its signed "
        "offer."
    ),
}


def check_is_answer(data: bytes) -> None:
    """Check that a file is the collectivity's answer by its looks; nothing in it is verified.

    Raises:
        DocumentRefused: says what it is instead.
    """
    if (chosen := recognize(data)) is not Chosen.ANSWER:
        raise DocumentRefused(_NO_ANSWER[chosen])


def check_is_offer(data: bytes) -> None:
    """Check that a file is a provider's offer by its looks; nothing in it is verified.

    Raises:
        DocumentRefused: says what it is instead.
    """
    if (chosen := recognize(data)) is not Chosen.OFFER:
        raise DocumentRefused(_NO_OFFER[chosen])


def recognize(data: bytes) -> Chosen:
    """Return what a file is, by its looks."""
    text = data.decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    if not text:
        return Chosen.EMPTY
    if text.startswith(_PICTURES):
        return Chosen.PICTURE
    try:
        return _of_json(read_json(data, dict[str, Any]))
    except msgspec.ValidationError:
        return Chosen.OTHER
    except msgspec.MsgspecError:
        return Chosen.NO_JSON


def _of_json(found: dict[str, Any]) -> Chosen:
    if isinstance(kind := found.get("kind"), str):
        return _SIGNED.get(kind, Chosen.OTHER)
    if {"record", "certificate_pem"} & found.keys():
        return Chosen.ANSWER
    return Chosen.TARIFF if {"energy", "fixed"} <= found.keys() else Chosen.OTHER
