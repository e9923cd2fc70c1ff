"""A key is 32 bytes, decoded once where it comes in: two texts of one key cannot be two keys."""

import importlib
import pkgutil
import types
import typing

import msgspec

import protocol

KEY_FIELDS = ("publisher", "_key", "_keys")
# What the provider API shows of contracts; nothing is compared there.
SHOWN = {"protocol.provider_api"}


def structs():
    """Yield every struct that the protocol defines."""
    for module in pkgutil.iter_modules(protocol.__path__):
        for value in vars(importlib.import_module(f"protocol.{module.name}")).values():
            is_struct = isinstance(value, type) and issubclass(value, msgspec.Struct)
            if is_struct and value.__module__ not in SHOWN:
                yield value


def parts(hint):
    """Yield the types that a hint is made of."""
    if typing.get_origin(hint) in {typing.Annotated, types.UnionType, typing.Union, tuple}:
        for part in typing.get_args(hint):
            yield from parts(part)
    elif isinstance(hint, type):
        yield hint


def test_no_key_is_text():
    texts = {
        f"{struct.__name__}.{name}"
        for struct in structs()
        for name, hint in typing.get_type_hints(struct, include_extras=True).items()
        if name.endswith(KEY_FIELDS) and str in parts(hint)
    }
    assert not texts, "decode a key once, as protocol.ids.PublicKey"
