"""A contract names a meter: nothing is signed for it where another one counts."""

import pytest
from click.testing import CliRunner

from edge.commands.table import edge
from edge.contracts.enrolling import draw_keys
from tests.support.chip_bench import SERIAL
from tests.support.receipts import Home

OTHER = "041961234568"


def test_a_contract_for_another_meter_gets_no_correct_bill_and_no_receipt(tmp_path):
    home = Home(tmp_path / "home", contract_serial=OTHER)
    home.begin()
    home.live(33)
    home.ask(0, 31, bytes(16))
    assert home.verdicts() == ["refused"]
    assert home.receipts() == ()
    home.kill()


@pytest.mark.parametrize("serial", ["1234", f"{SERIAL}8", "04196123456X", "compteur"])
def test_a_serial_that_no_meter_prints_is_refused(tmp_path, serial):
    draw_keys(tmp_path)
    taken = ("--offer", tmp_path / "offer.json", "--meter", serial, "--from", "2026-03-01")
    done = CliRunner().invoke(
        edge, ["--lang", "en", "request", "--dir", *map(str, (tmp_path, *taken))]
    )
    assert done.exit_code == 2
    assert "12 digits" in done.output


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("01/03/2026", "01/03/2026 is no day; write it as year-month-day, such as 2026-03-01."),
        (
            "2026-03-01",
            "ask the provider for its signed offer, which a tariff alone is not.",
        ),
    ],
)
def test_a_request_says_what_it_expects(tmp_path, day, said):
    draw_keys(tmp_path)
    (tmp_path / "tariff.json").write_text('{"provider": "Town Energy"}')
    taken = ("--offer", tmp_path / "tariff.json", "--meter", SERIAL, "--from", day)
    done = CliRunner().invoke(
        edge, ["--lang", "en", "request", "--dir", *map(str, (tmp_path, *taken))]
    )
    assert said in f"{done.output}{done.exception}"
