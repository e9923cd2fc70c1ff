"""Gets the trustees' sealing keys of a month from the broker, when new seeds are to be sealed.

The chip subscribes to them only until it has them: four keys take more bytes than the seeds.
"""

from edge.area.trust import TrustedSet
from protocol.errors import MessageRefused, Reason
from protocol.governance import Trustee
from protocol.sealing import month_topic, open_notice
from protocol.topics import SealingTopic, parse_sealing_topic
from system.clock import Clock

# How long a session waits for the key of a trustee. A trustee that has published none for the month
# is away, and gets no seeds until the chip draws new ones.
KEYS_WAIT_S = 60.0


class SealingKeyRequest:
    """The keys of one month that are wanted, and those that have come."""

    def __init__(self, collectivity: str, clock: Clock) -> None:
        """Want nothing yet."""
        self._collectivity, self._clock = collectivity, clock
        self._wanted: tuple[TrustedSet, int] | None = None
        self._keys: dict[str, bytes] = {}
        self._since_s: float | None = None
        # Two sets may share a topic. Who subscribes to it again gets what is retained once more.
        self._is_pausing = False

    def connect(self) -> None:
        """Start a session: the broker sends what it retains."""
        self._since_s = self._clock.monotonic_s()

    def disconnect(self) -> None:
        """End the session."""
        self._since_s = None

    def keys(self, trusted: TrustedSet, month: int) -> tuple[bytes, ...] | None:
        """Return the public keys of a month in the order of the set, or None while they may come.

        A key that has not come is empty. There are keys of t trustees at least.
        """
        if self._wanted is None or (self._wanted[0].hash, self._wanted[1]) != (trusted.hash, month):
            self._is_pausing = self._wanted is not None
            self._wanted, self._keys = (trusted, month), {}
            if self._since_s is not None:
                self._since_s = self._clock.monotonic_s()
        trustees = trusted.trustees
        keys = tuple(self._keys.get(trustee.name, b"") for trustee in trustees.trustees)
        found = sum(map(bool, keys))
        if found == len(keys):
            return keys
        is_over = (
            self._since_s is not None and self._clock.monotonic_s() - self._since_s >= KEYS_WAIT_S
        )
        return keys if is_over and found >= trustees.shape.threshold else None

    def drop(self) -> None:
        """Want nothing any more."""
        self._wanted, self._keys = None, {}

    def topics(self) -> frozenset[str]:
        """Return the topics to subscribe to: of each trustee whose key is wanted and has not come.

        When another set or month is wanted, none are returned at first.
        """
        if self._wanted is None or self._is_pausing:
            self._is_pausing = False
            return frozenset()
        trusted, month = self._wanted
        return frozenset(
            month_topic(self._collectivity, trustee.name, month)
            for trustee in trusted.trustees.trustees
            if trustee.name not in self._keys
        )

    def take(self, topic: str, payload: bytes) -> bool:
        """Take a message if it is about a sealing key; return whether it is.

        Raises:
            MessageRefused: the trustee did not sign it, or it is of another month than the topic.
        """
        parsed = parse_sealing_topic(topic)
        if parsed is None:
            return False
        trustee = self._trustee(parsed)
        if trustee is None or self._wanted is None or not payload:
            return True
        notice = open_notice(parsed, payload, trustee.signing_key)
        if notice.month != self._wanted[1]:
            raise MessageRefused(Reason.BOUNDS, "a sealing key of another year")
        self._keys[trustee.name] = notice.sealing_key
        return True

    def _trustee(self, topic: SealingTopic) -> Trustee | None:
        if self._wanted is None or topic.collectivity != self._collectivity:
            return None
        trustees = self._wanted[0].trustees.trustees
        return next((each for each in trustees if each.name == topic.trustee), None)
