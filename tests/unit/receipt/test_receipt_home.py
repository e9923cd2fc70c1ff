"""Receipts from meter to provider: one chip, the cloud's ingest and store, and both sides' checks."""

import shutil
from datetime import date
from decimal import Decimal

import msgspec
import pytest

import provider.receipts
from edge.bills.receipts import make_receipt
from edge.mqtt.message import Arrived
from protocol import amount_proof
from protocol.bill import price_bill, register_energies
from protocol.calendar import day_number
from protocol.contract import Consent
from protocol.envelope import Address, open_message, seal_message
from protocol.errors import Reason
from protocol.hpke import SealingKey
from protocol.messages import Block, Statement
from protocol.receipt import Receipt
from protocol.tariff import RegisterLine
from protocol.topics import Kind, device_topic
from provider.commands.receipts import in_words
from provider.receipts import ReceiptVerdict, check_kept
from system.set_aside import SetAside
from tests.support.chip_bench import PLATFORM_KEY
from tests.support.receipts import Home, day
from tests.support.tariffs import simple_tariff

JANUARY = 31


def name(number: int) -> bytes:
    return bytes([number]) * 16


@pytest.fixture(scope="module")
def january(tmp_path_factory):
    """A household that has lived a January and two days, and images to begin again from."""
    made = Home(tmp_path_factory.mktemp("january") / "home")
    made.begin()
    made.live(33)
    made.kill()
    image = made.directory.with_name("image")
    made.image(image)
    yield made, image, made.cloud.snapshot(), (made.clock.at, made.clock.seconds)
    made.kill()


@pytest.fixture
def home(january):
    """The household on the second of February."""
    made, image, snapshot, (made.clock.at, made.clock.seconds) = january
    made.restore(image)
    made.cloud.put_back(snapshot)
    made.token, made.drop, made.forget = "", lambda _: False, lambda _: False
    made.sent.clear()
    made.carried.clear()
    made.begin()
    yield made
    made.kill()


def lived(tmp_path, days=33, **options) -> Home:
    made = Home(tmp_path / "other", **options)
    made.begin()
    made.live(days)
    return made


def test_a_total_is_proven_from_the_commitments_of_its_days(home):
    home.ask(0, JANUARY, name(1))
    (stored,) = home.receipts()
    checked = home.check(stored)
    assert (checked.verdict, checked.detail) == (ReceiptVerdict.PROVEN, "")
    assert (checked.start, checked.end) == (day(0), day(JANUARY))
    (verdict,) = [msgspec.json.decode(row.verdict) for row in home.vault.statements()]
    assert checked.total_ttc == Decimal(verdict["bill"]["total_ttc"])
    assert checked.lines == ()
    # Two prices and excise at 20 %: 2.3 cents on either side of the exact sum.
    assert checked.wrong_cents_max == 4
    assert "wrong by up to 4 cents" in in_words(checked)


def test_lines_are_proven_to_the_kwh_where_the_contract_says_so(tmp_path):
    home = lived(tmp_path, consent=Consent.LINES)
    home.ask(0, JANUARY, name(1))
    (stored,) = home.receipts()
    checked = home.check(stored)
    assert checked.verdict is ReceiptVerdict.PROVEN, checked.detail
    rows = home.vault.values.days(day(0), day(JANUARY))
    low, high = (sum(closed.register_steps_kwh[n] for closed, _ in rows) for n in (0, 1))
    assert [line.kwh for line in checked.lines] == [low, high, low + high]
    assert checked.wrong_cents_max == 0
    assert "wrong by" not in in_words(checked)
    home.kill()


def test_a_provider_is_told_that_days_rest_on_an_index_that_jumped(tmp_path):
    home = lived(tmp_path, days=10)
    low_wh, high_wh = home.meter.base_wh
    home.run(4)
    home.meter.base_wh = (low_wh + 700_000, high_wh)  # within a quarter-hour
    home.run(92, with_pump=False)
    home.pump()
    home.live(22)
    home.ask(0, JANUARY, name(1))
    (judgement,) = [msgspec.json.decode(row.verdict) for row in home.vault.statements()]
    assert judgement["verdict"] == "correct"
    assert [each["doubt"] for each in judgement["estimated"]] == ["index_jumped"]
    checked = home.check(home.receipts()[0])
    assert (checked.verdict, checked.doubts) == (ReceiptVerdict.PROVEN, ("index_jumped",))
    assert "estimated in part" in in_words(checked)
    home.kill()


