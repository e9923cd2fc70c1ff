"""Finds out that a directory was put back from before its last roll-over of a key."""

from pathlib import Path

import msgspec

from cloud.config import load_config
from cloud.registry.key_files import load_key_list, load_trusted
from protocol.errors import DocumentRefused
from protocol.key_list import SignedKeyList, open_key_list
from protocol.packed import read_packed


def is_behind(directory: Path, retained: bytes) -> bool:
    """Return whether the key list in a directory lacks what a retained one of our roots has.

    Raises:
        ConfigError: a file is missing or damaged.
    """
    trusted, collectivity = load_trusted(directory), load_config(directory).collectivity
    try:
        theirs = open_key_list(read_packed(retained, SignedKeyList), trusted, collectivity)
    except (msgspec.MsgspecError, DocumentRefused):
        return False
    return not load_key_list(directory).begins_with(theirs)
