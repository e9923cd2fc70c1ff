"""The only MessagePack reader: whatever is wrong with the bytes is one kind of error."""

from typing import TypeVar

import msgspec

T = TypeVar("T")


def read_packed(data: bytes, kind: type[T]) -> T:
    """Decode MessagePack as a value of a type.

    msgspec itself raises other errors for text that is not UTF-8, deep nesting, and values that
    Python cannot hold.

    Raises:
        msgspec.MsgspecError: not MessagePack, or not a value of this type.
    """
    try:
        return msgspec.msgpack.decode(data, type=kind)  # noqa: TID251 - the one place
    except (ValueError, OverflowError, RecursionError) as exc:
        if isinstance(exc, msgspec.MsgspecError):
            raise
        raise msgspec.DecodeError("MessagePack is malformed") from exc
