"""Households between chips: what goes along, what stays behind, and what nobody can open any more."""

import sqlite3
from contextlib import closing, suppress
from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest

from cloud.registry.enrolment import enrol
from edge.contracts.enrolling import make_request, write_request
from edge.household.pairing import ORDER as PAIRING
from edge.household.pairing import open_window
from edge.household.visitors import VisitorRole
from edge.identity.enrolment import load_identity
from edge.identity.keys import load_keys
from edge.metering.events import QuarterHourClosed
from edge.metering.state import MeterState
from edge.moving import erasing, transfer
from edge.moving.bundle import seal_bundle
from edge.moving.erasing import erase
from edge.moving.repeating import repeat_line
from edge.moving.transfer import pack, take_in
from edge.page.names import names_of_host
from edge.page.sessions import Sessions
from edge.page.tls import certify
from edge.privacy.contribution import Seeds
from edge.privacy.ledger import Caps, Ledger, Limit, Spend
from edge.stage import PAGE_DIRECTORY
from edge.tic.repeater.choice import FILE_NAME as REPEATER
from edge.tic.repeater.choice import RepeaterChoice, load_repeater, turn_on
from edge.vault import database
from edge.vault.area import KeyShares
from edge.vault.kept_curve import KeptCurve, load_kept_curve, save_kept_curve
from edge.vault.keyring import files_in
from protocol.area_messages import SeenHeads
from protocol.calendar import QUARTER_HOUR, day_number, day_of_number, quarter_hour
from protocol.envelope import Address, seal_message
from protocol.errors import ConfigError, DocumentRefused, Reason, StoreError
from protocol.layout import REGISTER_STEP
from protocol.messages import Epoch, Fetch
from protocol.topics import Kind, device_topic
from system import files as files_module
from system.files import make_private_dir
from system.mqtt.message import Incoming
from tests.support.chip_bench import BenchClock
from tests.support.chip_cloud import opened
from tests.support.moving_town import Home, TownCloud, View

START = datetime(2026, 2, 9, 23, tzinfo=UTC)  # midnight in Paris
DAY = date(2026, 2, 10)
TODAY = date(2026, 2, 12)


@pytest.fixture
def cloud(tmp_path):
    cloud = TownCloud(tmp_path / "cloud", BenchClock(START))
    yield cloud
    cloud.store.close()


@pytest.fixture
def make_home(tmp_path, cloud):
    homes = []

    def make(name, serial="1"):
        homes.append(Home(tmp_path / name, cloud, cloud.clock.at, serial))
        return homes[-1]

    yield make
    for home in homes:
        home.kill()


@pytest.fixture
def old(make_home):
    """A household that has lived here for a day and a half."""
    home = make_home("old")
    home.enrol()
    home.begin()
    home.run(140)
    return home


def move_out(home):
    home.move_out()
    home.settle()
    bundle = pack(home.directory)
    home.kill()
    return bundle


def steps(values, days=None):
    return [
        sum(
            v
            for (day, j), v in values.items()
            if j == REGISTER_STEP + n and (not days or day in days)
        )
        for n in range(2)
    ]


def curve_wh(values, days=None):
    return sum(v for (day, j), v in values.items() if j < 100 and (not days or day in days))


