"""Household secrets that an earlier Volet wrote, under whatever TenSEAL, and what SEAL is given."""

from pathlib import Path

import msgspec
import pytest
from tenseal import sealapi

from protocol.errors import CipherError
from protocol.keys import HouseholdSecret
from tests.support.written_before import TENSEALS, Written


@pytest.fixture(params=TENSEALS)
def written(request):
    return Written(request.param)


def test_a_key_written_under_any_tenseal_opens_what_it_encrypted(written):
    written.check(HouseholdSecret.from_bytes(written.key_file))


def test_a_strangers_bytes_never_reach_seal(monkeypatch):
    loaded = []
    monkeypatch.setattr(
        sealapi.SecretKey, "load", lambda _, __, path: loaded.append(Path(path).read_bytes())
    )
    version, root, saved = msgspec.msgpack.decode(Written("0.3.18").key_file)
    strangers = saved[:1000] + b"a stranger's bytes" + saved[1018:]
    with pytest.raises(CipherError):
        HouseholdSecret.from_bytes(msgspec.msgpack.encode((version, root, strangers)))
    assert not any(b"a stranger's bytes" in each for each in loaded)
