"""What is kept of the status is read with its zones, or not at all."""

import typing
from datetime import datetime

import msgspec
import pytest

from edge.status.line import LineState
from edge.status.presence import FILE_NAME, Presence, SessionState, StatusFile, StatusRecord
from edge.status.schedule import Facts, PublishedStatus
from protocol.status import Status
from system.files import write_secret


@pytest.mark.parametrize("at", ["2026-01-01T00:00:00", "yesterday", 5])
def test_a_time_without_its_zone_is_as_good_as_no_file(tmp_path, at):
    facts = {"state": "ready", "tic_mode": None, "software": "", "not_after": None}
    told = {"facts": facts, "day": 1, "sent": 1, "daily_at": at}
    write_secret(tmp_path / FILE_NAME, msgspec.json.encode({"told": told}))
    assert StatusFile(tmp_path).read() == StatusRecord()


@pytest.mark.parametrize(
    "struct", [Facts, PublishedStatus, Presence, SessionState, LineState, Status]
)
def test_every_time_that_is_read_has_its_zone(struct):
    for name, hint in typing.get_type_hints(struct, include_extras=True).items():
        parts = (
            {hint, *typing.get_args(hint)}
            if typing.get_origin(hint) is not typing.Annotated
            else {hint}
        )
        assert datetime not in parts, f"{struct.__name__}.{name} takes a time without its zone"
