"""Files written by earlier versions of Volet under three versions of TenSEAL, with synthetic data.

`tenseal-V.volet` is a bundle (`volet edge export --keys-only`) with a household secret saved by the
SEAL of that TenSEAL, and `tenseal-V.json` is what its key opens. `chip.tar.gz` is the directory of
the chip that wrote the first of them, with a day and a half in its vault.
"""

import json
import tarfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from edge.moving.bundle import Bundle, open_bundle
from edge.vault.database import FILE_NAME
from protocol.keys import HouseholdSecret

FOLDER = Path(__file__).parents[1] / "fixtures" / "written_before"
PASSPHRASE = "une phrase de passe longue"
TENSEALS = ("0.3.16", "0.3.17", "0.3.18")


@dataclass(frozen=True)
class Written:
    """The files written under one TenSEAL, and what their key opens."""

    tenseal: str

    @property
    def path(self) -> Path:
        return FOLDER / f"tenseal-{self.tenseal}.volet"

    @cached_property
    def facts(self) -> dict:
        return json.loads((FOLDER / f"tenseal-{self.tenseal}.json").read_text())

    def bundle(self) -> Bundle:
        return open_bundle(self.path.read_bytes(), PASSPHRASE)

    @property
    def key_file(self) -> bytes:
        """The bytes of keys/household.key, which a bundle carries unchanged."""
        return self.bundle().household

    def check(self, household: HouseholdSecret) -> None:
        """Check that `household` opens the values encrypted when the key was written."""
        coefficients = np.array(
            [int(coefficient) for coefficient in self.facts["coefficients"]], np.uint64
        )
        seed = bytes.fromhex(self.facts["seed"])
        assert household.id.hex() == self.facts["household_key"]
        assert household.seal.open_own(seed, coefficients) == self.facts["values"]


def unpack_chip(directory: Path) -> Path:
    """Unpack the old chip's directory at `directory`, with the original modes of its files."""
    directory.mkdir(mode=0o700)
    with tarfile.open(FOLDER / "chip.tar.gz") as archive:
        archive.extractall(directory, filter="data")
    assert (directory / FILE_NAME).exists()
    return directory
