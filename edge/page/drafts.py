"""Forms that were sent and wait for a yes, and what was done after it or refused, in memory.

A form is answered by a redirect to the place that shows it, so that a browser's way back, another
load and the other language ask for it once more and send nothing again. Of a form's content nothing
stands in an address, which browsers keep: what is there only finds it here.
"""

import re
import secrets
import time
from collections.abc import Callable, Mapping
from sys import getsizeof
from typing import NamedTuple

from starlette.exceptions import HTTPException
from starlette.status import HTTP_422_UNPROCESSABLE_CONTENT

from edge.language.choice import Lang

# Each is of the size of a request's body at most (`guards`).
DRAFTS_MAX = 16
# Of one session, so that it does not take the place of what another was asked to say yes to.
DRAFTS_MAX_EACH = 6
# Of all, in memory, where one sign beyond U+FFFF has all others of its text take four bytes.
DRAFTS_BYTES_MAX = 1 << 18
LASTS_S = 3_600.0
_NAME = re.compile(r"[0-9a-f]{32}(?!\n)$")


class RequestRefused(HTTPException):
    """What a visitor asks for is not done; `texts` say why, by language."""

    def __init__(
        self, texts: Mapping[Lang, str], status: int = HTTP_422_UNPROCESSABLE_CONTENT
    ) -> None:
        super().__init__(status)
        self.texts = texts


class Draft(NamedTuple):
    """A form's fields; once it was carried out, what the chip said then, or why it was refused.

    Both are said by language, which a visitor may change afterwards.
    """

    fields: Mapping[str, str]
    done: Mapping[Lang, str] = {}
    is_at_panel: bool = False
    refused: Mapping[Lang, str] = {}

    @property
    def size(self) -> int:
        """How many bytes its fields and what is said of it take in memory."""
        kept = self.fields, self.done, self.refused
        return sum(getsizeof(text) for texts in kept for text in texts.values())

    def check(self) -> None:
        """Raise RequestRefused if the form was not taken."""
        if self.refused:
            raise RequestRefused(self.refused)


class _Kept(NamedTuple):
    session: str
    until_s: float
    draft: Draft


class Drafts:
    """The latest drafts of all visitors; each is shown to the session alone that sent it."""

    def __init__(self, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._monotonic_s = monotonic_s
        self._kept: dict[str, _Kept] = {}

    def keep(self, session: str, draft: Draft) -> str:
        """Keep a draft of a session in the place of its oldest, or of all; return its name."""
        now_s = self._monotonic_s()
        lasting = {name: each for name, each in self._kept.items() if each.until_s > now_s}
        own = [name for name, each in lasting.items() if each.session == session]
        for oldest in own[: -(DRAFTS_MAX_EACH - 1)]:
            del lasting[oldest]
        self._kept = dict([*lasting.items()][-(DRAFTS_MAX - 1) :])
        over = draft.size + sum(each.draft.size for each in self._kept.values())
        over -= DRAFTS_BYTES_MAX
        while over > 0 and self._kept:
            over -= self._kept.pop(next(iter(self._kept))).draft.size
        name = secrets.token_hex(16)
        self._kept[name] = _Kept(session, now_s + LASTS_S, draft)
        return name

    def find(self, session: str, name: str) -> Draft | None:
        """Return a draft of a session; None if it has none of that name, or no more."""
        found = self._kept.get(name) if _NAME.match(name) else None
        if found is None or found.session != session or found.until_s <= self._monotonic_s():
            return None
        return found.draft
