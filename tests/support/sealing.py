"""The sealing keys of trustees in tests: drawn when they are first asked for, published if wanted."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol.area_cipher import month_number
from protocol.calendar import day_number, day_of_number, legal_day
from protocol.hpke import SealingKey
from protocol.sealing import SealingNotice, sign_notice
from protocol.topics import parse_sealing_topic


class TrusteesKeys:
    """The keys of all trustees, which sign with `signing` (by name). Those `away` publish nothing."""

    def __init__(self, signing: Mapping[str, Ed25519PrivateKey]) -> None:
        self._signing = signing
        self._keys: dict[tuple[str, int], SealingKey] = {}
        self._published: dict[tuple[str, int], bytes] = {}
        self.away: set[str] = set()

    def key(self, name: str, month: int) -> SealingKey:
        """Return a trustee's private key of a month (the number of its first day)."""
        if (name, month) not in self._keys:
            self._keys[name, month] = SealingKey.generate()
        return self._keys[name, month]

    def public(self, name: str, month: int) -> bytes:
        return self._published.get((name, month)) or self.key(name, month).public_bytes

    def learn(self, name: str, notices: Iterable[SealingNotice]) -> None:
        """Take keys that a trustee has drawn itself."""
        self._published |= {(name, each.month): each.sealing_key for each in notices}

    def retained(self, topic: str, at: datetime) -> bytes | None:
        """Return what the broker retains on a topic: keys of this month and the ones beside it."""
        parsed = parse_sealing_topic(topic)
        if parsed is None or parsed.trustee in self.away:
            return None
        today = day_number(legal_day(at))
        first = month_number(today)
        for month in (month_number(first - 1), first, month_number(first + 31)):
            if day_of_number(month).month == parsed.month:
                notice = SealingNotice(month, self.public(parsed.trustee, month))
                signing_key = self._signing[parsed.trustee]
                return sign_notice(parsed.collectivity, parsed.trustee, notice, signing_key)
        return None
