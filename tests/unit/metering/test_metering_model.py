"""Metering against a household whose truth is known, whatever happens to line, clocks and store."""

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.support.metered_chip import Wrong
from tests.support.metering_examples import EXAMPLES, play
from tests.support.metering_machine import MeteringMachine, SteadyMachine
from tests.support.metering_sabotage import FAULTS

STEPS = 40
# Shrinking takes minutes: what fails is printed as it was found; add Phase.shrink to make it less.
SHORT = settings(
    max_examples=6,
    stateful_step_count=STEPS,
    derandomize=True,
    database=None,
    deadline=None,
    print_blob=False,
    phases=[Phase.generate],
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
LONG_STEPS, LONG_PARTS = 50_000, 5
# An example may end before its last step.
MIDDLE = settings(SHORT, max_examples=100)
LONG = settings(SHORT, max_examples=LONG_STEPS // LONG_PARTS // STEPS * 5 // 4)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.__name__)
def test_metering_tells_the_truth_of_what_went_wrong_before(example):
    play(example)


@pytest.mark.parametrize(
    ("put_back", "example"), FAULTS.items(), ids=[fault.__name__ for fault in FAULTS]
)
def test_an_old_fault_is_found_by_its_example(put_back, example):
    with put_back(), pytest.raises(Wrong):
        play(example)


def test_metering_tells_the_truth_in_short():
    run_state_machine_as_test(MeteringMachine, settings=SHORT)


@pytest.mark.long
@pytest.mark.parametrize("part", range(LONG_PARTS))
def test_metering_tells_the_truth(part):
    """In parts with draws of their own, which processes share."""
    machine = seed(part)(type("Machine", (MeteringMachine,), {}))
    before = MeteringMachine.steps
    run_state_machine_as_test(machine, settings=LONG)
    assert MeteringMachine.steps - before >= LONG_STEPS // LONG_PARTS


@pytest.mark.long
def test_metering_tells_the_truth_in_a_steady_household():
    run_state_machine_as_test(SteadyMachine, settings=MIDDLE)
