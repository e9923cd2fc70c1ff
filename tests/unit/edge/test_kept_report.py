"""One report for panel, page and smart home: made anew when the chip has changed, and only then."""

import pytest

from edge.area.settings import AreaConfig
from edge.status.kept import AGE_MAX_S, KeptReport
from edge.status.report import report
from edge.vault.database import FILE_NAME
from protocol.errors import StoreError
from system.files import write_secret
from tests.support.billing_home import BillingHome


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = BillingHome(tmp_path_factory.mktemp("home") / "town")
    home.begin()
    home.live(1)
    yield home
    home.kill()


class Asked:
    """A kept report of a household's chip, and how often it was made."""

    def __init__(self, home):
        self.home, self.times, self.now_s = home, 0, 0.0
        self.report = KeptReport(home.directory, self.make, lambda: self.now_s)

    def make(self):
        self.times += 1
        return report(self.home.directory, AreaConfig(), self.home.clock.now(), None)


def test_it_is_made_once_while_nothing_changes(home):
    asked = Asked(home)
    first = asked.report()
    for _ in range(50):
        asked.now_s += 1.0
        assert asked.report() is first
    assert asked.times == 1
    asked.now_s += AGE_MAX_S
    asked.report()
    assert asked.times == 2


def test_a_quarter_hour_and_a_choice_are_told_at_once(home):
    asked = Asked(home)
    before = asked.report()
    home.live(1)
    after = asked.report()
    assert after.intervals > before.intervals
    assert not after.advice
    write_secret(home.directory / "area.json", b"damaged")
    assert asked.report().advice
    (home.directory / "area.json").unlink()
    assert not asked.report().advice


def test_a_damaged_vault_is_told_to_each_who_asks(tmp_path):
    tries = []

    def make():
        tries.append(1)
        raise StoreError(f"{FILE_NAME} is damaged.")

    asked = KeptReport(tmp_path, make, lambda: 0.0)
    for _ in range(3):
        with pytest.raises(StoreError):
            asked()
    assert len(tries) == 3