def test_a_tariff_that_changes_in_the_month_is_proven_in_two_parts(tmp_path):
    offered = (
        simple_tariff(valid_from=date(2025, 8, 1), valid_to=day(10)),
        simple_tariff(
            name="Heures creuses, nouveau barème",
            valid_from=day(10),
            energy=(RegisterLine("tout", (1, 2), Decimal("0.20001"), Decimal("0.20")),),
        ),
    )
    home = lived(tmp_path, tariffs=offered)
    home.ask(0, JANUARY, name(1))
    assert home.check(home.receipts()[0]).verdict is ReceiptVerdict.PROVEN
    home.kill()


@pytest.mark.parametrize("consent", [Consent.TOTAL, Consent.LINES])
def test_where_energy_costs_nothing_the_total_is_that_of_the_fixed_lines(tmp_path, consent):
    free = (RegisterLine("gratuit", (1, 2), Decimal(0), Decimal("0.055")),)
    home = lived(tmp_path, tariffs=(simple_tariff(energy=free),), consent=consent)
    home.ask(0, JANUARY, name(1))
    checked = home.check(home.receipts()[0])
    assert (checked.verdict, checked.total_ttc) == (ReceiptVerdict.PROVEN, Decimal("14.81"))
    home.kill()


def test_nothing_leaves_where_the_contract_says_nothing(tmp_path):
    home = lived(tmp_path, consent=Consent.NOTHING)
    home.ask(0, JANUARY, name(1))
    assert home.verdicts() == ["correct"]
    assert home.receipts() == ()
    assert home.count(Kind.RECEIPT) == 0
    home.kill()


def test_nobody_but_the_provider_opens_it(home):
    home.ask(0, JANUARY, name(1))
    (stored,) = home.receipts()
    refused = home.check(stored, sealing_key=SealingKey.generate())
    assert (refused.verdict, refused.total_ttc) == (ReceiptVerdict.REFUSED, None)


# Tampering after reading time.


def forged(home, **changes) -> Receipt:
    """Make a receipt with the chip's own keys and code, of a bill that is `changes`."""
    grounds, bill, days = changes.pop("of")
    return make_receipt(
        home.identity.collectivity,
        home.identity.household_key,
        grounds,
        msgspec.structs.replace(bill, **changes),
        days,
    )


def send(home, receipt: Receipt) -> None:
    address = Address(home.identity.collectivity, home.identity.device, Kind.RECEIPT)
    payload = seal_message(address, receipt, home.identity.signing_key)
    topic = device_topic(home.identity.collectivity, home.identity.device, Kind.RECEIPT)
    home.cloud.take(_Publish(topic, payload))


class _Publish(msgspec.Struct):
    topic: str
    payload: bytes


@pytest.fixture
def tampered(home, monkeypatch):
    """What a tampered chip knows when it makes a receipt; none has left yet."""
    seen = []
    monkeypatch.setattr(
        "edge.bills.receipt_lane.make_receipt",
        lambda *given: seen.append(given[2:]) or make_receipt(*given),
    )
    send_it = home.drop
    home.drop = lambda message: device_topic_of(message) == "up/receipt" or send_it(message)
    home.ask(0, JANUARY, name(1))
    assert home.receipts() == ()
    return home, seen[0]


def device_topic_of(message) -> str:
    return "/".join(message.topic.split("/")[5:7])


def test_a_tampered_chip_cannot_lower_the_total(tampered, monkeypatch):
    home, of = tampered
    monkeypatch.setattr(amount_proof, "_check_truth", lambda *_: None)
    send(home, forged(home, of=of, total_ttc=of[1].total_ttc - Decimal("0.10")))
    (stored,) = home.receipts()
    checked = home.check(stored)
    assert (checked.verdict, checked.total_ttc) == (ReceiptVerdict.REFUSED, None)
    assert "does not hold" in checked.detail


