"""Households' seeds: opens the key shares that chips publish, and derives the month's keys."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable

import msgspec
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from protocol.area_cipher import month_keys, month_number, ratchet
from protocol.area_messages import SeedLetters, SeenHeads
from protocol.calendar import day_of_number
from protocol.envelope import Address, open_message
from protocol.errors import CipherError, DocumentRefused, MessageRefused, Reason
from protocol.hpke import SealingKey
from protocol.ids import DeviceId
from protocol.packed import read_packed
from protocol.sealing import SealingNotice
from protocol.seeds import LetterContext, commitment, first_open_month, open_letter
from protocol.topics import Kind
from trustee.documents import TrustedDocuments
from trustee.log import StoredSeeds, TrusteeLog
from trustee.sealing import SealingKeys
from trustee.views import Difference, difference

# Of chips whose key shares arrived before their roster entry; the broker retains them as well.
WAITING_MAX_BYTES = 256 << 20
# Those of a set of six trustees have 10 kB.
LETTERS_MAX_BYTES = 32 << 10
# New seeds are for a new set of trustees, new documents, or a chip that lost its own. Opening a
# letter takes 12 ms, so useless ones are tried no more often than a quarter's worth in a day.
GENERATIONS_MAX = 32
QUARTER_DAYS = 92
MONTHS_KEPT = 2

log = structlog.get_logger()

# By household key and generation.
Keys = dict[tuple[bytes, int], tuple[bytes, ...]]


class HeldKeyShares:
    """The households' seeds that this trustee holds."""

    def __init__(
        self,
        trustee_log: TrusteeLog,
        documents: TrustedDocuments,
        name: str,
        today: Callable[[], int],
    ) -> None:
        """Load the seeds that were opened before; `today` returns the number of the day."""
        self._log = trustee_log
        self._documents = documents
        self._sealing = SealingKeys(trustee_log)
        self._name = name
        self._today = today
        self._waiting: dict[str, bytes] = {}
        self._waiting_bytes = 0
        # How often letters of each household were opened on a day.
        self._opened_on = 0
        self._opened = Counter[bytes]()
        self._seeds: dict[tuple[bytes, int], StoredSeeds] = {}
        self._latest: dict[bytes, StoredSeeds] = {}
        self._keys: dict[int, Keys] = {}
        self._forgotten_before = 0
        self._is_clean = False
        for seeds in trustee_log.seeds():
            self._add(seeds)

    def __len__(self) -> int:
        return len(self._latest)

    def take(self, device: str, payload: bytes) -> bool:
        """Open a chip's key share; return whether it is new.

        A key share waits until the chip's roster entry and the trustee set that it is sealed to are
        known.

        Raises:
            MessageRefused: it is replayed or forged, the sealing key of its month has ended, its
                seeds do not fit their commitments, or its household has sent too many.
        """
        entry = self._documents.entry_of_device(device)
        if entry is None:
            return self._put_aside(device, payload)
        address = Address(self._documents.collectivity, DeviceId(device), Kind.KEY)
        signing_key = Ed25519PublicKey.from_public_bytes(entry.signing_key)
        letters = open_message(address, payload, signing_key, SeedLetters)
        if letters.household_key != entry.household_key:
            raise MessageRefused(Reason.HOUSEHOLD, "key shares of another household")
        if self._documents.trustee_set(letters.trustees) is None:
            return self._put_aside(device, payload)
        digest = hashlib.sha256(payload).digest()
        last = self._latest.get(letters.household_key)
        if last is not None and last.digest == digest:
            return False  # the same retained message again
        if last is not None and letters.generation <= last.generation:
            raise MessageRefused(Reason.CONFLICT, "a generation that does not rise")
        self.forget_closed()
        key = self._sealing.of(letters.month)
        if key is None:
            raise MessageRefused(Reason.BOUNDS, "seeds of a month that has no sealing key here")
        today = self._today()
        self._count_opening(letters.household_key, today)
        seeds = StoredSeeds(
            letters.household_key,
            letters.generation,
            letters.trustees,
            digest,
            self._open(letters, key),
            letters.month,
            msgspec.msgpack.encode(letters.seen),
        )
        self._log.put_seeds(seeds, today)
        self._add(seeds)
        return True

    def waiting_of(self, device: str) -> bytes | None:
        """Remove and return the waiting key share of a device."""
        payload = self._waiting.pop(device, None)
        self._waiting_bytes -= len(payload or b"")
        return payload

    def waiting(self) -> tuple[str, ...]:
        """Return the devices whose key shares wait."""
        return tuple(self._waiting)

    def keys(
        self, households: Iterable[tuple[bytes, int]], trustees: bytes, measures: bytes, day: int
    ) -> list[tuple[bytes, ...] | Difference | None]:
        """Return each household's keys of the month, one for each of our seed sets.

        `households` are (household key, generation of the seeds). `trustees` is the hash of the
        trustee set that the seeds must be sealed to, and `measures` that of the document that the
        chip must have seen when it sealed them. A Difference: the chip saw something else. None:
        there are no such seeds.
        """
        month = month_number(day)
        if month not in self._keys:
            while len(self._keys) >= MONTHS_KEPT:
                self._keys.pop(next(iter(self._keys)))
            self._keys[month] = {}
        keys = self._keys[month]
        results: list[tuple[bytes, ...] | Difference | None] = []
        for household in households:
            seeds = self._seeds.get(household)
            if seeds is None or seeds.trustees != trustees or month < seeds.month:
                results.append(None)
                continue
            seen = read_packed(seeds.seen, SeenHeads)
            if (differs := difference(seen, self._documents, measures)) is not None:
                results.append(differs)
                continue
            known = keys.get(household)
            if known is None:
                known = keys[household] = month_keys(
                    ratchet(seeds.seeds, seeds.month, month), household[0], month
                )
            results.append(known)
        return results

    def forget_closed(self) -> int:
        """Delete seeds and sealing keys of closed months; return the first day (a number) left open.

        The seeds are replaced by those of the first open month, which follow from them, and nothing
        leads back. What is deleted is gone from the file and from its log. Keys of open months, and
        of the next one, are drawn if they are missing; so a trustee whose clock was months ahead
        takes new seeds once it is right again.
        """
        today = self._today()
        month = first_open_month(today, self._documents.deadline_h)
        if month > self._forgotten_before:
            self._close_months(month, today)
        self._forgotten_before = month
        self._sealing.draw(self._forgotten_before, today)
        if not self._is_clean:
            self._is_clean = self._log.truncate_wal()
        return self._forgotten_before

    def notices(self) -> tuple[SealingNotice, ...]:
        """Return the sealing keys that chips may seal to now."""
        self.forget_closed()
        return self._sealing.notices()

    def _close_months(self, month: int, today: int) -> None:
        later = [_of_month(seeds, month) for seeds in self._seeds.values() if seeds.month < month]
        for superseded in self._log.close_months(month, later, min(month, today - QUARTER_DAYS)):
            del self._seeds[superseded]
        for seeds in later:
            if (seeds.household_key, seeds.generation) in self._seeds:
                self._seeds[seeds.household_key, seeds.generation] = seeds
                if self._latest[seeds.household_key].generation == seeds.generation:
                    self._latest[seeds.household_key] = seeds
        self._sealing.forget(month)
        self._keys = {known: keys for known, keys in self._keys.items() if known >= month}
        self._is_clean = False
        log.info("months_closed", before=str(day_of_number(month)), generations=len(later))

    def _put_aside(self, device: str, payload: bytes) -> bool:
        if len(payload) > LETTERS_MAX_BYTES:
            raise MessageRefused(Reason.OVERSIZE, f"{len(payload)} bytes")
        self.waiting_of(device)
        if self._waiting_bytes + len(payload) <= WAITING_MAX_BYTES:
            self._waiting[device] = payload
            self._waiting_bytes += len(payload)
        return False

    def _count_opening(self, household_key: bytes, today: int) -> None:
        """Count a letter that is about to be opened.

        Raises:
            MessageRefused: the household has had all that it may have today or in this quarter.
        """
        if self._opened_on != today:
            self._opened_on, self._opened = today, Counter()
        kept = self._log.count_seeds(household_key, today - QUARTER_DAYS)
        if max(kept, self._opened[household_key]) >= GENERATIONS_MAX:
            raise MessageRefused(Reason.QUOTA, "more seeds than a household may send")
        self._opened[household_key] += 1

    def _open(self, letters: SeedLetters, key: SealingKey) -> bytes:
        trustees = self._documents.trustee_set(letters.trustees)
        if trustees is None:
            raise MessageRefused(Reason.DOCUMENT, "key shares for an unknown set of trustees")
        shape = trustees.shape
        try:
            number = trustees.number_of(self._name)
            context = LetterContext(
                trustees.collectivity,
                letters.household_key,
                letters.generation,
                letters.month,
                letters.trustees,
                number,
            )
            if (len(letters.letters), len(letters.commitments)) != (
                shape.trustees,
                len(shape.seed_sets),
            ):
                raise MessageRefused(
                    Reason.BOUNDS,
                    "not one key share for each trustee and one commitment for each seed set",
                )
            opened = open_letter(letters.letters[number], shape, context, key)
        except (CipherError, DocumentRefused) as exc:
            raise MessageRefused(Reason.SEEDS, "a key share that does not open here") from exc
        for seed_set, seed in opened.items():
            if commitment(seed, seed_set) != letters.commitments[seed_set]:
                raise MessageRefused(Reason.SEEDS, "a seed that does not fit its commitment")
        return b"".join(opened.values())

    def _add(self, seeds: StoredSeeds) -> None:
        self._seeds[seeds.household_key, seeds.generation] = seeds
        self._latest[seeds.household_key] = seeds


def _of_month(seeds: StoredSeeds, month: int) -> StoredSeeds:
    later = ratchet(seeds.seeds, seeds.month, month)
    return msgspec.structs.replace(seeds, seeds=later, month=month)
