"""A monitor over a town of 5 000 chips knows each as it told of itself, within its memory."""

import pytest

from benchmarks import watch


@pytest.mark.long
@pytest.mark.usefixtures("mosquitto_available")
def test_a_monitor_knows_five_thousand_chips_within_its_bounds():
    rows = watch.run(1.0)
    assert any("5000 chips" in row.note for row in rows)
    assert [row.name for row in rows if not row.is_kept] == []
