"""The only JSON reader: it refuses an object that repeats a key, and names the key."""

import json
from typing import NoReturn, TypeVar

import msgspec

T = TypeVar("T")

_KEY_SHOWN = 40


class RepeatedKey(msgspec.ValidationError):
    """An object repeats a key; parsers differ in which of the two values they use."""


def read_json(data: bytes | str, kind: type[T]) -> T:
    """Decode JSON in UTF-8 as a value of a type.

    Raises:
        RepeatedKey: an object repeats a key.
        msgspec.MsgspecError: not JSON, nested too deeply, or not a value of this type.
    """
    try:
        is_json = check_keys(data)
        value = msgspec.json.decode(data, type=kind)  # noqa: TID251 - the one place
    except UnicodeDecodeError as exc:
        raise msgspec.DecodeError("JSON is malformed: it is not UTF-8") from exc
    except RecursionError as exc:
        raise msgspec.DecodeError("JSON is nested too deeply") from exc
    if not is_json:  # msgspec does not check fields that the type does not name
        raise msgspec.DecodeError("JSON is malformed")
    return value


def check_keys(data: bytes | str) -> bool:
    """Refuse JSON with a repeated key in an object; returns whether `data` is JSON at all.

    Raises:
        RepeatedKey: names the key.
        UnicodeDecodeError: it is not UTF-8.
        RecursionError: it is nested too deeply to check.
    """
    text = data if isinstance(data, str) else data.decode()
    try:
        json.loads(text, object_pairs_hook=_check, parse_int=len, parse_float=len)  # noqa: TID251 - the one place
    except json.JSONDecodeError:
        return False
    return True


def _check(pairs: list[tuple[str, object]]) -> None:
    if len({key for key, _ in pairs}) == len(pairs):
        return
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            _refuse(key)
        seen.add(key)


def _refuse(key: str) -> NoReturn:
    shown = "".join(sign if sign.isprintable() else "?" for sign in key[:_KEY_SHOWN])
    raise RepeatedKey(f"the key `{shown}` stands twice")
