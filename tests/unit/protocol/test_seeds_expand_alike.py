"""A seed of years ago gives the same second half of a pad under every SEAL that is taken."""

import base64
import json
from pathlib import Path

import numpy as np
import pytest

from protocol.seal import SealSecret
from protocol.ternary import unpack_ternary

# Encrypted by the SEAL 4.1 of TenSEAL 0.3.16 and the SEAL 4.3 of 0.3.17 and 0.3.18.
KEPT = json.loads((Path(__file__).parent / "golden" / "encrypted_by_seal.json").read_text())


@pytest.mark.parametrize("kept", KEPT, ids=lambda kept: kept["tenseal"])
def test_what_another_seal_encrypted_opens(kept):
    secret = SealSecret(unpack_ternary(base64.b64decode(kept["secret"])))
    coefficients = np.array([int(each) for each in kept["coefficients"]], np.uint64)
    assert secret.open_own(bytes.fromhex(kept["seed"]), coefficients) == kept["values"]
