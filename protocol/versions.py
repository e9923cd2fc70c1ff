"""The versions of the wire: which of them a program reads, and which it writes to whom.

A version is one number for all signed messages; each envelope carries it, under the signature. A
program reads the newest that it knows and the one before. It writes the newest that its reader
knows too, and the oldest for everybody and for those of whom it does not know.

The rest of a program knows each body in one form only, today's. Where a version has another one, a
`Form` beside the body says how it travels there. So a new version changes the body, moves the old
struct into a `Form` of the version before, and drops the forms of the one before that.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec

# One byte in an envelope.
VERSION_MAX = 127

Version = Annotated[int, msgspec.Meta(ge=1, le=VERSION_MAX)]


@dataclass(frozen=True, slots=True)
class Form:
    """How a body travels in a version in which it differs from today's.

    Attributes:
        body: today's type.
        wire: the type that travels, an array like every body.
        read: makes today's body of what travelled.
        write: makes what travels of today's body. It raises MessageRefused, reason VERSION, if
            that version has no words for it; such a message is not sent.
    """

    body: type[msgspec.Struct]
    wire: type[msgspec.Struct]
    read: Callable[[Any], msgspec.Struct]
    write: Callable[[Any], msgspec.Struct]


@dataclass(frozen=True, slots=True)
class Versions:
    """The newest version of a program, and the forms of each version that it reads."""

    newest: int
    forms: Mapping[int, tuple[Form, ...]] = field(default_factory=dict)

    @property
    def oldest(self) -> int:
        """The oldest version that it reads, and thus the one that all its readers know."""
        return max(1, self.newest - 1)

    def is_read(self, version: int) -> bool:
        """Return whether the program reads this version."""
        return self.oldest <= version <= self.newest

    def common_with(self, newest: int) -> int:
        """Return in which version to write to a party whose newest version is `newest`."""
        return max(self.oldest, min(self.newest, newest))

    def form(self, version: int, body: type[msgspec.Struct]) -> Form | None:
        """Return how `body` travels in a version, None if as it is."""
        forms = self.forms.get(version, ())
        return next((form for form in forms if form.body is body), None)


VERSIONS = Versions(newest=1)
