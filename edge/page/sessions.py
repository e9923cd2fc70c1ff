"""Who has been let in: sessions of visitors, in one file of the page's own directory (0600).

The file holds hashes of the tokens, so that a copy of it lets nobody in.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import msgspec

from edge.household.visitors import HouseholdName, VisitorRole
from protocol.calendar import Instant
from protocol.errors import ConfigError
from protocol.json_text import read_json
from system.files import read_secret, write_secret

FILE_NAME = "sessions.json"
LASTS = timedelta(days=30)
SESSIONS_MAX = 32
TOKEN_BYTES = 32
# The file is not written at each request.
SEEN_EVERY = timedelta(hours=1)
# Some name themselves last.
BROWSER_LENGTH_MAX = 240

_Hash = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}(?!\n)$")]


class Session(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A visitor: hash of the token, what of which household may be seen, since when, last used."""

    token_hash: _Hash
    role: VisitorRole
    household: HouseholdName
    since: Instant
    seen: Instant
    browser: Annotated[str, msgspec.Meta(max_length=BROWSER_LENGTH_MAX)] = ""

    @property
    def name(self) -> str:
        """A name for the session that lets nobody in."""
        return self.token_hash[:16]


class Sessions:
    """All sessions. A file that cannot be read counts as empty: everybody pairs again."""

    def __init__(self, directory: Path, now: Callable[[], datetime]) -> None:
        self._path = directory / FILE_NAME
        self._now = now
        self._sessions = self._read()
        # When each was seen, as the file has it.
        self._stored = {each.token_hash: each.seen for each in self._sessions}

    def all(self) -> list[Session]:
        """Return the sessions that have not ended, newest first."""
        return sorted(self._valid(), key=lambda session: session.since, reverse=True)

    def begin(self, role: VisitorRole, household: HouseholdName, browser: str) -> str:
        """Begin a session; return its token, which is kept nowhere here.

        The one that was used least recently ends if there are too many, and each of a household
        that the chip had before. On a full disk it lasts until the page ends.
        """
        token, now = secrets.token_urlsafe(TOKEN_BYTES), self._now()
        shown = "".join(sign for sign in browser if sign.isprintable())[:BROWSER_LENGTH_MAX]
        own = (session for session in self._valid() if session.household == household)
        kept = sorted(own, key=lambda session: session.seen)[-(SESSIONS_MAX - 1) :]
        self._keep([*kept, Session(_hash(token), role, household, now, now, shown)])
        return token

    def of(self, token: str) -> Session | None:
        """Return the session of a token, and record that it is used."""
        wanted = _hash(token)
        found = next(
            (each for each in self._valid() if hmac.compare_digest(each.token_hash, wanted)), None
        )
        if found is None:
            return None
        seen = msgspec.structs.replace(found, seen=self._now())
        sessions = [seen if each is found else each for each in self._valid()]
        if seen.seen - self._stored.get(seen.token_hash, found.since) >= SEEN_EVERY:
            self._keep(sessions)
        else:
            self._sessions = sessions
        return seen

    def end(self, name: str) -> bool:
        """End the session of that name; return whether there was one.

        On a full disk the file is removed, so that it does not come back with the next page; then
        all others pair again, too.

        Raises:
            ConfigError: the file can be neither written nor removed. It has ended until the page does.
        """
        kept = [session for session in self._sessions if session.name != name]
        is_there = len(kept) < len(self._sessions)
        if is_there and not self._keep(kept):
            try:
                self._path.unlink(missing_ok=True)
            except OSError as exc:
                raise ConfigError(f"{self._path} cannot be written: {exc.strerror}.") from exc
        return is_there

    def _valid(self) -> list[Session]:
        now = self._now()
        return [each for each in self._sessions if now - each.seen < LASTS]

    def _read(self) -> list[Session]:
        try:
            return read_json(read_secret(self._path, "pair again."), list[Session])
        except (ConfigError, msgspec.MsgspecError):
            return []

    def _keep(self, sessions: list[Session]) -> bool:
        """Take these as the sessions; return whether they are on the disk, too."""
        self._sessions = sessions
        try:
            write_secret(self._path, msgspec.json.encode(sessions))
        except ConfigError:  # a full disk shuts nobody out
            return False
        self._stored = {each.token_hash: each.seen for each in sessions}
        return True


def form_token(token: str) -> str:
    """Return what the forms of a session carry, by which another site's forms are told apart."""
    return hmac.new(token.encode(), b"volet page form", hashlib.sha256).hexdigest()


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
