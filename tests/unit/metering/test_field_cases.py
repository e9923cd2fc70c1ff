"""Cases from the field, as bytes of the line with the right value beside, where they are at hand."""

import hashlib
import json
import os
from collections import Counter
from datetime import date, datetime
from pathlib import Path

import pytest

from edge.chip.chip import Chip, ChipSettings
from edge.chip.confirming import Confirmation, leave_confirmation
from edge.identity.enrolment import signer_of
from edge.metering.events import DayClosed
from edge.metering.unconfirmed import quarantine_in
from edge.tic.decoder import Decoder
from edge.vault.vault import Vault
from tests.support.chip_bench import make_identity
from tests.support.true_clocks import HostClock
from tests.support.true_meter import CALENDAR_OF_NAME

SHARED = Path(os.environ.get("VOLET_SHARED", Path(__file__).resolve().parents[4] / "shared"))
CASES = sorted((SHARED / "cases" / "tic").glob("*.json"))
REASON = "no field cases of the line (set VOLET_SHARED)"
if not CASES:
    CASES = [pytest.param(None, marks=pytest.mark.skip(reason=REASON))]
END_OF_FRAME = b"\x03"


class Outcome:
    """What a chip made of a case."""

    def __init__(self, chip: Chip, vault: Vault) -> None:
        far = date(2000, 1, 1), date(2099, 1, 1)
        self.has_account = chip._meter.state.account is not None
        self.days = [closed for closed, _ in vault.values.days(*far)]
        self.intervals = vault.values.intervals(*far)
        self.notices = [notice.kind for notice in vault.values.notices()]
        account = chip._meter.state.account
        self.total_wh = account.last.total_wh if account else None

    @property
    def curve_wh(self) -> int:
        return sum(each.energy_wh for each in self.intervals)

    def steps_by_calendar(self) -> dict[str, list[int]]:
        """Return the kWh of registers 1 and 2 by calendar."""
        steps: Counter[tuple[str, int]] = Counter()
        for closed in self.days:
            for part in closed.parts or (closed,):
                for number in (0, 1):
                    steps[_name(part), number] += part.register_steps_kwh[number]
        return {name: [steps[name, 0], steps[name, 1]] for name in {name for name, _ in steps}}


def _name(part: DayClosed) -> str:
    return CALENDAR_OF_NAME.get(part.calendar, part.calendar)


@pytest.fixture
def run(tmp_path):
    """Let a chip hear a case frame by frame; a person confirms what it asks at the end."""

    def run_case(data: bytes, host_times: list[str], *, confirming: bool = False) -> Outcome:
        identity = make_identity()
        vault = Vault.open(tmp_path, signer_of(identity))
        try:
            frames = [text + END_OF_FRAME for text in data.split(END_OF_FRAME) if text]
            instants = [datetime.fromisoformat(text) for text in host_times]
            clock = HostClock(instants[0])
            settings = ChipSettings(confirmation=Confirmation(tmp_path))
            chip = Chip(identity, vault, clock, settings)
            for at, frame in zip(instants, frames, strict=True):
                clock.seconds += (at - clock.at).total_seconds()
                clock.at = at
                chip.feed(frame, clock.host_time())
                if confirming:
                    asked = quarantine_in(chip._meter.state)
                    if asked is not None:
                        leave_confirmation(tmp_path, asked)
            return Outcome(chip, vault)
        finally:
            vault.close()

    return run_case


@pytest.mark.parametrize("path", CASES, ids=lambda path: path and path.stem)
def test_a_case_from_the_field_gives_the_right_value(path, run):
    case, data = json.loads(path.read_text()), path.with_suffix(".bin").read_bytes()
    assert hashlib.sha256(data).hexdigest() == case["sha256"]
    expected = case["expected"]
    if "host_times" not in case:
        decoder = Decoder()
        frames = decoder.feed(data) + decoder.finish()
        assert frames
        if "complete" in expected:
            assert all(frame.is_complete for frame in frames) == expected["complete"]
        _assert_no_false_value(data, frames)
        return
    outcome = run(data, case["host_times"])
    if "curve_wh" in expected:
        assert outcome.curve_wh == expected["curve_wh"]
    if "days_by_calendar" in expected:
        found = outcome.steps_by_calendar()
        for name, steps_kwh in expected["days_by_calendar"].items():
            assert found.get(CALENDAR_OF_NAME[name], [0, 0]) == steps_kwh
    if path.stem.startswith("m8"):
        assert outcome.has_account
    if path.stem.startswith("m6"):
        assert "index_quarantined" in outcome.notices
        confirmed = run(data, case["host_times"], confirming=True)
        last = confirmed.intervals[-1]
        assert confirmed.total_wh == 5_900
        assert (str(last.day), last.j) >= ("2025-01-10", 55)


def _assert_no_false_value(data, frames):
    """Hold each accepted group to stand in the bytes as it is."""
    for frame in frames:
        for label, group in frame.groups.items():
            fields = [label, *([group.timestamp] if group.timestamp else []), group.value]
            assert "\t".join(fields).encode() in data
