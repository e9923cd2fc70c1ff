"""Trustees on this machine, between whom and the release worker the same messages pass as by wire."""

from collections.abc import Iterator

import msgspec
import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from protocol.area_cipher import mask, mask_key, to_bytes
from protocol.area_messages import SeedLetters
from protocol.envelope import Address, open_message, seal_message
from protocol.governance import TrusteeSet
from protocol.ids import DeviceId
from protocol.measures import Measures
from protocol.roster import RosterEntry
from protocol.seeds import LetterContext, open_letter
from protocol.topics import TrusteeKind
from protocol.trustee_messages import (
    Answer,
    AnswerPage,
    Ask,
    FromTrustee,
    RequestPage,
    SetRequest,
    ToTrustee,
    pages_of,
)
from volet.area.town import TrusteeKeys


class LocalTrustee:
    """One trustee that holds its seeds and answers every request."""

    def __init__(self, keys: TrusteeKeys, trustees: TrusteeSet, measures: Measures) -> None:
        self.name = keys.name
        self._keys = keys
        self._trustees = trustees
        self._measures = measures
        self._number = trustees.number_of(keys.name)
        self._platform = Ed25519PublicKey.from_public_bytes(trustees.collectivity_key)
        self._seeds: dict[int, tuple[bytes, dict[int, bytes]]] = {}
        self._pages: dict[bytes, dict[int, bytes]] = {}

    def learn(self, entry: RosterEntry, letters: SeedLetters) -> None:
        """Open a household's letter."""
        context = LetterContext(
            self._trustees.collectivity,
            letters.household_key,
            letters.generation,
            letters.trustees,
            self._number,
        )
        letter = letters.letters[self._number]
        seeds = open_letter(letter, self._trustees.shape, context, self._keys.sealing)
        self._seeds[entry.number] = (entry.household_key, seeds)

    def take(self, payload: bytes) -> Iterator[bytes]:
        """Take a message from the release worker; gives what is said to it."""
        address = Address(self._trustees.collectivity, DeviceId(self.name), TrusteeKind.REQUEST)
        page = open_message(address, payload, self._platform, ToTrustee).message
        if not isinstance(page, RequestPage):
            return
        pages = self._pages.setdefault(page.id, {})
        pages[page.page] = page.data
        if len(pages) < page.pages:
            return
        data = b"".join(self._pages.pop(page.id)[number] for number in range(page.pages))
        answer = self._answer(msgspec.msgpack.decode(data, type=SetRequest))
        parts = pages_of(msgspec.msgpack.encode(answer))
        for number, part in enumerate(parts):
            message = FromTrustee(AnswerPage(page.id, number, len(parts), part))
            yield seal_message(self._from, message, self._keys.signing)

    @property
    def _from(self) -> Address:
        return Address(self._trustees.collectivity, DeviceId(self.name), TrusteeKind.RESPONSE)

    def _answer(self, request: SetRequest) -> Answer:
        slots = self._measures.measure(request.measure).group(request.group).slots + 1
        draws = request.draws()
        sums = []
        for number in self._trustees.shape.sets_of(self._number):
            checks = np.empty(len(draws), np.uint64)
            total = np.zeros(slots, np.uint64)
            for place, (entry, nonce, _) in enumerate(draws):
                household_key, seeds = self._seeds[entry]
                key = mask_key(seeds[number], household_key, request.day)
                words = mask(key, request.day, request.measure, nonce, slots)
                checks[place] = words[-1]
                total += words
            sums.append((number, to_bytes(checks if request.ask is Ask.CHECK else total)))
        return Answer(request.id, tuple(sums))
