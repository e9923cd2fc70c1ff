"""A chip's card set back to an old image or backup, or lost, while its town goes on.

One town for all tests here: each chip meets another fate, in both rhythms.
"""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from protocol.calendar import day_start
from protocol.layout import DAY_COEFFICIENTS
from protocol.topics import Kind, parse_device_topic
from tests.support.broker import wait_until
from tests.support.kill_checks import (
    body_of,
    check_bill,
    check_coefficients,
    check_stored_once,
    check_values,
)
from tests.support.kill_images import back_chip_up, copy_vault, replace_chip, replace_vault
from tests.support.kill_town import Household, Town, running_town

pytestmark = pytest.mark.long

DAYS, IMAGE_DAY, LOSS_DAY = 11, 5, 10
SPEED = 900 * 120
# So that image and loss each fall into a day that is half metered.
IN_THE_DAY = timedelta(hours=13, minutes=20)
IMAGE, BACKUP, LOST = "image", "backup", "vault lost"
RHYTHMS = ("daily", "quarter_hourly")
FATES = [(fate, rhythm) for fate in (IMAGE, BACKUP, LOST) for rhythm in RHYTHMS]


class RestoredTown:
    """A town in which day 5 comes back on day 10; `is_worker_late`: the cloud was away meanwhile."""

    def __init__(self, town: Town, *, is_worker_late: bool) -> None:
        self.town = town
        self.by_fate = dict(zip(FATES, town.households, strict=True))
        for (_, rhythm), household in self.by_fate.items():
            household.set_rhythm(rhythm)
        self._images = town.directory / "images"
        self._play(is_worker_late=is_worker_late)
        self.messages = town.recorder.messages()

    def _play(self, *, is_worker_late: bool) -> None:
        town = self.town
        backed_up = town.fleet(self._of(BACKUP))
        killed = town.fleet([*self._of(IMAGE), *self._of(LOST)])
        town.start_metering(backed_up, killed)
        self._play_to(0)
        self._play_to(IMAGE_DAY, IN_THE_DAY)
        with killed.frozen():
            for household in self._of(IMAGE):
                copy_vault(household, self._image(household))
        for household in self._of(BACKUP):
            back_chip_up(household, self._image(household))
        if is_worker_late:
            self._play_to(LOSS_DAY - 1)
            town.worker.kill()
        self._play_to(LOSS_DAY, IN_THE_DAY)
        if not is_worker_late:
            town.settle(self._of(LOST))
        backed_up.kill()
        killed.kill()
        for (fate, _), household in self.by_fate.items():
            if fate == BACKUP:
                replace_chip(household, self._image(household))
            else:
                replace_vault(household, None if fate == LOST else self._image(household))
        town.start_metering(backed_up, killed)
        if is_worker_late:
            town.worker.start()
        wait_until(
            lambda: (
                sum(each.count("recovery_ended") for each in (backed_up, killed))
                >= len(town.households)
            ),
            f"what the cards lack to come back\n{killed.log}\n{backed_up.log}",
        )
        self._play_to(DAYS)
        town.settle(town.households)
        town.bill(town.households)
        self.log = backed_up.log_path.read_text() + killed.log_path.read_text()

    def _play_to(self, day: int, after: timedelta = timedelta()) -> None:
        until = day_start(self.town.start + timedelta(days=day)) + after
        self.town.play(self.town.households, until, SPEED)

    def _of(self, fate: str) -> list[Household]:
        return [household for (name, _), household in self.by_fate.items() if name == fate]

    def _image(self, household: Household) -> Path:
        return self._images / household.directory.name


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(False, id="the_cloud_is_there"),
        pytest.param(True, id="the_cloud_is_away"),
    ],
)
def restored(request, tmp_path_factory) -> Iterator[RestoredTown]:
    with running_town(tmp_path_factory.mktemp("restored"), len(FATES), DAYS) as town:
        yield RestoredTown(town, is_worker_late=request.param)


def test_every_chip_has_fetched_back_what_its_card_lacked(restored):
    events = [json.loads(line) for line in restored.log.splitlines() if line.startswith("{")]
    found = [event for event in events if event["event"] == "recovery_ended"]
    assert len(found) >= len(restored.by_fate)
    assert not any(event["lost"] for event in found)


def test_no_coefficient_of_a_chip_ever_left_with_two_values(restored):
    for fate, household in restored.by_fate.items():
        own = [
            (topic, payload)
            for topic, payload in restored.messages
            if parse_device_topic(topic).device == household.identity.device
        ]
        assert check_coefficients(own) >= DAYS * DAY_COEFFICIENTS, fate
        blocks = [p for topic, p in own if parse_device_topic(topic).kind is Kind.BLOCK]
        assert len({body_of(payload).incarnation for payload in blocks}) > 1, fate


def test_every_reading_is_stored_once_and_is_what_vault_and_meter_say(restored):
    for household in restored.by_fate.values():
        check_stored_once(restored.town, household)
        check_values(restored.town, household)


def test_the_statements_are_right_to_the_cent(restored):
    for household in restored.by_fate.values():
        check_bill(restored.town, household)
