"""Delivers providers' private letters to chips; the cloud cannot open them."""

from functools import partial

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.store import Store
from cloud.store.providers import StoredLetter
from protocol.envelope import Address, seal_message
from protocol.ids import DeviceId
from protocol.letters import Letter
from protocol.provider_api import LetterState
from protocol.topics import Kind, device_topic
from system.mqtt.message import Outgoing
from system.set_aside import SetAside

PAGE_LETTERS = 64


def due_letters(
    store: Store,
    platform_key: Ed25519PrivateKey,
    collectivity: str,
    set_aside: SetAside,
    *,
    is_again: bool,
) -> tuple[Outgoing, ...]:
    """Return messages for unpublished letters, which are recorded before they are sent.

    With `is_again`, after a start of the worker or broker, also return letters that no chip has
    seen.
    """
    new = store.providers.letters_in(LetterState.PENDING, PAGE_LETTERS)
    if new:
        store.providers.mark_letters_published([letter.id for letter, _ in new])
    old = store.providers.letters_in(LetterState.PUBLISHED, -1) if is_again else new
    messages = (
        set_aside.handle(
            Kind.LETTER,
            letter.letter,
            partial(
                _message,
                letter,
                device,
                platform_key,
                collectivity,
                store.versions.written_to(device),
            ),
            None,
        )
        for letter, device in old
    )
    return tuple(message for message in messages if message is not None)


def _message(
    letter: StoredLetter,
    device: DeviceId,
    platform_key: Ed25519PrivateKey,
    collectivity: str,
    version: int,
) -> Outgoing:
    body = Letter(letter.household_key, letter.id, letter.letter)
    address = Address(collectivity, device, Kind.LETTER)
    payload = seal_message(address, body, platform_key, version)
    topic = device_topic(collectivity, device, Kind.LETTER, letter.id.hex())
    return Outgoing(topic, payload, retain=True)
