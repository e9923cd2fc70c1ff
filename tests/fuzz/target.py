"""What a fuzzing target is, and the values and signatures that targets are made of."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from msgspec import inspect

from protocol.contract import Signed
from protocol.contract import _signed_bytes as _document_bytes
from protocol.envelope import _Envelope, _signed_bytes
from protocol.versions import VERSIONS
from system.set_aside import SetAside


@dataclass(frozen=True)
class Prepared:
    """The real parts of a target, ready: `run` takes one input and may raise nothing."""

    run: Callable[[bytes], object]
    seeds: tuple[bytes, ...] = ()
    close: Callable[[], object] = lambda: None


@dataclass(frozen=True)
class Target:
    """A decoder with everything behind it that an input reaches.

    `prepare` makes it in an empty directory. `decodes` names the types that it reads, `kinds` the
    kinds of messages, `calls` the API's calls. `is_packed`: inputs are MessagePack.
    """

    name: str
    prepare: Callable[[Path], Prepared]
    decodes: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    calls: frozenset[str] = frozenset()
    is_packed: bool = True


class Strict(SetAside):
    """Sets nothing aside: what would be set aside is what fuzzing looks for."""

    def add(self, kind, payload, defect):
        del kind, payload
        raise defect

    def report(self, part, defect):
        del part
        raise defect


def be_strict(aside: SetAside) -> None:
    """Let a set-aside that others hold already raise what it would set aside."""
    aside.__class__ = Strict


def seal_bytes(address, body: bytes, key) -> bytes:
    """Sign any bytes as the body of a message."""
    version = VERSIONS.oldest
    signature = key.sign(_signed_bytes(address, version, body))
    return msgspec.msgpack.encode(_Envelope(version, body, signature))


def sign_bytes(kind: str, body: bytes, key) -> Signed:
    """Sign any bytes as a document of some kind."""
    return Signed(kind, body, key.sign(_document_bytes(kind, body)))


@dataclass(frozen=True)
class Samples:
    """Makes values of any type that msgspec reads; `known` has values for fields by their name."""

    known: dict[str, object] = field(default_factory=dict)

    def bodies(self, *types: type) -> tuple[bytes, ...]:
        """Return values of these types as MessagePack, with empty lists and with one item each."""
        return tuple(
            msgspec.msgpack.encode(self.value(inspect.type_info(kind), items))
            for kind in types
            for items in (0, 1, 2)
        )

    def value(self, info: inspect.Type, items: int) -> Any:
        """Return a value of a type, with this many items in each list."""
        match info:
            case inspect.Metadata(type=inner):
                return self.value(inner, items)
            case inspect.StructType(cls=cls, fields=fields):
                return cls(**{each.name: self._field(each, items) for each in fields})
            case inspect.UnionType(types=types):
                return self.value(types[items % len(types)], items)
            case inspect.TupleType(item_types=types):
                return tuple(self.value(each, items) for each in types)
            case inspect.VarTupleType(item_type=each, min_length=least):
                return tuple(self.value(each, items) for _ in range(max(items, least or 0)))
        return _scalar(info, items)

    def _field(self, field: inspect.Field, items: int) -> Any:
        if field.name in self.known:
            return self.known[field.name]
        return self.value(field.type, items)


def _scalar(info: inspect.Type, items: int) -> Any:
    """Return a value of a type that holds no others."""
    make = {
        inspect.IntType: lambda: info.ge if info.ge is not None else (info.gt or -1) + 1,
        inspect.FloatType: lambda: 0.5 if info.ge is None else float(info.ge),
        inspect.BytesType: lambda: bytes(info.min_length or 0),
        inspect.StrType: lambda: "a" * max(info.min_length or 0, 1),
        inspect.BoolType: lambda: bool(items),
        inspect.NoneType: lambda: None,
        inspect.EnumType: lambda: next(iter(info.cls)),
        inspect.LiteralType: lambda: info.values[0],
        inspect.DictType: dict,
        inspect.ListType: list,
        inspect.DateTimeType: lambda: datetime(2026, 3, 1, tzinfo=UTC),
        inspect.DateType: lambda: date(2026, 3, 1),
        inspect.DecimalType: lambda: Decimal("0.25"),
    }
    return make[type(info)]()


def named(*types: type) -> frozenset[str]:
    """Return the names of types."""
    return frozenset(each.__name__ for each in types)


def all_of(parts: Iterable[frozenset[str]]) -> frozenset[str]:
    """Return the union of sets of names."""
    return frozenset().union(*parts)
