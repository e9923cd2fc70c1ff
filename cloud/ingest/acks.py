"""Builds acks: signed statements of what is stored for a household, sent after the commit."""

from collections.abc import Iterator, Sequence

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.ingest.downlink import DownlinkSigner
from cloud.store import Device, Holdings
from protocol.messages import TAG_BYTES, Ack, IncarnationState, Refusal, holdings_digest
from protocol.topics import Kind
from system.mqtt.message import Outgoing

# With 512 refusals beside them, states of this size stay within the envelope's 64 KiB.
STATES_MAX_BYTES = 40 * 1024


class Acknowledger:
    """Makes the acks of one store."""

    def __init__(self, collectivity: str, generation: bytes, key: Ed25519PrivateKey) -> None:
        self._generation = generation
        self._signer = DownlinkSigner(collectivity, key)

    def touched(
        self,
        device: Device,
        holdings: Holdings,
        incarnations: set[bytes],
        refused: Sequence[Refusal] = (),
    ) -> Iterator[Outgoing]:
        """Report what is stored of these incarnations, in as many messages as it takes."""
        states = tuple(state for state in holdings.states if state.incarnation in incarnations)
        *parts, last = _parts(states)
        for part in parts:
            yield self._ack(device, holdings, part, (), is_whole=False)
        yield self._ack(device, holdings, last, refused, is_whole=False)

    def whole(
        self, device: Device, holdings: Holdings, refused: Sequence[Refusal] = ()
    ) -> Iterator[Outgoing]:
        """Report all that is stored. Of several messages, only the last is marked whole."""
        *parts, last = _parts(holdings.states)
        for part in parts:
            yield self._ack(device, holdings, part, (), is_whole=False)
        yield self._ack(device, holdings, last, refused, is_whole=True)

    def _ack(
        self,
        device: Device,
        holdings: Holdings,
        states: tuple[IncarnationState, ...],
        refused: Sequence[Refusal],
        *,
        is_whole: bool,
    ) -> Outgoing:
        ack = Ack(
            device.household_key[:TAG_BYTES],
            self._generation,
            holdings_digest(list(holdings.states)),
            is_whole,
            states,
            tuple(refused),
        )
        return self._signer.sign(device.device, Kind.ACK, ack, device.version)


def _parts(states: tuple[IncarnationState, ...]) -> list[tuple[IncarnationState, ...]]:
    """Split states into at least one part, each small enough for a message."""
    parts: list[list[IncarnationState]] = [[]]
    size_bytes = 0
    for state in states:
        state_bytes = len(msgspec.msgpack.encode(state))
        if parts[-1] and size_bytes + state_bytes > STATES_MAX_BYTES:
            parts.append([])
            size_bytes = 0
        parts[-1].append(state)
        size_bytes += state_bytes
    return [tuple(part) for part in parts]
