"""What a release does with itself before it is switched to: all that a chip needs, in seconds.

It runs with the new release's code, as the chip's user, beside the chip that goes on.
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np

from edge.chip.config import load_config
from edge.contracts.signed import load_contract
from edge.identity.enrolment import load_device
from edge.identity.keys import has_keys, load_keys
from edge.privacy.noise import draw_noise
from edge.tic.decoder import Decoder
from edge.vault.rehearsal import rehearse as rehearse_vault
from protocol.errors import VoletError
from protocol.household import weighted_sum
from protocol.ids import INCARNATION_BYTES, Incarnation
from protocol.layout import MONTH_COEFFICIENTS, QUARTER_HOURS_MAX, coefficient
from protocol.seal import SealSecret, open_sum
from volet.software.capture import READ

_DAY = date(2026, 1, 15)
_VALUES = tuple(90 * j for j in range(QUARTER_HOURS_MAX))
_DRAWS, _NOISE_STD_UNITS = 64, 16.0


def rehearse(directory: Path) -> None:
    """Decode, encrypt, open, draw noise, and read the chip's configuration, keys and vault.

    Raises:
        VoletError: the first of these that does not go as it should.
    """
    check_decoding()
    check_cipher()
    check_noise()
    if directory.is_dir():
        load_config(directory)
        load_contract(directory)
        load_device(directory)
        if has_keys(directory):
            load_keys(directory)
        rehearse_vault(directory)


def check_decoding(frames: Sequence[tuple[bytes, int, dict[str, str]]] = READ) -> None:
    """Decode what meters send; raises VoletError."""
    for sent, count, values in frames:
        decoder = Decoder()
        read = [*decoder.feed(sent), *decoder.finish()]
        groups = read[0].groups if read else {}
        found = {name: groups[name].value for name in values if name in groups}
        if len(groups) != count or found != values:
            raise VoletError(f"A frame of {count} groups is not decoded as it should be.")


def check_cipher() -> None:
    """Encrypt a day and open a weighted sum of it; raises VoletError if that is not the plain sum.

    The keys are drawn for this.
    """
    secret = SealSecret.generate()
    epoch = secret.new_epoch(_DAY.replace(day=1), Incarnation(bytes(INCARNATION_BYTES)))
    coefficients = np.zeros(MONTH_COEFFICIENTS, np.uint64)
    weights = np.zeros(MONTH_COEFFICIENTS, np.int64)
    for j, value in enumerate(_VALUES):
        place = coefficient(_DAY, j)
        coefficients[place] = epoch.encrypt(_DAY, j, value)
        weights[place] = j + 1
    plain = sum((j + 1) * value for j, value in enumerate(_VALUES))
    opened = open_sum(weighted_sum(coefficients, weights), [(secret, epoch.seed, weights)])
    if opened != plain:
        raise VoletError(f"A sum of {plain} opens as {opened}.")


def check_noise() -> None:
    """Draw noise; raises VoletError if there is none."""
    if not draw_noise(_DRAWS, _NOISE_STD_UNITS).any():
        raise VoletError("The noise that is drawn is none.")
