"""What is kept of the status is read with its zones, or not at all."""

import msgspec
import pytest

from edge.status.presence import FILE_NAME, Kept, StatusFile
from system.files import write_secret


@pytest.mark.xfail(strict=True, reason="a time without its zone is read, and ends the chip")
def test_a_time_without_its_zone_is_as_good_as_no_file(tmp_path):
    facts = {"state": "ready", "tic_mode": None, "software": "", "not_after": None}
    told = {"facts": facts, "day": 1, "sent": 1, "daily_at": "2026-01-01T00:00:00"}
    write_secret(tmp_path / FILE_NAME, msgspec.json.encode({"told": told}))
    assert StatusFile(tmp_path).read() == Kept()
