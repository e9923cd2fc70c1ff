"""`volet cloud devices`: the operator's list of chips, with the last word of each."""

import pytest
from click.testing import CliRunner

from volet.main import main


@pytest.mark.xfail(strict=True, reason="nobody but a monitor at the broker hears what chips say")
def test_the_operator_can_list_the_chips():
    shown = CliRunner().invoke(main, ["cloud", "devices", "--help"])
    assert shown.exit_code == 0
    assert "--silent-for" in shown.output
