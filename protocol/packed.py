"""The only MessagePack reader: whatever is wrong with the bytes is one kind of error."""

from typing import Annotated, TypeVar

import msgspec

T = TypeVar("T")

# SQLite holds no larger number. MessagePack does, so each number in a message has a bound.
INT_MAX = 2**63 - 1
Count = Annotated[int, msgspec.Meta(ge=0, le=INT_MAX)]


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
