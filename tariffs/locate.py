"""A JSON reader that records the line of each value, for the linter."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal

import msgspec

from protocol.errors import DocumentRefused

Place = tuple[str | int, ...]
DEPTH_MAX = 16
_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?")
_DECODER = json.JSONDecoder()
_WORDS = {"true": True, "false": False, "null": None}


class Located(msgspec.Struct, frozen=True):
    """A JSON value; `lines` is the line of each place in it, `twice` lists repeated keys.

    Numbers with a fraction are exact decimals.
    """

    value: object
    lines: dict[Place, int]
    twice: tuple[Place, ...]

    def line(self, place: Place) -> int:
        """Return the line of a place, or of the nearest enclosing place that exists."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)


def show_place(place: Place) -> str:
    """Write a place as a path: `energy[2].vat`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return text.removeprefix(".")


class SyntaxProblem(DocumentRefused):
    """The text is not JSON."""

    def __init__(self, message: str, line: int) -> None:
        """Store the message and its line."""
        super().__init__(message)
        self.line = line


def read_located(text: str) -> Located:
    """Read JSON with the lines of its values.

    Raises:
        SyntaxProblem: it is not JSON, or nests too deep; names the line.
    """
    reader = _JsonReader(text)
    value = reader.value(())
    if reader.skip() != len(text):
        raise reader.problem("something stands after the end of the document")
    return Located(value, reader.lines, tuple(reader.twice))


class _JsonReader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self.lines: dict[Place, int] = {}
        self.twice: list[Place] = []

    def problem(self, message: str) -> SyntaxProblem:
        line = self._text.count("\n", 0, self._at) + 1
        return SyntaxProblem(f"This is no JSON: {message}.", line)

    def skip(self) -> int:
        match = _SPACE.match(self._text, self._at)
        self._at = match.end() if match else self._at
        return self._at

    def value(self, place: Place) -> object:
        if len(place) > DEPTH_MAX:
            raise self.problem("it nests too deep")
        self.skip()
        self.lines[place] = self._text.count("\n", 0, self._at) + 1
        sign = self._text[self._at : self._at + 1]
        if sign == "{":
            return self._object(place)
        if sign == "[":
            return self._array(place)
        if sign == '"':
            return self._string()
        for word, meaning in _WORDS.items():
            if self._text.startswith(word, self._at):
                self._at += len(word)
                return meaning
        return self._number()

    def _number(self) -> int | Decimal:
        match = _NUMBER.match(self._text, self._at)
        if match is None:
            raise self.problem("a value is missing or is not quoted")
        self._at = match.end()
        is_whole = match[1] is None and match[2] is None
        return int(match[0]) if is_whole else Decimal(match[0])

    def _string(self) -> str:
        try:
            value, self._at = _DECODER.raw_decode(self._text, self._at)
        except json.JSONDecodeError as exc:
            raise self.problem(exc.msg[0].lower() + exc.msg[1:]) from exc
        return str(value)

    def _object(self, place: Place) -> dict[str, object]:
        fields: dict[str, object] = {}
        for _ in self._items("}"):
            if self._text[self._at : self._at + 1] != '"':
                raise self.problem("a key is missing or is not quoted")
            key = self._string()
            self._expect(":")
            if key in fields:
                self.twice.append((*place, key))
            fields[key] = self.value((*place, key))
        return fields

    def _array(self, place: Place) -> list[object]:
        items: list[object] = []
        for _ in self._items("]"):
            items.append(self.value((*place, len(items))))
        return items

    def _items(self, closing: str) -> Iterator[None]:
        self._at += 1
        self.skip()
        if self._text.startswith(closing, self._at):
            self._at += 1
            return
        while True:
            self.skip()
            yield
            self.skip()
            if self._text.startswith(closing, self._at):
                self._at += 1
                return
            self._expect(",", closing)

    def _expect(self, sign: str, instead: str = "") -> None:
        self.skip()
        if not self._text.startswith(sign, self._at):
            wanted = f"{sign!r} or {instead!r}" if instead else repr(sign)
            raise self.problem(f"{wanted} is missing")
        self._at += len(sign)
