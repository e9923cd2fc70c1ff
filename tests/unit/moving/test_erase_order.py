"""A household that has left is erased by an order, at the next start, whatever happens meanwhile."""

from datetime import UTC, datetime

import pytest

from edge.identity.keys import load_keys
from edge.moving import erasing
from edge.moving.departure import ERASED
from edge.moving.erasing import (
    ORDER,
    EraseOrder,
    carry_out_erasure,
    check_has_left,
    erase,
    order_erasure,
)
from edge.stage import CREDENTIALS, ENROLMENT, HOUSEHOLD_KEY, Stage, stage
from edge.vault.database import FILE_NAME
from protocol.errors import ConfigError, DocumentRefused
from tests.support.chip_bench import BenchClock
from tests.support.moving_town import Home, TownCloud

START = datetime(2026, 2, 9, 23, tzinfo=UTC)


class Killed(BaseException):
    """The power went."""


@pytest.fixture
def home(tmp_path):
    cloud = TownCloud(tmp_path / "cloud", BenchClock(START))
    home = Home(tmp_path / "chip", cloud, START, "1")
    home.enrol()
    home.begin()
    home.run(4)
    yield home
    home.kill()
    cloud.store.close()


def leave(home):
    home.move_out()
    home.settle()
    home.kill()


def key_of(home):
    return load_keys(home.directory).household.id


def held(home):
    """Return all that the directory holds but the order."""
    return {
        str(path.relative_to(home.directory)): path.read_bytes()
        for path in home.directory.rglob("*")
        if path.is_file() and path.name != ORDER.name and path.suffix != ".lock"
    }


def check_is_erased(home, former):
    assert stage(home.directory) is Stage.KEYS_DRAWN
    assert key_of(home) != former
    assert not (home.directory / FILE_NAME).exists()
    assert (home.directory / ERASED).exists(), "its seeds are cleared from the broker"
    assert not ORDER.is_in(home.directory)


def test_the_next_start_erases_the_household_that_has_left(home):
    leave(home)
    former = key_of(home)
    order_erasure(home.directory, former)
    assert key_of(home) == former, "nothing before the next start"
    assert carry_out_erasure(home.directory)
    check_is_erased(home, former)
    after = held(home)
    assert not carry_out_erasure(home.directory)
    assert held(home) == after


def test_a_household_that_lives_here_is_not_erased(home):
    former = key_of(home)
    for _ in range(2):
        with pytest.raises(DocumentRefused, match="has not left"):
            order_erasure(home.directory, former)
        assert not ORDER.is_in(home.directory)
        home.drop = lambda message: hasattr(message, "retain") and "leave" in message.topic
        home.move_out()
    assert home.vault.departures.get() is not None
    assert not home.vault.departures.get().is_told


@pytest.mark.parametrize("has_left", [False, True])
def test_an_order_from_elsewhere_is_withdrawn_and_nothing_changed(home, has_left, capfd):
    """Such as one from a copy of the directory, or of the household before."""
    if has_left:
        leave(home)
    else:
        home.kill()
    before, own = held(home), key_of(home)
    orders = [bytes(16)] if has_left else [bytes(16), own]
    for household in orders:
        ORDER.leave(home.directory, EraseOrder(household))
        assert not carry_out_erasure(home.directory)
        assert not ORDER.is_in(home.directory)
        assert held(home) == before
    assert capfd.readouterr().out.count("erasure_order_refused") == len(orders)


def test_a_household_that_has_come_meanwhile_is_not_erased(home):
    leave(home)
    former = key_of(home)
    erase(home.directory)
    ORDER.leave(home.directory, EraseOrder(former))
    before = held(home)
    assert not carry_out_erasure(home.directory)
    assert held(home) == before
    assert not ORDER.is_in(home.directory)


def test_a_damaged_order_is_none(home, capfd):
    leave(home)
    before = held(home)
    for text in ("{", "{}", '{"household": "AA=="}', '{"household": 3}'):
        (home.directory / ORDER.name).write_text(text)
        (home.directory / ORDER.name).chmod(0o600)
        assert not carry_out_erasure(home.directory)
        assert held(home) == before
    assert "erasure_order_refused" in capfd.readouterr().out


def test_keys_that_systemd_gives_are_said_before_anything_is_ordered(home, monkeypatch, tmp_path):
    leave(home)
    given = tmp_path / "given"
    given.mkdir()
    (given / HOUSEHOLD_KEY).write_bytes((home.directory / "keys" / HOUSEHOLD_KEY).read_bytes())
    monkeypatch.setenv(CREDENTIALS, str(given))
    with pytest.raises(ConfigError, match="comes from systemd's credentials"):
        order_erasure(home.directory, key_of(home))
    assert not ORDER.is_in(home.directory)
    ORDER.leave(home.directory, EraseOrder(key_of(home)))
    before = held(home)
    assert not carry_out_erasure(home.directory), "the chip starts all the same"
    assert held(home) == before


def test_a_typed_erasure_takes_the_order_back(home):
    leave(home)
    order_erasure(home.directory, key_of(home))
    erase(home.directory)
    assert not ORDER.is_in(home.directory)


@pytest.mark.parametrize("is_overwritten", [False, True])
def test_a_power_cut_at_each_file_loses_no_order_and_erases_nobody_else(
    home, monkeypatch, is_overwritten
):
    leave(home)
    former, whole = key_of(home), held(home)
    order_erasure(home.directory, former)
    order = (home.directory / ORDER.name).read_bytes()
    destroy, cuts = erasing.destroy, 0
    while True:
        left = cuts

        def cut(path):
            nonlocal left
            if left == 0:
                if is_overwritten:
                    path.write_bytes(bytes(path.stat().st_size))
                raise Killed
            left -= 1
            destroy(path)

        with monkeypatch.context() as patched:
            patched.setattr(erasing, "destroy", cut)
            try:
                assert carry_out_erasure(home.directory)
                break
            except Killed:
                assert ORDER.is_in(home.directory)
        assert carry_out_erasure(home.directory), f"cut {cuts}"
        check_is_erased(home, former)
        put_back(home, whole, order)
        cuts += 1
    check_is_erased(home, former)
    assert cuts >= 8


@pytest.mark.parametrize("name", ["note_erasure", "draw_keys"])
def test_a_power_cut_after_the_last_file_loses_nothing_either(home, monkeypatch, name):
    leave(home)
    former = key_of(home)
    order_erasure(home.directory, former)
    with monkeypatch.context() as patched:

        def cut(_):
            raise Killed

        patched.setattr(erasing, name, cut)
        with pytest.raises(Killed):
            carry_out_erasure(home.directory)
    assert stage(home.directory) is Stage.EMPTY
    assert carry_out_erasure(home.directory)
    check_is_erased(home, former)


def test_the_household_that_comes_is_not_erased_by_an_order_that_outlived_a_power_cut(home):
    leave(home)
    former = key_of(home)
    order_erasure(home.directory, former)
    order = (home.directory / ORDER.name).read_bytes()
    assert carry_out_erasure(home.directory)
    (home.directory / ORDER.name).write_bytes(order)
    (home.directory / ORDER.name).chmod(0o600)
    before = held(home)
    assert not carry_out_erasure(home.directory)
    assert held(home) == before
    check_is_erased(home, former)


def put_back(home, whole, order):
    for path in home.directory.rglob("*"):
        if path.is_file():
            path.unlink()
    for name, data in (whole | {ORDER.name: order}).items():
        (home.directory / name).write_bytes(data)
        (home.directory / name).chmod(0o600)
    check_has_left(home.directory)
    assert (home.directory / ENROLMENT).exists()
