"""Enrolment: what a chip asks the collectivity for, and what it gets.

The chip draws all keys itself. Its request carries a certificate signing request for the TLS key,
the Ed25519 key that signs its messages (which signs the request in turn), the household key's id
with the household's mandate to this chip, and the contract that the household takes. The answer is a certificate and a record signed by the CA.
"""

from datetime import date
from typing import Annotated

import msgspec

from protocol.contract import Signed
from protocol.messages import Hash, KeyId
from protocol.moving import Mandate, MandateTime

PublicKey = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]


class EnrolmentRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Made on the chip; sent as a `Signed` document under `signing_key`."""

    csr_pem: bytes
    signing_key: PublicKey
    household_key: KeyId
    mandate: Mandate
    offer: Signed | None
    contract: Signed | None


class HeldContract(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A household's contract as the collectivity holds it; `last_day` None: it goes on."""

    contract: Hash
    start: date
    last_day: date | None


class EnrolmentRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the CA signs: this device, this signing key, this household key, this contract.

    `contract` is the hash of the contract that the request held, empty if it held none. `made_at`
    is the time of the household's latest mandate, `contracts` are all of the household, in the
    order in which it signed them: no day is of two.
    """

    collectivity: str
    device: str
    signing_key: PublicKey
    household_key: KeyId
    contract: bytes = b""
    made_at: MandateTime = 0
    contracts: tuple[HeldContract, ...] = ()


class Enrolment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the collectivity gives back to the chip.

    `record_signature` is the CA's ECDSA (P-256, SHA-256) over `record`, `signature` the same over
    `signed_bytes`: all that no certificate vouches for. `platform_key` verifies acks and
    statements. An answer of before there was a `signature` has none.
    """

    record: bytes
    record_signature: bytes
    certificate_pem: bytes
    ca_pem: bytes
    platform_key: PublicKey
    broker_host: str
    broker_port: int
    signature: bytes = b""

    @property
    def signed_bytes(self) -> bytes:
        """What `signature` is over."""
        return msgspec.msgpack.encode(
            (
                "volet enrolment",
                self.record,
                self.platform_key,
                self.broker_host,
                self.broker_port,
            )
        )
