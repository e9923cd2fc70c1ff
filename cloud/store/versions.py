"""The interface to which version of the wire is in use, and which the chips read."""

from typing import Protocol

from cloud.store.put import Count
from protocol.ids import DeviceId


class VersionStore(Protocol):
    """The versions of the wire in the store. It raises the same errors as `Store`."""

    @property
    def in_use(self) -> int:
        """The version in which the collectivity's programs write to whoever reads it."""

    def use(self, version: int) -> None:
        """Put a version that this program reads in use, for good.

        A program that does not read it opens the store no more.
        """

    def written_to(self, device: DeviceId) -> int:
        """Return the version to write to a chip: the one in use, or an older one that it reads."""

    def put_read(self, device: DeviceId, newest: int) -> int:
        """Record the newest version that a chip reads, and return the version to write to it.

        If that has changed, statements and provider messages that the chip has not seen are written
        again.
        """

    def counts(self) -> tuple[Count, ...]:
        """Count enrolled chips by the newest version that they read; "" stands for never heard."""
