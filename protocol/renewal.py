"""A chip's certificate, renewed: the request that its signing key signs, and the answer.

Over the session they are messages like others (`up/renew`, `down/certificate`). A chip whose
certificate has ended has no session; it posts the same signed request to the collectivity's API.
The answer is the certificates, which prove themselves, and the key list: the issuer may have
followed another one while the chip was away.
"""

from typing import Annotated

import msgspec

from protocol.key_list import CERTIFICATE_MAX_BYTES, LIST_MAX_BYTES, Certificate
from protocol.messages import KeyId

CSR_MAX_BYTES = 1_024
# A chip's certificate, its issuer's, and one from an older root to a newer one.
CHAIN_MAX = 3
REQUEST_MAX_BYTES = 2 * 1_024
# The key list and the certificates, and what MessagePack and the household's key add.
ANSWER_MAX_BYTES = LIST_MAX_BYTES + CHAIN_MAX * CERTIFICATE_MAX_BYTES + 256
PATH = "/v1/chips/{device}/certificate"


class RenewalRequest(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """`up/renew`: a signing request (PKCS #10, DER) for the chip's TLS key."""

    household_key: KeyId
    csr: Annotated[bytes, msgspec.Meta(max_length=CSR_MAX_BYTES)]


class RenewedCertificate(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """`down/certificate`: the chip's certificate (DER), then those that lead to a root."""

    household_key: KeyId
    chain: Annotated[tuple[Certificate, ...], msgspec.Meta(min_length=2, max_length=CHAIN_MAX)]


class RenewedWithoutSession(
    msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True
):
    """The API's answer: what `down/certificate` has, and the key list as the broker retains it."""

    certificate: RenewedCertificate
    key_list: Annotated[bytes, msgspec.Meta(max_length=LIST_MAX_BYTES)]
