"""Reads the JSON body of a call; an unreadable body is a problem of the caller."""

from typing import Any

from litestar import Request

from cloud.api.problems import ProblemError
from protocol.json_text import RepeatedKey, check_keys

MEDIA_TYPE = "application/json"


class ApiRequest(Request[Any, Any, Any]):
    """A call whose unreadable body is refused with a sentence."""

    async def json(self) -> Any:
        """Return the decoded body.

        Raises:
            ProblemError: another content type or encoding, invalid UTF-8, nested too deeply,
                or a repeated key.
        """
        content_type = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if (
            content_type != MEDIA_TYPE
            or self.headers.get("content-encoding", "identity") != "identity"
        ):
            raise ProblemError(415, f"Send the body as {MEDIA_TYPE}, in no other encoding.")
        try:
            check_keys(await self.body())
            return await super().json()
        except RepeatedKey as exc:
            raise ProblemError(400, f"In the body {exc}; take one away.") from exc
        except UnicodeDecodeError as exc:
            raise ProblemError(400, "The body is not UTF-8; encode it anew.") from exc
        except RecursionError as exc:
            raise ProblemError(
                400, "The body is nested too deeply; compare with /v1/openapi.json."
            ) from exc