def risen_kwh(meter, start, end):
    pairs = zip(meter.registers_wh(start), meter.registers_wh(end), strict=True)
    return [after // 1_000 - before // 1_000 for before, after in pairs]


def files(directory):
    return {
        path.relative_to(directory): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file() and not path.name.endswith((".lock", "-shm", "-wal"))
    }


# The whole story


def test_the_months_that_a_household_keeps_go_along_and_so_its_year_is_not_deleted(old, make_home):
    save_kept_curve(old.directory, KeptCurve(12))
    long_ago = DAY - timedelta(days=300)
    old.vault.record([QuarterHourClosed(long_ago, 0, 77)], MeterState())
    bundle = pack(old.directory)
    old.kill()
    new = make_home("new")
    take_in(new.directory, bundle, TODAY)
    assert load_kept_curve(new.directory) == KeptCurve(12)
    new.enrol()
    new.begin()
    new.run(200)
    (kept, *_) = new.vault.values.intervals(long_ago, DAY)
    assert (kept.day, kept.energy_wh) == (long_ago, 77)
    new.kill()
    erase(new.directory)
    assert load_kept_curve(new.directory) == KeptCurve(), "the next household chooses anew"


def test_a_household_goes_on_on_another_chip_and_its_days_add_up(old, make_home, cloud):
    key = old.identity.household_key
    left_at = old.clock.at
    bundle = move_out(old)
    new = make_home("new", "2")
    own = load_keys(new.directory)
    taken = take_in(new.directory, bundle, TODAY)
    assert taken.has_ledger
    assert taken.has_moved_out
    assert taken.household_key == key
    new.enrol()
    kept = load_keys(new.directory)
    assert kept.signing_public == own.signing_public
    assert kept.tls_key.private_numbers() == own.tls_key.private_numbers()
    assert new.identity.device != old.identity.device
    new.begin()
    came_at = new.clock.at
    new.run(96 * 2)
    new.settle()
    values = opened(View(cloud, key), new.identity)
    first_day = DAY + timedelta(days=2)
    last_day = max(day for day, j in values if j == 127)
    days_here = {day for day, _ in values if day >= first_day}
    assert steps(values, {DAY, DAY + timedelta(days=1)}) == risen_kwh(old.meter, START, left_at)
    end = datetime(last_day.year, last_day.month, last_day.day, 23, tzinfo=UTC)
    assert steps(values, days_here) == risen_kwh(new.meter, came_at, end)
    counted = sum(new.meter.registers_wh(end)) - sum(new.meter.base_wh)
    assert curve_wh(values, {d for d in days_here if d <= last_day}) == counted
    assert not [each for each in cloud.store.dead_letters() if each.reason is not Reason.NO_EPOCH]


def test_registry_statements_and_messages_follow_the_household(old, make_home, cloud):
    key, former = old.identity.household_key, old.identity
    bundle = move_out(old)
    new = make_home("new", "2")
    take_in(new.directory, bundle, TODAY)
    new.enrol()
    assert cloud.store.device_of(key).device == new.identity.device
    assert cloud.store.devices([former.device]) == ()
    fetch = Fetch(key, None, 1, 0, 1)
    topic = device_topic(former.collectivity, former.device, Kind.FETCH)
    address = Address(former.collectivity, former.device, Kind.FETCH)
    done = cloud.ingest.process([Incoming(topic, seal_message(address, fetch, former.signing_key))])
    assert [each.label for each in done.refused] == [Reason.UNKNOWN_DEVICE]
    first, second = cloud.store.places()
    assert (first.device, second.device) == (former.device, new.identity.device)
    assert first.until == second.since
    assert first.last_day == DAY + timedelta(days=1)
    assert second.until is None


class Claiming:
    """A household that claims every epoch as its own."""

    def __init__(self, keyring):
        self.keyring, self.folder = self, None
        self.maker_of = lambda epoch: keyring.of_year(day_of_number(epoch.month).year)


def test_who_comes_next_reads_nothing_old(old, cloud):
    a = old.identity
    move_out(old)
    erase(old.directory)
    b_keys = load_keys(old.directory)
    assert b_keys.household.id != a.household_key
    assert b_keys.signing_public == a.signing_key.public_key().public_bytes_raw()
    old.enrol()
    b = old.identity
    assert b.device == a.device
    headers, blocks = cloud.payloads_of(a.household_key)
    assert blocks
    for payload in headers:
        epoch = msgspec.msgpack.decode(msgspec.msgpack.decode(payload)[1], type=Epoch)
        assert a.keyring.maker_of(epoch) is not None
        assert b.keyring.maker_of(epoch) is None
    claiming = Claiming(b.keyring)
    theirs = list(opened(View(cloud, a.household_key), a).values())
    not_theirs = list(opened(View(cloud, a.household_key), claiming).values())
    same = sum(x == y for x, y in zip(theirs, not_theirs, strict=True))
    assert same <= 1, "values in 2^37 that agree by chance"
    fetch = Fetch(a.household_key, None, 1, 0, 1)
    address = Address(b.collectivity, b.device, Kind.FETCH)
    payload = seal_message(address, fetch, b.signing_key)
    done = cloud.ingest.process(
        [Incoming(device_topic(b.collectivity, b.device, Kind.FETCH), payload)]
    )
    assert [each.label for each in done.refused] == [Reason.UNKNOWN_DEVICE]
    old.sent.clear()
    old.begin()
    cleared = [each for each in old.sent if each.topic.endswith("/key")]
    assert [(each.payload, each.retain) for each in cleared] == [(b"", True)]
    old.restart()
    old.run(96)
    assert len([each for each in old.sent if each.topic.endswith("/key")]) == 1
    assert old.vault.figures().blocks
    assert not old.vault.departures.get()
    assert all(row.closed.day >= DAY + timedelta(days=1) for row in old.vault.day_rows(DAY, TODAY))


def test_the_ledger_goes_along(old, make_home):
    spends = (Spend(day_number(DAY), "curve", 0.5), Spend(day_number(DAY), "profile", 0.25, True))
    with old.vault.area_change() as area:
        area.put_spends(spends)
        area.put_key_shares(
            KeyShares(
                Seeds(77, b"t" * 32, (bytes(32),), 20_454),
                b"signed by the old chip",
                20_454,
                SeenHeads(bytes(32), bytes(32), 1, bytes(32)),
            )
        )
    bundle = move_out(old)
    new = make_home("new", "2")
    take_in(new.directory, bundle, TODAY)
    new.enrol()
    new.start()
    assert new.vault.area.spends(0) == list(spends)
    assert new.vault.area.is_spent(day_number(DAY))
    assert new.vault.area.key_shares(b"t" * 32) is None, "the old chip's letters are not sent again"
    assert new.vault.area.key_shares().seeds.generation == 77, "generations go on rising from here"


# Without a vault, and chips that broke


def test_a_bundle_without_its_ledger_counts_the_years_budget_as_spent(old, make_home):
    bundle = pack(old.directory, keys_only=True)
    assert bundle.vault is None
    assert len(msgspec.msgpack.encode(bundle)) < 64 * 1024
    old.kill()
    new = make_home("new", "2")
    taken = take_in(new.directory, bundle, TODAY)
    assert not taken.has_ledger
    new.enrol()
    new.start()
    ledger = Ledger(new.vault.area.spends(0))
    caps = Caps(day_rho=1_000, month_rho=1_000, year_rho=1_000)  # the highest there can be

    def refusal(day):
        return ledger.refusal((Spend(day_number(day), "curve", 1e-3),), caps)

    assert refusal(TODAY) is Limit.SPENT
    assert refusal(TODAY + timedelta(days=1)) is Limit.MONTH
    assert refusal(date(2026, 12, 31)) is Limit.YEAR
    assert refusal(date(2027, 1, 1)) is None


@pytest.mark.parametrize("is_keys_only", [True, False])
def test_a_chip_that_broke_is_replaced_and_gets_back_what_it_had_sent(
    old, make_home, cloud, is_keys_only
):
    """The bundle is a day old; the same meter goes on; each day that was sent is as it was.

    What the broken chip had not sent of its last day is spread, and adds up all the same.
    """
    bundle = pack(old.directory, keys_only=is_keys_only)
    old.run(96)
    old.settle()
    key, meter = old.identity.household_key, old.meter
    broke_on = quarter_hour(cloud.clock.at)[0]
    old.kill()
    new = make_home("new")
    new.meter = meter
    take_in(new.directory, bundle, TODAY)
    new.enrol()
    assert [each.device for each in new.identity.former] == [old.identity.device]
    cloud.clock.at += 3 * QUARTER_HOUR
    new.start()
    new.settle()
    new.frames(3)
    new.run(100)
    new.settle()
    values = opened(View(cloud, key), new.identity)
    whole_days = sorted(day for day, j in values if j == 127)
    assert whole_days == [DAY + timedelta(days=n) for n in range(len(whole_days))]
    end = START + timedelta(days=len(whole_days))
    assert curve_wh(values, set(whole_days)) == sum(meter.registers_wh(end)) - sum(meter.base_wh)
    assert steps(values, set(whole_days)) == risen_kwh(meter, START, end)
    expected = {
        quarter_hour(START + n * QUARTER_HOUR): meter.energy_wh(n)
        for n in range(96 * len(whole_days))
    }
    sent = {place for place in expected if place[0] < broke_on}
    assert len(sent) == 2 * 96
    assert {place: values[place] for place in sent} == {place: expected[place] for place in sent}


def test_former_chips_are_known_for_their_blocks_only_if_the_bundle_names_them(old, make_home):
    bundle = msgspec.structs.replace(pack(old.directory, keys_only=True), devices=())
    old.settle()
    old.kill()
    new = make_home("new")
    new.meter = old.meter
    take_in(new.directory, bundle, TODAY)
    new.enrol()
    new.start()
    new.pump(10)
    assert new.chip.refused[Reason.SIGNATURE] > 0
    assert new.vault.figures().blocks == 0


def test_what_had_not_been_sent_is_encrypted_anew_by_the_chip_that_takes_over(
    old, make_home, cloud
):
    old.drop = lambda _: True
    old.run(96)
    key, meter = old.identity.household_key, old.meter
    bundle = pack(old.directory)
    old.kill()
    new = make_home("new")
    new.meter = meter
    take_in(new.directory, bundle, TODAY)
    new.enrol()
    new.start()
    new.pump()
    new.run(96)
    new.settle()
    values = opened(View(cloud, key), new.identity)
    days = {day for day, j in values if j == 127}
    assert len(days) >= 3
    end = START + timedelta(days=len(days))
    assert curve_wh(values, days) == sum(meter.registers_wh(end)) - sum(meter.base_wh)
    assert {each.device for each in cloud.store.blocks_of_days(key, DAY, TODAY)} == {
        old.identity.device,
        new.identity.device,
    }


def test_a_chip_never_sends_what_another_one_signed(old, make_home, cloud):
    """Not even where the cloud has lost it: the other's signature does not fit its topic."""
    bundle = move_out(old)
    new = make_home("new", "2")
    take_in(new.directory, bundle, TODAY)
    new.enrol()
    cloud.store._db.execute("DELETE FROM block")
    cloud.store._db.execute("DELETE FROM epoch")
    cloud.store._db.execute("DELETE FROM incarnation")
    cloud.store._db.conn.commit()
    new.begin()
    new.run(96)
    new.settle()
    assert not [each for each in cloud.store.dead_letters() if each.reason is Reason.SIGNATURE]


# Import


def test_an_import_into_a_lived_in_chip_is_refused_and_changes_nothing(old, make_home):
    bundle = pack(old.directory)
    old.kill()
    other = make_home("other", "2")
    other.enrol()
    other.begin()
    other.run(4)
    other.kill()
    before = files(other.directory)
    with pytest.raises(ConfigError, match="volet edge erase"):
        take_in(other.directory, bundle, TODAY)
    (other.directory / "enrolment.json").unlink()
    before.pop((other.directory / "enrolment.json").relative_to(other.directory))
    with pytest.raises(ConfigError, match="another household's"):
        take_in(other.directory, bundle, TODAY)
    assert files(other.directory) == before


def test_the_line_is_not_repeated_where_a_household_comes_to(old, make_home):
    """Its own choice stays behind, and that of whoever lived there goes, with the drawn numbers."""
    repeat_line(old.directory, has_true_numbers=True, address="192.168.1.20")
    bundle = pack(old.directory)
    assert REPEATER not in bundle.documents
    old.kill()
    new = make_home("new", "2")
    turn_on(new.directory, has_true_numbers=True, address="192.168.1.30")
    kept = (new.directory / REPEATER).read_bytes()
    with pytest.raises(StoreError, match="damaged"):
        take_in(new.directory, msgspec.structs.replace(bundle, vault=b"nothing"), TODAY)
    assert (new.directory / REPEATER).read_bytes() == kept, "nothing was imported"
    take_in(new.directory, bundle, TODAY)
    assert load_repeater(new.directory) == RepeaterChoice()
    turn_on(new.directory, has_true_numbers=True)
    new.enrol()
    assert not (new.directory / REPEATER).exists(), "the enrolment after it ends what came between"
    with pytest.raises(DocumentRefused, match="home"):
        repeat_line(new.directory, has_true_numbers=False, address="203.0.113.7")
    assert not (new.directory / REPEATER).exists()


def test_a_damaged_vault_in_a_bundle_is_refused_and_changes_nothing(old, make_home):
    bundle = pack(old.directory)
    new = make_home("new", "2")
    before = files(new.directory)
    for vault in (b"nothing", bundle.vault[:5_000] + bytes(4_096) + bundle.vault[9_096:]):
        with pytest.raises(StoreError, match="damaged"):
            take_in(new.directory, msgspec.structs.replace(bundle, vault=vault), TODAY)
        assert files(new.directory) == before


def test_a_vault_of_a_newer_volet_is_refused_and_changes_nothing(old, make_home, tmp_path):
    bundle = pack(old.directory)
    newer = tmp_path / "newer.db"
    newer.write_bytes(bundle.vault)
    with closing(sqlite3.connect(newer)) as connection:
        connection.execute("PRAGMA user_version = 100")
    new = make_home("new", "2")
    before = files(new.directory)
    changed = msgspec.structs.replace(bundle, vault=newer.read_bytes())
    with pytest.raises(StoreError, match="or a newer one"):
        take_in(new.directory, changed, TODAY)
    assert files(new.directory) == before


def test_without_the_charge_a_lost_ledger_would_be_an_empty_one(old, make_home, monkeypatch):
    """What the test of the bundle without ledger would see if nothing were charged."""
    monkeypatch.setattr(transfer, "make_without_ledger", lambda path, _: path.touch())
    bundle = pack(old.directory, keys_only=True)
    old.kill()
    new = make_home("new", "2")
    take_in(new.directory, bundle, TODAY)
    new.enrol()
    new.start()
    spend = Spend(day_number(TODAY) + 1, "curve", 1e-3)
    assert Ledger(new.vault.area.spends(0)).refusal((spend,), Caps()) is None


def test_an_import_that_was_cut_short_can_be_run_again_and_no_request_is_made_before(
    old, make_home, monkeypatch
):
    key = old.identity.household_key
    bundle = move_out(old)
    new = make_home("new", "2")
    synced = files_module.sync_dir
    for step in range(1, 5):
        count = iter(range(step))

        def until_killed(path, count=count):
            if next(count, None) is None:
                raise KeyboardInterrupt
            synced(path)

        with monkeypatch.context() as patch:
            patch.setattr(files_module, "sync_dir", until_killed)
            with pytest.raises(KeyboardInterrupt):
                take_in(new.directory, bundle, TODAY)
        request = make_request(load_keys(new.directory), None, None)
        with pytest.raises(ConfigError, match="edge import` again"):
            write_request(new.directory, new.directory / "request.json", request)
    take_in(new.directory, bundle, TODAY)
    new.enrol()
    assert new.identity.household_key == key
    new.begin()


# Erasure


def test_erasure_leaves_nothing_of_the_household_in_any_file(old):
    old.kill()
    keys = load_keys(old.directory)
    secret = keys.household.to_bytes()
    (year,) = files_in(old.directory / "keys")
    of_the_year = year.read_bytes()[30:]
    former = old.identity
    bundle = old.directory / "foyer.json"
    bundle.write_bytes(seal_bundle(pack(old.directory), "une longue phrase secrète", log2_n=10))
    for name in ("receipts.word", "unheard-of.json", ".vault.db.0123456789abcdef", "notes.txt"):
        (old.directory / name).write_bytes(b"notes")
    (old.directory / ".household.json.0123456789abcdef").write_bytes(secret)
    (year.parent / f".{year.name}.0123456789abcdef").write_bytes(year.read_bytes())
    count = erase(old.directory)
    assert count >= 8
    assert {path.name for path in old.directory.iterdir() if path.is_file()} == {
        "ca.pem",
        "edge.toml",
        "erased.json",
        "foyer.json",
        "notes.txt",
        "vault.db.lock",
    }
    everything = b"".join(path.read_bytes() for path in old.directory.rglob("*") if path.is_file())
    for planted in (secret[16:48], of_the_year, keys.meter_salt, former.household_key):
        assert planted not in everything
    assert not (old.directory / "vault.db").exists()
    assert load_keys(old.directory).household.id != keys.household.id
    assert load_keys(old.directory).signing_public == keys.signing_public
    with pytest.raises(ConfigError, match="enrol this chip first"):
        load_identity(old.directory)


def test_whoever_was_let_in_by_the_former_household_is_a_stranger_after_an_erasure(old):
    page = old.directory / PAGE_DIRECTORY
    make_private_dir(page)
    certify(page, names_of_host("chip"), datetime.now(UTC))
    sessions = Sessions(page, lambda: datetime.now(UTC))
    token = sessions.begin(VisitorRole.OWNER, "ab" * 8, "a browser")
    open_window(old.directory, VisitorRole.OWNER, datetime.now(UTC))
    old.kill()
    erase(old.directory)
    assert list(page.iterdir()) == []
    assert not (old.directory / PAIRING.name).exists()
    assert Sessions(page, lambda: datetime.now(UTC)).of(token) is None


def test_what_is_erased_was_overwritten_first(old, monkeypatch):
    old.kill()
    seen = {}
    unlink = type(old.directory).unlink

    def look(path, *args, **kwargs):
        if path.exists() and path.stat().st_size:
            seen[path.name] = path.read_bytes()
        unlink(path, *args, **kwargs)

    monkeypatch.setattr(type(old.directory), "unlink", look)
    erase(old.directory)
    assert {"vault.db", "household.key", "meter.salt"} <= seen.keys()
    assert not any(any(seen[name]) for name in ("vault.db", "household.key", "meter.salt"))


def test_an_erasure_that_was_cut_short_goes_on_and_no_vault_outlives_its_key(old, monkeypatch):
    old.kill()
    old_id = old.identity.household_key
    destroy = erasing.destroy
    for step in range(9):
        count = iter(range(step))

        def until_killed(path, count=count):
            if next(count, None) is None:
                raise KeyboardInterrupt
            destroy(path)

        with monkeypatch.context() as patch:
            patch.setattr(erasing, "destroy", until_killed)
            with suppress(KeyboardInterrupt):
                erase(old.directory)
        if (old.directory / "vault.db").exists():
            assert load_keys(old.directory).household.id == old_id
    erase(old.directory)
    assert load_keys(old.directory).household.id != old_id


def test_a_running_chip_is_not_erased(old):
    before = files(old.directory)
    with pytest.raises(ConfigError, match="in use by another chip process"):
        erase(old.directory)
    assert files(old.directory).keys() == before.keys()


def test_keys_that_systemd_gives_are_not_ours_to_change(old, tmp_path, monkeypatch):
    old.kill()
    bundle = pack(old.directory)
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "household.key").write_bytes(load_keys(old.directory).household.to_bytes())
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    for command in (lambda: erase(old.directory), lambda: take_in(old.directory, bundle, TODAY)):
        with pytest.raises(ConfigError, match="systemd's credentials"):
            command()


def test_a_request_of_before_the_move_moves_nobody_back(old, make_home, cloud):
    """Whoever comes after may hold a copy of an old request, and of the chip's own keys."""
    replayed = make_request(load_keys(old.directory), None, None)
    key = old.identity.household_key
    bundle = move_out(old)
    new = make_home("new", "2")
    take_in(new.directory, bundle, TODAY)
    new.enrol()
    with pytest.raises(DocumentRefused, match="mandated a chip after"):
        enrol(cloud.directory, cloud.store, replayed, cloud.clock.now())
    assert cloud.store.device_of(key).device == new.identity.device


def test_vaults_of_version_2_are_upgraded(old):
    old.kill()
    with closing(sqlite3.connect(old.directory / "vault.db")) as connection:
        for version in range(2, database.SCHEMA_VERSION):
            for name, *_ in database._UPGRADES[version]:
                connection.execute(f"DROP TABLE {name}")
        connection.execute("PRAGMA user_version = 2")
    with pytest.raises(StoreError, match="of an older version"):
        transfer.departure_of(old.directory)
    old.start()
    assert old.vault.departures.get() is None
    assert old.vault.figures().days == 1
