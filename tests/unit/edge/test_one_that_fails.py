"""Whatever goes wrong with one subject of the chip: metering, sending and bills go on."""

import pytest

from edge.area.settings import FILE_NAME as CHOICES
from edge.bills.release_token import FILE_NAME as WORD
from edge.mqtt.handler import MessageHandler
from edge.mqtt.message import Connected, Disconnected
from edge.quotes.asking import ORDER
from edge.vault.kept_curve import FILE_NAME as KEPT_CURVE
from protocol.errors import StoreError
from tests.support.billing_home import BillingHome


@pytest.fixture
def home(tmp_path):
    home = BillingHome(tmp_path / "town")
    home.begin()
    home.live(8)
    home.ask(0, 7, b"statement-number")
    yield home
    home.kill()


def meters_on(home) -> bool:
    """Whether a day that passes now is closed and stored by the cloud."""
    home.live(1)
    home.pump()
    last = home.vault.figures().last_day_closed
    return last == home.day_before() and not home.vault.unsent(1)


def damage_verdict(home):
    home.vault._database.execute('UPDATE statements SET verdict = \'{"verdict": "unheard of"}\'')


def write(home, name, text, mode=0o600):
    path = home.directory / name
    path.write_text(text)
    path.chmod(mode)


DAMAGES = {
    "a verdict of another version": damage_verdict,
    "choices that cannot be read": lambda home: write(home, CHOICES, "{"),
    "choices open to others": lambda home: write(home, CHOICES, "{}", 0o644),
    "months of the curve that cannot be read": lambda home: write(home, KEPT_CURVE, "{"),
    "months of the curve open to others": lambda home: write(home, KEPT_CURVE, "{}", 0o644),
    "a word open to others": lambda home: write(home, WORD, "go on", 0o644),
    "an order that cannot be read": lambda home: write(home, ORDER.name, "{"),
}


def test_what_cannot_be_read_ends_neither_metering_nor_the_start(home):
    for name, damage in DAMAGES.items():
        damage(home)
        assert meters_on(home), name
        home.restart()
        assert meters_on(home), name


ALWAYS = ("open", "connect", "disconnect", "outgoing", "published")
AT_TIMES = ("take", "observe", "contribute")


def subjects(home) -> list[type[MessageHandler]]:
    return [type(each) for each in home.chip._message_handlers._members]


def test_an_error_of_one_subject_leaves_the_others_alone(home, monkeypatch):
    def fail(*_):
        raise RuntimeError("a fault of this program")

    home.may_fail = True
    for kind in subjects(home):
        for step in (*ALWAYS, *AT_TIMES):
            with monkeypatch.context() as broken:
                broken.setattr(kind, step, fail, raising=False)
                home.restart()
                assert meters_on(home), (kind, step)
                home.chip.take(Disconnected())
                home.chip.take(Connected())
                assert meters_on(home), (kind, step)
                home.ask(0, 7, b"statement-number")
                assert set(home.chip.set_aside) <= {kind.__name__}
                assert home.chip.set_aside or step in AT_TIMES
    home.restart()
    assert home.chip.set_aside == []


def test_a_vault_that_cannot_go_on_still_ends_the_chip(home, monkeypatch):
    def fail(*_):
        raise StoreError("The vault cannot be written.")

    for kind in subjects(home):
        with monkeypatch.context() as broken:
            broken.setattr(kind, "outgoing", fail)
            with pytest.raises(StoreError):
                home.chip.outgoing()
