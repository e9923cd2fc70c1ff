"""A household whose chip's directory is copied in each state that it comes to."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import msgspec

from protocol.catalogue import Entry
from protocol.contract import Consent
from protocol.governance import CosignedDocument, draw_up
from protocol.topics import Kind, parse_device_topic
from tests.support.area_town import AreaTown
from tests.support.billing_home import BillingHome
from tests.support.broker import COLLECTIVITY

OTHER_SERIAL = "041969999999"


def name(number: int) -> bytes:
    """Return the id of a statement, letter or request."""
    return bytes([number]) * 16


class Image(msgspec.Struct, frozen=True):
    """A chip's directory, and the time of its meter's last frame."""

    directory: Path
    at: datetime


class Recorder(BillingHome):
    """A household's history; the modules beside this one play its parts.

    Attributes:
        images: the chip's directory in each state.
        entries: the entries of the transparency log.
        town: the area's documents and the household's roster.
    """

    def __init__(self, directory: Path, consent: Consent) -> None:
        super().__init__(directory, consent)
        self._shots = directory / "images"
        self.images: dict[str, Image] = {}
        self.town = AreaTown(COLLECTIVITY, platform_key=self.cloud.key)
        self.town.signed_measures = self.measures(1, profile_days_a_year=366)
        self.retained = self.town.sealing.retained
        self.entries: list[Entry] = []

    def shoot(self, state: str) -> None:
        """Copy the card in its current state."""
        assert state not in self.images, state
        image = self._shots / state
        shutil.copytree(self.directory, image)
        self.images[state] = Image(image, self.clock.at)

    def copy(self, of: str, state: str) -> Path:
        """Copy an image as another state, to be changed."""
        image = self._shots / state
        shutil.copytree(self.images[of].directory, image)
        self.images[state] = msgspec.structs.replace(self.images[of], directory=image)
        return image

    def measures(self, version: int, **changes) -> CosignedDocument:
        """Return a signed measures document of the town."""
        trustees = self.town.signed_trustees.hash
        measures = self.town.measures_of(trustees, version=version, **changes)
        return self.town.signed(draw_up(measures))

    @contextmanager
    def losing(self, *kinds: Kind) -> Iterator[None]:
        """Lose every message of these kinds while the block runs."""
        before = self.drop
        self.drop = lambda message: (
            parse_device_topic(message.topic).kind in kinds or before(message)
        )
        try:
            yield
        finally:
            self.drop = before

    def go_on(self) -> None:
        """Let half a day pass without readings, longer than the longest pause."""
        for _ in range(24):
            self.clock.seconds += 1_800
            self.wait()
