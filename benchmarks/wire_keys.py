"""Certificates, key lists and sealing keys in their usual size, made as in the field."""

import secrets
from datetime import UTC, datetime

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from benchmarks.household import COLLECTIVITY, DAYS, Chip
from cloud.registry.authority import DEVICE_VALIDITY, Authority, issue_client, new_issuer, new_root
from protocol.calendar import day_number
from protocol.hpke import SealingKey
from protocol.key_list import KeyList, ListedKey, ListedRoot, sign_key_list
from protocol.renewal import RenewalRequest, RenewedCertificate
from protocol.sealing import SealingNotice, month_topic, sign_notice

_NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def renewal(chip: Chip) -> tuple[RenewalRequest, RenewedCertificate]:
    """Return a chip's request for its next certificate, and the answer."""
    _, issuer = _authorities()
    key = ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    csr = builder.sign(key, SHA256()).public_bytes(Encoding.DER)
    own = issue_client(issuer, chip.device, key.public_key(), _NOW, DEVICE_VALIDITY)
    chain = tuple(each.public_bytes(Encoding.DER) for each in (own, issuer.certificate))
    return RenewalRequest(chip.secret.id, csr), RenewedCertificate(chip.secret.id, chain)


def key_list() -> bytes:
    """Return the key list of a collectivity that has changed each key once."""
    root, issuer = _authorities()
    der = issuer.certificate.public_bytes(Encoding.DER)
    first = day_number(DAYS[0])
    platform, registrar = (
        (
            ListedKey(secrets.token_bytes(32), first),
            ListedKey(secrets.token_bytes(32), first + 365, first + 379, bytes(64)),
        )
        for _ in range(2)
    )
    listed = ListedRoot(root.certificate.public_bytes(Encoding.DER))
    keys = KeyList(COLLECTIVITY, (listed,), (der, der), platform, registrar)
    return msgspec.msgpack.encode(sign_key_list(keys, root.key))


def sealing_notice() -> tuple[str, bytes]:
    """Return the topic and payload of a trustee's sealing key of a month."""
    month = day_number(DAYS[0])
    notice = SealingNotice(month, SealingKey.generate().public_bytes)
    topic = month_topic(COLLECTIVITY, "trustee-a", month)
    return topic, sign_notice(COLLECTIVITY, "trustee-a", notice, Ed25519PrivateKey.generate())


def _authorities() -> tuple[Authority, Authority]:
    root_key, issuer_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root = Authority(root_key, new_root(root_key, COLLECTIVITY, _NOW))
    certificate = new_issuer(root, issuer_key.public_key(), COLLECTIVITY, _NOW)
    return root, Authority(issuer_key, certificate)
