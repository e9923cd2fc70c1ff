"""An attacker who has recorded all that the broker carried, and later gets everybody's files.

`AttackerWithRecording.opened` pools the files of all chips and of all trustees. Nobody in the
product's promises has so much; what even this attacker cannot open, nobody opens.
"""

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from edge.identity.enrolment import load_identity
from edge.vault.reader import read_vault
from protocol.area_cipher import (
    SEED_BYTES,
    MaskContext,
    from_bytes,
    mask,
    mask_key,
    month_number,
    ratchet,
    unmask,
)
from protocol.area_messages import Contribution, SeedLetters
from protocol.envelope import decode_body
from protocol.errors import CipherError, MessageRefused
from protocol.governance import TrusteeSet
from protocol.hpke import SealingKey
from protocol.seeds import LetterContext, open_letter
from protocol.topics import Kind, parse_device_topic
from trustee.log import TrusteeLog

# By (household key, generation) and number of the seed set: the month of a seed, and the seed.
Seeds = dict[tuple[bytes, int], dict[int, tuple[int, bytes]]]


class AttackerWithRecording:
    """Knows the set of trustees (and its hash), and `recording`, all (topic, payload)."""

    def __init__(
        self, trustees: TrusteeSet, trustee_set: bytes, recording: Iterable[tuple[str, bytes]]
    ) -> None:
        self._trustees, self._trustee_set = trustees, trustee_set
        bodies = [body for each in recording for body in _bodies(*each)]
        self.letters = [body for body in bodies if isinstance(body, SeedLetters)]
        self.contributions = [body for body in bodies if isinstance(body, Contribution)]

    def opened(
        self, month: int, trustees: Iterable[Path], chips: Iterable[Path]
    ) -> set[tuple[bytes, int]]:
        """Return (household key, day) of the contributions of a month that open."""
        seeds: Seeds = {}
        for directory in trustees:
            self._take_trustee(seeds, directory)
        for directory in chips:
            _take_chip(seeds, directory)
        return {
            (each.household_key, each.day)
            for each in self.contributions
            if month_number(each.day) == month and self._opens(each, seeds)
        }

    def _take_trustee(self, seeds: Seeds, directory: Path) -> None:
        """Take the seeds in a trustee's database, and those in letters that its keys open."""
        number = self._trustees.number_of(directory.name)
        sets = self._trustees.shape.sets_of(number)
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(shutil.copytree(directory, Path(folder) / "copy"))
            kept = TrusteeLog.open(copy)
            stored, keys = kept.seeds(), kept.sealing_keys()
            kept.close()
        for each in stored:
            for place, seed_set in enumerate(sets):
                seed = each.seeds[place * SEED_BYTES :][:SEED_BYTES]
                _add(seeds, (each.household_key, each.generation), seed_set, each.month, seed)
        for letters in self.letters:
            for key in keys.values():
                self._take_letter(seeds, letters, number, SealingKey.from_bytes(key))

    def _take_letter(
        self, seeds: Seeds, letters: SeedLetters, number: int, key: SealingKey
    ) -> None:
        household = letters.household_key, letters.generation
        context = LetterContext(
            self._trustees.collectivity, *household, letters.month, self._trustee_set, number
        )
        try:
            opened = open_letter(letters.letters[number], self._trustees.shape, context, key)
        except CipherError:
            return
        for seed_set, seed in opened.items():
            _add(seeds, household, seed_set, letters.month, seed)

    def _opens(self, body: Contribution, seeds: Seeds) -> bool:
        """Say whether all seeds of a contribution are known, and open its check slots to 1."""
        found = seeds.get((body.household_key, body.generation), {})
        month = month_number(body.day)
        of_month = [ratchet(seed, first, month) for first, seed in found.values() if first <= month]
        if len(of_month) < len(self._trustees.shape.seed_sets):
            return False
        for part in body.parts:
            words = from_bytes(part.words)
            context = MaskContext(body.measures, part.measure, part.group, len(words), body.day)
            keys = [mask_key(seed, body.household_key, body.day) for seed in of_month]
            if unmask(words, (mask(key, context, body.nonce) for key in keys))[-1] != 1:
                return False
        return True


def _take_chip(seeds: Seeds, directory: Path) -> None:
    with read_vault(directory) as vault:
        for shares in vault.area.all_key_shares():
            key = _household_of(directory), shares.seeds.generation
            for number, seed in enumerate(shares.seeds.seeds):
                _add(seeds, key, number, shares.seeds.month, seed)


def _add(
    seeds: Seeds, household: tuple[bytes, int], seed_set: int, month: int, seed: bytes
) -> None:
    """Add a seed, unless one of an earlier month is known."""
    known = seeds.setdefault(household, {})
    known[seed_set] = min((month, seed), known.get(seed_set, (month, seed)))


def _household_of(directory: Path) -> bytes:
    return load_identity(directory).household_key


def _bodies(topic: str, payload: bytes) -> Iterator[Contribution | SeedLetters]:
    try:
        kind = parse_device_topic(topic).kind
    except MessageRefused:
        return
    bodies = {Kind.AREA: Contribution, Kind.KEY: SeedLetters}
    if kind in bodies and payload:
        _, body, _ = msgspec.msgpack.decode(payload, type=tuple[int, bytes, bytes])
        yield decode_body(body, bodies[kind])


def bytes_in(directories: Iterable[Path]) -> bytes:
    """Return the bytes of all files in some directories, one after another."""
    paths = (path for each in directories for path in sorted(each.rglob("*")) if path.is_file())
    return b"".join(path.read_bytes() for path in paths)
