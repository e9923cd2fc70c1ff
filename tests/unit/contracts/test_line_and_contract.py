"""A running chip holds its line against the contract, tells its household once, and meters on."""

from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from edge.commands.table import edge
from edge.contracts.agreement import Agreement
from edge.contracts.listed import Contracts
from edge.contracts.meter import meter_hash
from edge.contracts.watch import ContractWatch, differences, unresolved
from edge.metering.events import NoticeKind
from edge.metering.reading import Reading, read
from edge.simulate.home import HomeSettings, build_home
from edge.simulate.household import synthetic_curve
from edge.status.report import Advice, advise_on_contract
from edge.tic.decoder import Decoder
from edge.tic.frame import Mode
from protocol.contract import Consent, Contract, Offer
from tests.support.chip_bench import BenchMeter
from tests.support.receipts import Home
from tests.support.tariffs import simple_tariff

OWN, OTHER = "041961234567", "041961234568"
SALT = bytes(range(32))
START, END = date(2026, 1, 1), date(2026, 7, 1)
NOON = datetime(2026, 2, 1, 11, tzinfo=UTC)
KINDS = {
    NoticeKind.METER_DIFFERS,
    NoticeKind.CALENDAR_DIFFERS,
    NoticeKind.POWER_DIFFERS,
    NoticeKind.CONTRACT_FITS,
}


def told(home):
    """What of the contract the household has been told, in order."""
    return [each.kind for each in home.vault.values.notices() if each.kind in KINDS]


def contracts(**tariff) -> Contracts:
    """A household's contract for `OWN` from January to June."""
    offer = Offer("p", bytes(32), bytes(1), "p", (simple_tariff(**tariff),))
    contract = Contract(
        bytes(32),
        bytes(16),
        bytes(1),
        meter_hash(SALT, OWN),
        START,
        END,
        Consent.TOTAL,
        follows=True,
    )
    return Contracts({bytes(32): Agreement(bytes(32), contract, offer)}, SALT)


def reading(serial=OWN, calendar="H PLEINE/CREUSE", kva=6, at=NOON) -> Reading:
    return Reading(at, Mode.STANDARD, serial, calendar, 0, None, (None,) * 10, subscribed_kva=kva)


def test_a_wrong_meter_is_told_once_and_metering_goes_on(tmp_path):
    home = Home(tmp_path / "home", contract_serial=OTHER)
    with capture_logs() as logs:
        home.begin()
        home.live(3)
        home.restart()
        home.live(2)
    assert told(home) == [NoticeKind.METER_DIFFERS]
    events = [each for each in logs if each["event"] == "contract_differs"]
    assert [each["what"] for each in events] == ["meter_differs"] * 2  # at each start
    assert OWN not in str(logs)
    assert len(home.vault.day_rows(START, START + timedelta(days=4))) == 4
    assert home.vault.is_caught_up
    assert home.vault.unsent(1) == []
    home.kill()


def test_the_household_reads_it_before_any_bill(tmp_path):
    home = Home(tmp_path / "home", contract_serial=OTHER)
    home.begin()
    home.live(1)
    for lang, word in (("fr", "n'est pas celui de votre contrat"), ("en", "not the one")):
        done = CliRunner().invoke(edge, ["--lang", lang, "bills", "--dir", str(home.directory)])
        assert word in done.output
        assert OWN not in done.output
    assert advise_on_contract(home.vault.values.notices()) == [Advice.CONTRACT]
    home.kill()


def noticed(home):
    return [notice.kind for notice in home.vault.values.notices()]


def show_meter(home, frames=5, apart=timedelta(seconds=2)):
    """Let frames of the meter on the line come."""
    for _ in range(frames):
        home.clock.at += apart
        home.clock.seconds += apart.total_seconds()
        home.chip.observe(home.meter.frame(home.clock.at), home.clock.host_time())


def test_an_hour_of_another_meter_is_told_at_once_and_outlasts_a_restart(tmp_path):
    home = Home(tmp_path / "home")
    home.begin()
    home.live(1)
    own = home.meter
    home.meter = BenchMeter(home.clock.at, 1, OTHER)
    show_meter(home)
    home.run(3, with_pump=False)
    kept = len(home.vault.values.state().other.readings)
    home.restart()
    assert len(home.chip._meter.state.other.readings) >= kept > 3
    home.meter = own
    show_meter(home)
    home.live(2)
    ours = [kind for kind in noticed(home) if kind is not NoticeKind.GAP]
    assert ours == [NoticeKind.OTHER_METER, NoticeKind.OTHER_METER_DROPPED]
    rows = home.vault.day_rows(START, START + timedelta(days=4))
    assert {row.closed.meter_serial for row in rows} == {OWN}
    assert all(not row.closed.parts for row in rows)
    home.kill()


