"""Enrolment: the chip's request to the collectivity, and the answer.

The chip draws all keys itself. Its request carries a certificate signing request for the TLS key,
the Ed25519 key that signs its messages (and also the request), the household key's id with the
household's mandate to this chip, and the household's contract. The answer is a certificate and a
record signed by the collectivity's issuer.
"""

from datetime import date

import msgspec

from protocol.contract import Signed
from protocol.ids import PublicKey
from protocol.messages import Hash, KeyId
from protocol.moving import Mandate, MandateTime
from protocol.packed import Count


class EnrolmentRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The chip's request, sent as a `Signed` document under `signing_key`."""

    csr_pem: bytes
    signing_key: PublicKey
    household_key: KeyId
    mandate: Mandate
    offer: Signed | None
    contract: Signed | None


class HeldContract(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A household's contract as the collectivity stores it; `last_day` is None if it continues."""

    contract: Hash
    start: date
    last_day: date | None


class EnrolmentRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The record that the issuer signs: device, signing key, household key and contracts.

    `contract` is the hash of the contract in the request, empty if it had none. `made_at` is the
    time of the household's latest mandate. `contracts` are all contracts of the household, in the
    order in which it signed them; they share no day.
    """

    collectivity: str
    device: str
    signing_key: PublicKey
    household_key: KeyId
    contract: bytes = b""
    made_at: MandateTime = 0
    contracts: tuple[HeldContract, ...] = ()


class Enrolment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The collectivity's answer to the chip.

    `certificate_pem` is the chip's certificate, then its issuer's. `ca_pem` has the root that the chip
    will trust, which nobody signs and the household compares (earlier versions: with those that it
    replaced, which chips no longer take). `record_signature` is the issuer's ECDSA signature (P-256,
    SHA-256) over `record`, `signature` the same over `signed_bytes`, which is everything that no
    certificate covers. `api_port` is that of the API at the broker's host, where a chip without a
    session renews its certificate. `platform_key` verifies acks and statements. Answers of earlier
    versions have no `signature`.
    """

    record: bytes
    record_signature: bytes
    certificate_pem: bytes
    ca_pem: bytes
    platform_key: PublicKey
    broker_host: str
    broker_port: Count
    signature: bytes = b""
    api_port: Count = 0

    @property
    def signed_bytes(self) -> bytes:
        """The bytes that `signature` covers."""
        return msgspec.msgpack.encode(
            (
                "volet enrolment",
                self.record,
                self.platform_key,
                self.broker_host,
                self.broker_port,
                self.api_port,
            )
        )
