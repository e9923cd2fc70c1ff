"""Cases from the field, fed as the chip is fed: decoder, consistency check, meter."""

import json
import os
from datetime import datetime
from pathlib import Path

import pytest

from edge.metering.events import Event, Notice, QuarterHourClosed
from edge.metering.meter import Meter
from edge.metering.unconfirmed import quarantine_in
from edge.simulate.host import host_time_at
from edge.tic.consistency import ConsistencyCheck
from edge.tic.decoder import Decoder
from edge.tic.frame import Frame

CASES = (
    Path(os.environ.get("VOLET_SHARED", Path(__file__).resolve().parents[3] / "shared"))
    / "cases"
    / "tic"
)

pytestmark = pytest.mark.skipif(
    not CASES.is_dir(), reason="no field cases of the line (set VOLET_SHARED)"
)


def decode(name: str) -> tuple[list[Frame], float | None]:
    decoder = Decoder()
    frames = decoder.feed((CASES / f"{name}.bin").read_bytes()) + decoder.finish()
    return frames, decoder.quality.share


def meter(name: str) -> tuple[Meter, list[Event]]:
    frames, _ = decode(name)
    times = json.loads((CASES / f"{name}.json").read_text())["host_times"]
    check, followed, events = ConsistencyCheck(), Meter(), list[Event]()
    for frame, time in zip(frames, map(datetime.fromisoformat, times), strict=True):
        events += followed.observe(check.check(frame, time), host_time_at(time))
    return followed, events


def test_unknown_labels_leave_frame_and_line_good():
    (frame,), share = decode("d1_unknown_labels_vtic03")
    assert frame.is_complete
    assert share == 1.0
    assert len(frame.unknown) == 2


def test_groups_behind_a_hit_line_feed_are_had():
    (frame,), _ = decode("d4_line_feed_hit")
    assert {"EASF04", "URMS1", "PJOURF+1"} <= frame.groups.keys()
    assert frame.groups["EASF04"].value == "000000000"


def test_an_index_that_was_reset_is_confirmed_and_counted_from():
    followed, events = meter("m6_index_reset_same_serial")
    assert quarantine_in(followed.state) is not None
    confirmed = followed.confirm_index()
    assert quarantine_in(followed.state) is None
    kinds = [each.kind for each in events + confirmed if isinstance(each, Notice)]
    assert kinds == ["index_quarantined", "index_began_anew"]


def test_an_account_begins_above_one_and_a_half_times_the_subscribed_power():
    followed, events = meter("m8_above_one_and_a_half_pref_ten_seconds")
    assert followed.state.account is not None
    assert any(isinstance(each, QuarterHourClosed) for each in events)
