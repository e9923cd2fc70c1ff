"""A machine's directory of releases, which trusts the key of the tests."""

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.unit.software.test_receiving import KEY
from volet.software.places import Places


@pytest.fixture
def places(tmp_path):
    places = Places(tmp_path / "opt")
    places.root.mkdir()
    pem = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (places.root / "release.pub").write_bytes(pem)
    return places
