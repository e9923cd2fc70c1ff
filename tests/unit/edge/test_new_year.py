"""A chip over New Year: each year's readings under keys of their own, and bills as before."""

from datetime import date, timedelta
from decimal import Decimal

import msgspec
import pytest

from edge.chip.chip import Chip
from edge.identity.enrolment import signer_of
from edge.metering.events import NoticeKind
from edge.vault.keyring import files_in
from edge.vault.vault import Vault
from protocol.calendar import day_number, day_of_number, month_of
from protocol.messages import Block, Epoch, Statement
from provider.receipts import ReceiptVerdict
from tests.support.receipts import Home

FIRST = date(2026, 12, 10)
NEW_YEAR = date(2027, 1, 1)
DECEMBER = (NEW_YEAR - FIRST).days
PERIOD = 45


def name(number: int) -> bytes:
    return bytes([number]) * 16


@pytest.fixture
def home(tmp_path):
    made = Home(tmp_path / "home", first=FIRST)
    made.begin()
    yield made
    made.kill()


def body(payload, kind):
    return msgspec.msgpack.decode(msgspec.msgpack.decode(payload)[1], type=kind)


def years_of_epochs(home) -> dict[int, set[bytes]]:
    """The ids of the keys of each year's epochs in the cloud, as the chip recognises them."""
    found: dict[int, set[bytes]] = {}
    for row in home.cloud.store.epochs(home.identity.household_key):
        header = body(row.payload, Epoch)
        keys = home.identity.keyring.maker_of(header)
        assert keys is not None
        found.setdefault(day_of_number(header.month).year, set()).add(keys.id)
        assert keys.year == day_of_number(header.month).year
    return found


def judged(home, statement):
    (row,) = (row for row in home.vault.statements() if row.id == statement)
    return msgspec.json.decode(row.verdict)


def billed_cents(home, first, days):
    """What the days cost by the chip's own registers, in cents with tax."""
    rows = home.vault.values.days(first, first + timedelta(days=days))
    return [sum(closed.register_steps_kwh[n] for closed, _ in rows) for n in (0, 1)]


def test_each_year_is_encrypted_under_keys_of_its_own(home):
    home.live(PERIOD + 2)
    years = years_of_epochs(home)
    assert years.keys() == {2026, 2027}
    assert all(len(ids) == 1 for ids in years.values())
    assert years[2026].isdisjoint(years[2027])
    assert [path.name[:9] for path in files_in(home.directory / "keys")] == [
        "year-2026",
        "year-2027",
    ]


@pytest.mark.parametrize("restarts", [False, True])
def test_a_bill_over_new_year_opens_to_the_cent_and_its_receipt_is_proven(home, restarts):
    home.live(DECEMBER)
    if restarts:
        home.restart()
        home.pump()
    home.live(PERIOD - DECEMBER + 2)
    statement = home.ask(0, PERIOD, name(1))
    judgement = judged(home, statement)
    assert (judgement["verdict"], judgement["findings"]) == ("correct", [])
    low, high = billed_cents(home, FIRST, PERIOD)
    assert [line["quantity"] for line in judgement["opened"]] == [low, high, low + high]
    (kept,) = home.receipts()
    checked = home.check(kept)
    assert (checked.verdict, checked.detail) == (ReceiptVerdict.PROVEN, "")
    assert checked.total_ttc == Decimal(judgement["bill"]["total_ttc"])


def test_a_statement_never_adds_numbers_of_two_years(home):
    home.live(PERIOD + 2)
    statement = home.ask(0, PERIOD, name(1))
    (row,) = (row for row in home.vault.statements() if row.id == statement)
    told = body(row.payload, Statement)
    for line in told.lines:
        months = [day_of_number(month.month) for month in line.months]
        assert months == [date(2026, 12, 1), NEW_YEAR]


def test_a_chip_that_was_dark_over_new_year_encrypts_each_day_under_its_own_year(home):
    home.live(DECEMBER - 4)
    home.kill()
    home.clock.at += timedelta(days=12)
    home.clock.seconds += 12 * 86_400
    home.begin()
    home.live(PERIOD - DECEMBER - 6)
    assert years_of_epochs(home).keys() == {2026, 2027}
    judgement = judged(home, home.ask(0, PERIOD, name(1)))
    assert (judgement["verdict"], judgement["findings"]) == ("correct", [])


def test_a_start_under_a_wrong_clock_draws_no_keys_of_its_year(home):
    home.live(2)
    home.kill()
    at, home.clock.at = home.clock.at, home.clock.at.replace(year=2031)
    home.vault = Vault.open(home.directory, signer_of(home.identity))
    Chip(home.identity, home.vault, home.clock)
    assert [path.name[:9] for path in files_in(home.directory / "keys")] == ["year-2026"]
    home.clock.at = at


