"""Private keys are read as what they are, and named to whoever certifies them."""

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from protocol.errors import ConfigError
from system.private_keys import (
    new_ec_key,
    new_ed25519_key,
    read_ec_key,
    read_ed25519_key,
    signing_request,
)

KINDS = {read_ec_key: new_ec_key, read_ed25519_key: new_ed25519_key}


def encoded(key, protection):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection)


@pytest.mark.parametrize("read", KINDS)
def test_a_key_is_read_as_it_was_drawn_and_each_is_another(read, tmp_path):
    drawn = {KINDS[read]() for _ in range(3)}
    assert len(drawn) == 3
    assert {encoded(read(each, tmp_path), NoEncryption()) for each in drawn} == drawn


@pytest.mark.parametrize("read", KINDS)
def test_no_other_kind_of_key_is_taken(read, tmp_path):
    (other,) = (draw for kind, draw in KINDS.items() if kind is not read)
    rsa_key = encoded(rsa.generate_private_key(65_537, 2_048), NoEncryption())
    for pem in (other(), rsa_key):
        with pytest.raises(ConfigError, match=rf"{tmp_path} is no (elliptic-curve|Ed25519) key"):
            read(pem, tmp_path)


@pytest.mark.parametrize("read", KINDS)
def test_what_is_no_key_is_refused(read, tmp_path):
    own = KINDS[read]()
    locked = encoded(load_pem_private_key(own, None), BestAvailableEncryption(b"secret"))
    for pem in (b"", b"\xff", own[:-40], locked, own.replace(b"PRIVATE", b"PUBLIC")):
        with pytest.raises(ConfigError, match=f"{tmp_path} holds no private key in PEM"):
            read(pem, tmp_path)


@pytest.mark.parametrize("name", ["", "trustee-1"])
def test_a_request_names_the_key_and_who_asks(name, tmp_path):
    key = read_ec_key(new_ec_key(), tmp_path)
    request = signing_request(key, name)
    assert request.is_signature_valid
    assert request.public_key() == key.public_key()
    names = request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert [each.value for each in names] == [name] * bool(name)
