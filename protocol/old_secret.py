"""The first format of the household's secret: MessagePack around a key saved by SEAL.

SEAL refuses keys saved by another minor version. This module reads them without SEAL, whichever
TenSEAL wrote them: 0.3.16 (SEAL 4.1), 0.3.17 and 0.3.18 (SEAL 4.3).
"""

from typing import Annotated, Literal

import msgspec
import numpy as np

from protocol.errors import CipherError
from protocol.household import Q
from protocol.ntt import transform_back
from protocol.packed import read_packed
from protocol.seal_form import read_secret_key
from protocol.ternary import Ternary


class _Old(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    version: Literal[1]
    root: Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
    seal: bytes


def read_old_secret(data: bytes) -> tuple[bytes, Ternary]:
    """Return the root and the secret polynomial (int8[4096]).

    Raises:
        CipherError: the bytes are not a household secret of that format.
    """
    try:
        old = read_packed(data, _Old)
    except msgspec.MsgspecError as exc:
        raise CipherError("these bytes are no household secret; put it back from a copy") from exc
    coefficients = transform_back(read_secret_key(old.seal))
    is_minus_one = coefficients == Q - 1
    if not (is_minus_one | (coefficients <= 1)).all():
        raise CipherError("this household secret is damaged; put it back from a copy")
    return old.root, np.where(is_minus_one, 0, coefficients).astype(np.int8) - is_minus_one