def test_a_meter_that_a_contract_names_is_followed_at_once(tmp_path):
    home = Home(tmp_path / "home", contract_serial=OTHER)
    home.begin()
    home.live(1)
    home.meter = BenchMeter(home.clock.at, 1, OTHER)
    show_meter(home)
    assert noticed(home)[-2:] == [NoticeKind.METER_REPLACED, NoticeKind.CONTRACT_FITS]
    assert NoticeKind.OTHER_METER not in noticed(home)
    home.kill()


def test_a_meter_that_is_replaced_while_the_chip_runs_is_told_and_so_is_its_return(tmp_path):
    home = Home(tmp_path / "home")
    home.begin()
    home.live(1)
    assert told(home) == []
    own = home.meter
    home.meter = BenchMeter(home.clock.at, 1, OTHER)
    show_meter(home)
    assert noticed(home) == [NoticeKind.OTHER_METER]
    show_meter(home, 49, timedelta(minutes=30))
    home.live(1)
    assert told(home) == [NoticeKind.METER_DIFFERS]
    home.meter = own  # which the contract names: no other day of waiting
    show_meter(home)
    assert told(home) == [NoticeKind.METER_DIFFERS, NoticeKind.CONTRACT_FITS]
    assert advise_on_contract(home.vault.values.notices()) == []
    home.kill()


def test_a_contract_is_compared_on_its_own_days_only():
    held = contracts()
    assert differences(held, reading(OTHER)).keys() == {NoticeKind.METER_DIFFERS}
    for day in (START - timedelta(days=1), END):
        noon = datetime(day.year, day.month, day.day, 11, tzinfo=UTC)
        assert differences(held, reading(OTHER, at=noon)) == {}


@pytest.mark.parametrize(
    ("tariff", "line", "kinds"),
    [
        ({"kva": 6}, {"kva": 6}, set()),
        ({"kva": 6}, {"kva": None}, set()),
        ({}, {"kva": 9}, set()),
        ({"kva": 6}, {"kva": 9}, {NoticeKind.POWER_DIFFERS}),
        ({}, {"calendar": None}, set()),
        ({}, {"calendar": "BASE"}, {NoticeKind.CALENDAR_DIFFERS}),
        ({"energy": ()}, {"calendar": "BASE"}, set()),
        ({}, {"calendar": "HC"}, set()),
    ],
)
def test_power_and_calendar_are_compared_with_the_tariff_of_the_day(tariff, line, kinds):
    found = differences(contracts(**tariff), reading(**line))
    assert found.keys() == kinds
    advice = [Advice.TARIFF] if kinds else []
    watch = ContractWatch(contracts(**tariff), [])
    assert advise_on_contract(watch.look(reading(**line))) == advice


lines = st.tuples(
    st.sampled_from([OWN, OTHER]),
    st.sampled_from(["BASE", "H PLEINE/CREUSE"]),
    st.sampled_from([6, 9, None]),
    st.booleans(),
)


@given(st.lists(lines, max_size=12))
def test_what_was_told_says_what_differs_now_over_changes_and_restarts(history):
    held, notices = contracts(kva=6), []
    watch = ContractWatch(held, notices)
    for serial, calendar, kva, is_restarted in history:
        if is_restarted:
            watch = ContractWatch(held, notices)
        seen = reading(serial, calendar, kva)
        notices += watch.look(seen)
        assert unresolved(notices) == differences(held, seen)
        assert watch.look(seen) == []


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize(("kva", "phases"), [(3, 1), (6, 1), (9, 1), (12, 3), (18, 3)])
def test_the_subscribed_power_is_read_in_both_modes(mode, kva, phases):
    day = date(2026, 2, 1)
    curve = synthetic_curve(1, day, day + timedelta(days=1), kva)
    home = build_home(curve, HomeSettings(mode=mode, kva=kva, phases=phases))
    frame = next(iter(Decoder().feed(home.frame_at(NOON) * 2)))
    taken = read(frame, NOON)
    assert taken.subscribed_kva == kva
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(taken), type=Reading) == taken