def test_a_tampered_chip_cannot_prove_from_lowered_days(tampered):
    home, (grounds, bill, days) = tampered
    lower = {
        each: msgspec.structs.replace(
            row,
            closed=msgspec.structs.replace(
                row.closed, register_steps_kwh=(row.closed.register_steps_kwh[0] // 2, *[0] * 9)
            ),
        )
        for each, row in days.items()
    }
    steps = [sum(row.closed.register_steps_kwh[n] for row in lower.values()) for n in range(10)]
    energies = register_energies(0, grounds.offer.tariffs[0], grounds.days, steps)
    total = price_bill(grounds.offer.tariffs, day(0), day(JANUARY), energies).total_ttc
    assert total < bill.total_ttc
    send(home, forged(home, of=(grounds, bill, lower), total_ttc=total))
    assert home.check(home.receipts()[0]).verdict is ReceiptVerdict.REFUSED


def test_an_honest_receipt_of_the_same_chip_would_have_been_proven(tampered):
    home, of = tampered
    send(home, forged(home, of=of))
    assert home.check(home.receipts()[0]).verdict is ReceiptVerdict.PROVEN


def test_without_the_proofs_check_a_lowered_total_passes(tampered, monkeypatch):
    """The guarantee broken on purpose: nothing else stops it."""
    home, of = tampered
    monkeypatch.setattr(amount_proof, "_check_truth", lambda *_: None)
    send(home, forged(home, of=of, total_ttc=of[1].total_ttc - Decimal(100)))
    monkeypatch.setattr(provider.receipts, "verify", lambda *_: None)
    assert home.check(home.receipts()[0]).verdict is ReceiptVerdict.PROVEN


def test_commitments_that_the_chip_did_not_sign_do_not_count(home, monkeypatch):
    """A store that put another day's block in a day's place is noticed by the signature."""
    home.ask(0, JANUARY, name(1))
    (stored,) = home.receipts()
    blocks = home.cloud.store.blocks_of_days(home.identity.household_key, day(0), day(JANUARY))
    swapped = [
        msgspec.structs.replace(block, day=other.day)
        for block, other in zip(blocks, [*blocks[1:], blocks[0]], strict=True)
    ]
    damaged = msgspec.structs.replace(
        blocks[0], payload=blocks[0].payload[:-1] + bytes([blocks[0].payload[-1] ^ 1])
    )
    store = home.cloud.store
    for bad in (swapped, [damaged, *blocks[1:]], blocks[1:]):
        monkeypatch.setattr(type(store), "blocks_of_days", lambda *_, bad=bad: tuple(bad))
        assert home.check(stored).verdict is ReceiptVerdict.REFUSED


def test_a_receipt_is_checked_against_its_own_request_and_contract(home):
    home.ask(0, JANUARY, name(1))
    (stored,) = home.receipts()
    replace = msgspec.structs.replace
    for changed in (
        replace(stored, statement=name(2)),
        replace(stored, household_key=name(2)),
        replace(stored, payload=stored.payload[:-1] + bytes([stored.payload[-1] ^ 1])),
        replace(stored, payload=b""),
    ):
        assert home.check(changed).verdict is ReceiptVerdict.REFUSED
    other = replace(home.contract, hash=bytes(32))
    assert home.check(stored, contract=other).verdict is ReceiptVerdict.REFUSED
    assert home.check(stored, collectivity="autre").verdict is ReceiptVerdict.REFUSED


# What leaves, and what does not.


def test_a_period_that_is_too_short_is_judged_and_gets_no_receipt(home):
    home.ask(0, 24, name(1))
    assert home.verdicts() == ["correct"]
    assert home.receipts() == ()


def test_a_contracts_last_period_may_be_short_once(tmp_path):
    home = lived(tmp_path, end=day(30))
    home.ask(0, 4, name(1))
    home.ask(4, 24, name(2))
    assert home.receipts() == ()
    home.ask(24, 30, name(3))
    assert [stored.statement for stored in home.receipts()] == [name(3)]
    assert home.check(home.receipts()[0]).verdict is ReceiptVerdict.PROVEN
    home.kill()


def test_no_day_is_in_two_receipts_whatever_is_asked(home):
    home.live(30)
    home.ask(0, JANUARY, name(1))
    home.ask(JANUARY - 1, JANUARY + 28, name(2))
    home.ask(0, JANUARY, name(3))
    home.ask(0, JANUARY + 28, name(4))
    assert [stored.statement for stored in home.receipts()] == [name(1)]
    home.ask(JANUARY, JANUARY + 28, name(5))
    assert [stored.statement for stored in home.receipts()] == [name(1), name(5)]


def altered(home, statement: bytes, start: int, end: int) -> None:
    """Deliver a statement whose first sum has been altered in the cloud."""
    taken = []
    take, home.chip.take = home.chip.take, taken.append
    home.ask(start, end, statement)
    home.chip.take = take
    (arrived,) = [each for each in taken if isinstance(each, Arrived)]
    address = Address(home.identity.collectivity, home.identity.device, Kind.STATEMENT)
    body = open_message(address, arrived.payload, PLATFORM_KEY.public_key(), Statement)
    (line, *lines), replace = body.lines, msgspec.structs.replace
    (month, *months) = line.months
    wrong = replace(month, quantity=(month.quantity + (1 << 30)) % (1 << 59))
    body = replace(body, lines=(replace(line, months=(wrong, *months)), *lines))
    home.chip.take(Arrived(arrived.topic, seal_message(address, body, PLATFORM_KEY)))
    home.wait()


def test_after_a_second_mismatch_nothing_leaves_until_the_household_says_so(home):
    home.live(60)
    altered(home, name(1), 0, JANUARY)
    home.ask(JANUARY, JANUARY + 28, name(2))
    assert [stored.statement for stored in home.receipts()] == [name(2)]
    altered(home, name(3), 0, JANUARY)
    home.ask(JANUARY + 28, JANUARY + 56, name(4))
    assert home.verdicts() == ["differs", "correct", "differs", "correct"]
    assert home.count(Kind.RECEIPT) == 1
    home.restart()
    home.wait()
    assert home.count(Kind.RECEIPT) == 1
    home.token = "the household pressed the button"
    home.wait()
    assert [stored.statement for stored in home.receipts()] == [name(2), name(4)]
    altered(home, name(5), 0, JANUARY)
    home.restart()
    home.wait()
    assert home.count(Kind.RECEIPT) == 2


def test_a_statement_that_did_not_agree_never_gets_a_receipt(home):
    altered(home, name(1), 0, JANUARY)
    home.token = "go on"
    home.wait()
    row = home.cloud.store.request(name(1))
    home.chip.take(
        Arrived(
            device_topic(
                home.identity.collectivity, home.identity.device, Kind.STATEMENT, name(1).hex()
            ),
            row.statement,
        )
    )
    home.wait()
    assert home.verdicts() == ["correct"]
    assert home.receipts() == ()


def test_what_leaves_looks_alike_whatever_was_found(home):
    """Mismatch, too short a period and days that have a receipt: the same messages leave."""
    home.live(30)
    home.ask(0, JANUARY, name(1))
    seen = []
    for number, deliver in enumerate(
        (
            lambda statement: altered(home, statement, JANUARY, JANUARY + 28),
            lambda statement: home.ask(JANUARY, JANUARY + 3, statement),
            lambda statement: home.ask(0, JANUARY, statement),
        ),
        start=2,
    ):
        before = len(home.sent)
        deliver(name(number))
        sent = [(device_topic_of(m), len(m.payload)) for m in home.sent[before:]]
        seen.append([each for each in sent if not each[0].startswith("status")])
    assert seen[0] == seen[1] == seen[2]
    assert {topic for topic, _ in seen[0]} == {"up/seen"}


# Not lost, not doubled.


def test_a_receipt_waits_until_every_block_of_its_days_is_known_to_be_stored(tmp_path):
    home = Home(tmp_path / "home")
    home.begin()
    home.live(20)
    home.drop = lambda message: device_topic_of(message) == "down/ack"
    home.live(13)
    home.ask(0, JANUARY, name(1))
    assert home.count(Kind.RECEIPT) == 0
    home.drop = lambda _: False
    home.restart()
    home.settle()
    home.wait()
    assert [stored.statement for stored in home.receipts()] == [name(1)]
    home.kill()


def test_a_receipt_is_sent_until_the_cloud_says_that_it_holds_it(home):
    lost = []
    home.drop = lambda message: (
        device_topic_of(message) in {"up/receipt", "down/receipt"}
        and len(lost) < 3
        and (lost.append(message) or True)
    )
    home.ask(0, JANUARY, name(1))
    assert not home.chip.is_drained
    for _ in range(12):
        home.clock.seconds += 600
        home.pump()
    assert len(lost) == 3
    assert home.count(Kind.RECEIPT) > 2
    assert [stored.statement for stored in home.receipts()] == [name(1)]
    assert home.chip.is_drained
    count = home.count(Kind.RECEIPT)
    home.restart()
    home.wait(40)
    assert home.count(Kind.RECEIPT) == count


def test_a_kill_before_the_ack_sends_the_same_bytes_again(home):
    home.drop = lambda message: device_topic_of(message) == "down/receipt"
    home.ask(0, JANUARY, name(1))
    first = [m.payload for m in home.sent if device_topic_of(m) == "up/receipt"]
    home.restart()
    home.wait()
    again = [m.payload for m in home.sent if device_topic_of(m) == "up/receipt"]
    assert len(again) > len(first)
    assert len(set(again)) == 1
    assert len(home.receipts()) == 1
    home.drop = lambda _: False
    home.clock.seconds += 4_000
    home.wait()
    assert home.chip.is_drained


def test_a_second_receipt_for_a_statement_is_refused_and_told_to_be_held(tampered):
    home, of = tampered
    send(home, forged(home, of=of))
    home.drop = lambda _: False
    home.clock.seconds += 4_000
    home.wait()
    assert home.chip.is_drained
    assert len(home.receipts()) == 1
    (letter,) = home.cloud.refused
    assert (letter.reason, letter.detail) == (Reason.CONFLICT, "the statement has another receipt")


def test_a_receipt_for_no_statement_of_this_household_is_refused(home):
    send(home, Receipt(home.identity.household_key, name(9), b"x"))
    (letter,) = home.cloud.refused
    assert (letter.reason, letter.detail) == (Reason.BOUNDS, "no such statement")


def test_a_chip_that_lost_its_store_asks_the_household_before_it_signs_off_old_days(home, tmp_path):
    home.live(3)
    home.restore(_without_vault(home, tmp_path))
    home.start()
    for _ in range(40):
        home.clock.seconds += 61
        home.pump()
    home.live(1)
    home.ask(0, JANUARY, name(1))
    assert home.verdicts() == ["correct"]
    assert home.receipts() == ()
    home.token = "I have had no receipt for these days"
    home.wait()
    (stored,) = home.receipts()
    assert home.check(stored).verdict is ReceiptVerdict.PROVEN


def _without_vault(home, tmp_path):
    left = tmp_path / "left"
    shutil.copytree(home.directory / "keys", left / "keys")
    return left


def test_every_closing_block_carries_the_commitment_of_its_day(home):
    blocks = home.cloud.store.blocks_of_days(home.identity.household_key, day(0), day(JANUARY))
    address = Address(home.identity.collectivity, home.identity.device, Kind.BLOCK)
    key = home.identity.signing_key.public_key()
    bodies = [open_message(address, block.payload, key, Block) for block in blocks]
    closing = [body for body in bodies if body.commitment]
    assert [body.day for body in closing] == [day_number(day(n)) for n in range(JANUARY)]
    assert all(body.is_closing and len(body.commitment) == 32 for body in closing)
    assert len({body.commitment for body in closing}) == JANUARY


def test_a_defect_of_one_receipt_is_told_of_it_alone(home, monkeypatch):
    home.ask(0, 31, name(1))
    (kept,) = home.receipts()

    def fail(*_):
        raise KeyError("a defect of this program")

    monkeypatch.setattr(provider.receipts, "verify", fail)
    checked = check_kept(SetAside(), *home.to_check(kept))
    assert checked.verdict is ReceiptVerdict.SET_ASIDE
    assert "KeyError" not in in_words(checked)