def test_december_sent_in_january_is_decembers(home):
    home.live(DECEMBER - 3)
    home.connect(is_online=False)
    home.live(8)
    home.kill()
    home.is_online = True
    home.begin()
    home.settle()
    blocks = [body(row.payload, Block) for row in stored_blocks(home)]
    late = [block for block in blocks if month_of(day_of_number(block.day)) == date(2026, 12, 1)]
    assert max(block.day for block in late) == day_number(NEW_YEAR) - 1
    assert years_of_epochs(home).keys() == {2026, 2027}


def stored_blocks(home):
    key = home.identity.household_key
    return home.cloud.store.blocks_of_days(key, date(2026, 1, 1), date(2030, 1, 1))


def test_a_lost_vault_comes_back_from_both_years(home):
    home.live(PERIOD)
    before = home.vault.values.days(FIRST, NEW_YEAR + timedelta(days=10))
    home.kill()
    for path in home.directory.glob("vault.db*"):
        path.unlink()
    home.begin()
    home.settle()
    after = home.vault.values.days(FIRST, NEW_YEAR + timedelta(days=10))
    assert [row.register_steps_kwh for row, _ in after] == [
        row.register_steps_kwh for row, _ in before
    ]
    home.live(2)
    assert judged(home, home.ask(0, PERIOD - 1, name(1)))["verdict"] == "correct"


# A copy from before New Year


def test_a_copy_without_the_new_years_keys_goes_on_under_new_ones_and_says_so(home, tmp_path):
    home.live(DECEMBER - 5)
    image = tmp_path / "image"
    home.image(image)
    home.live(20)  # until 15 January, and the card dies
    home.restore(image)
    home.begin()
    home.settle()
    notices = [(notice.kind, notice.detail) for notice in home.vault.values.notices()]
    assert (NoticeKind.KEYS_LOST, "2027-01-01 2027-01-14") in notices
    home.live(40)
    # December comes back, and so it is billed as before.
    assert judged(home, home.ask(0, DECEMBER, name(1)))["verdict"] == "correct"
    # What nobody can open is not called wrong.
    january = judged(home, home.ask(DECEMBER, DECEMBER + 20, name(2)))
    assert (january["verdict"], january["findings"]) == ("refused", ["keys_gone"])
    # From the day after on, all is as before, though the month has blocks under both keys.
    after = judged(home, home.ask(DECEMBER + 16, DECEMBER + 50, name(3)))
    assert (after["verdict"], after["findings"]) == ("correct", ["never_billed"])


def test_a_key_file_that_is_gone_is_told_once_and_a_bill_is_not_called_wrong(home):
    home.live(DECEMBER + 10)
    home.kill()
    for path in files_in(home.directory / "keys"):
        if path.name.startswith("year-2027"):
            path.unlink()
    for _ in range(2):
        home.begin()
        told = [each for each in home.vault.values.notices() if each.kind is NoticeKind.KEYS_LOST]
        assert [each.detail for each in told] == ["2027-01-01 2027-01-09"]
        home.live(1)
        home.kill()
    home.begin()
    home.live(1)
    judgement = judged(home, home.ask(0, DECEMBER + 5, name(1)))
    assert (judgement["verdict"], judgement["findings"]) == ("refused", ["keys_gone"])


def test_keys_that_come_back_with_a_later_copy_open_what_was_lost(home, tmp_path):
    home.live(DECEMBER - 5)
    image = tmp_path / "image"
    home.image(image)
    home.live(20)
    (kept,) = (home.directory / "keys").glob("year-2027-*.key")
    data = kept.read_bytes()
    exact = [row.register_steps_kwh for row, _ in home.vault.values.days(NEW_YEAR, date.max)]
    home.restore(image)
    home.begin()
    home.live(5)
    home.kill()
    kept.write_bytes(data)
    kept.chmod(0o600)
    home.is_online = False
    home.start()
    assert not home.vault.epochs.match_keys(), "each epoch has found its keys"
    home.kill()
    home.is_online = True
    home.begin()
    home.settle()
    home.live(20)
    rows = [row.register_steps_kwh for row, _ in home.vault.values.days(NEW_YEAR, date.max)]
    assert rows[: len(exact)] == exact
    # Both years, and in January numbers under both keys.
    judgement = judged(home, home.ask(0, DECEMBER + 30, name(1)))
    assert (judgement["verdict"], judgement["findings"]) == ("correct", [])
