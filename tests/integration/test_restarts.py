"""The chip's program ended and started again, whatever its vault holds."""

from tests.support.billing_home import BillingHome
from tests.support.chip_process import ChipProcess


def test_a_chip_starts_again_after_a_bill_for_which_no_receipt_left(tmp_path):
    home = BillingHome(tmp_path / "town")
    home.begin()
    home.live(8)
    home.ask(0, 7, b"statement-number")
    assert home.vault.receipts.states() == {}
    home.kill()
    with ChipProcess(home.directory):
        pass


def test_the_last_short_bill_gets_its_receipt_without_a_restart(tmp_path):
    home = BillingHome(tmp_path / "town")
    home.begin()
    home.live(30)
    home.move_out()
    home.settle()
    home.ask(28, home.days_lived(), b"statement-number")
    assert list(home.vault.receipts.states()) == [b"statement-number"]
    home.kill()
