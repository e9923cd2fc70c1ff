"""What may come back from the cloud, and what is refused."""

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.identity.enrolment import signer_of
from edge.mqtt.recovery import Missing, Recovery
from edge.vault.keyring import Keyring
from edge.vault.signer import Signer
from protocol.calendar import day_number
from protocol.errors import MessageRefused, Reason
from protocol.ids import Incarnation
from protocol.keys import HouseholdSecret
from protocol.messages import Block, Epoch, IncarnationState
from protocol.topics import Kind
from tests.support.chip_bench import instant, make_identity

SIGNER = signer_of(make_identity())
LIFE = Incarnation(b"incarnat")
DAY = instant(2026, 3, 10).date()
MONTH = DAY.replace(day=1)


class Past:
    """What a chip once made."""

    def __init__(self, blocks=3, signer=SIGNER):
        keys = signer.keyring.of_year(MONTH.year)
        self.pad = keys.seal.new_epoch(MONTH, LIFE)
        number = day_number(MONTH)
        mac = keys.epoch_mac(signer.household.id, number, LIFE, self.pad.seed)
        self.header = Epoch(signer.household.id, number, LIFE, self.pad.seed, mac)
        self.epoch = signer.seal(Kind.EPOCH, self.header)
        self.bodies = [self._block(n, signer) for n in range(1, blocks + 1)]
        self.blocks = [signer.seal(Kind.BLOCK, body) for body in self.bodies]

    def _block(self, n, signer):
        value = self.pad.encrypt(DAY, n, 100 * n).to_bytes(8, "little")
        return Block(signer.household.id, day_number(DAY), LIFE, n, n, value)


def state(through):
    return IncarnationState(LIFE, through, (), (day_number(MONTH),))


def recovery(sequences=(1, 2, 3)):
    return Recovery(SIGNER, [Missing(state(max(sequences)), tuple(sequences))])


def test_what_comes_back_is_opened_to_what_was_encrypted():
    past, fetching = Past(), recovery()
    assert fetching.request(0.0).sequence == 1
    fetching.take_epoch(past.epoch)
    for payload in past.blocks:
        assert not fetching.is_complete
        fetching.take_block(payload)
    assert fetching.is_complete
    found = fetching.result()
    assert [each.values for each in found.blocks] == [(100,), (200,), (300,)]
    assert [each.payload for each in found.blocks] == past.blocks
    assert found.lost == ()


@pytest.mark.parametrize("place", range(0, 300, 7))
def test_a_changed_byte_is_refused(place):
    past, fetching = Past(blocks=1), recovery((1,))
    fetching.take_epoch(past.epoch)
    for payload, take in ((past.epoch, fetching.take_epoch), (past.blocks[0], fetching.take_block)):
        changed = bytearray(payload)
        changed[place % len(payload)] ^= 1
        with pytest.raises(MessageRefused):
            take(bytes(changed))
    assert not fetching.is_complete


def test_an_epoch_of_another_household_is_refused_though_the_chip_signed_it():
    household = HouseholdSecret.generate()
    other = Signer(SIGNER.collectivity, SIGNER.device, SIGNER.key, household, Keyring(household))
    with pytest.raises(MessageRefused) as caught:
        recovery().take_epoch(Past(signer=other).epoch)
    assert caught.value.reason is Reason.MAC


def test_blocks_of_an_epoch_that_no_keys_here_made_are_kept_unopened():
    past, fetching = Past(), recovery()
    forged = msgspec.structs.replace(past.header, seed=bytes(64))
    fetching.take_epoch(SIGNER.seal(Kind.EPOCH, forged))
    for payload in past.blocks:
        fetching.take_block(payload)
    found = fetching.result()
    assert [each.values for each in found.blocks] == [None, None, None]
    assert [each.keys for each in found.headers] == [b""]


def test_another_chips_block_is_refused():
    other = Signer(
        SIGNER.collectivity,
        SIGNER.device,
        Ed25519PrivateKey.generate(),
        SIGNER.household,
        SIGNER.keyring,
    )
    with pytest.raises(MessageRefused) as caught:
        recovery().take_block(Past(signer=other).blocks[0])
    assert caught.value.reason is Reason.SIGNATURE


def test_a_block_is_not_opened_without_its_header():
    with pytest.raises(MessageRefused) as caught:
        recovery().take_block(Past().blocks[0])
    assert caught.value.reason is Reason.NO_EPOCH


def test_it_asks_again_when_no_answer_comes_and_never_gives_up_on_silence():
    fetching = recovery()
    asked = [at for at in range(0, 20_000, 10) if fetching.request(float(at))]
    assert 10 < len(asked) < 1_000
    assert not fetching.is_complete


def test_what_the_cloud_does_not_give_though_it_answers_is_given_up():
    past, fetching = Past(), recovery()
    fetching.request(0.0)
    fetching.take_epoch(past.epoch)
    fetching.take_block(past.blocks[1])
    fetching.take_ack([state(3)])
    for at in (1.0, 2.0, 3.0):
        assert not fetching.is_complete
        assert fetching.request(at) is not None
        fetching.take_ack([state(3)])
    assert fetching.is_complete
    assert fetching.result().lost == ((LIFE, 1), (LIFE, 3)) or set(fetching.result().lost) == {
        (LIFE, 1),
        (LIFE, 3),
    }


def test_an_ack_of_another_incarnation_does_not_end_the_answer():
    fetching = recovery()
    fetching.request(0.0)
    other = IncarnationState(b"anotherr", 5, (), ())
    for _ in range(10):
        fetching.take_ack([other])
    assert fetching.request(1.0) is None
    assert not fetching.is_complete
