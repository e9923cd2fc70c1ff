"""Errors as application/problem+json: what is wrong, and the next step."""

from typing import Any

import msgspec
from litestar import Request
from litestar.exceptions import HTTPException
from litestar.openapi.datastructures import ResponseSpec
from litestar.response import Response

from protocol import provider_api as shapes
from protocol.errors import DocumentRefused, Reason, StoreError, VoletError
from system.logs import raised_at

MEDIA_TYPE = "application/problem+json"
_SERVER_ERROR = 500
_TITLES = {
    400: ("malformed", "The request cannot be read"),
    401: ("not-authenticated", "No valid token or certificate"),
    403: ("scope-missing", "The token does not allow this"),
    404: ("not-found", "There is no such thing of yours"),
    405: ("method", "The method is not allowed here"),
    408: ("too-slow", "The request came too slowly"),
    409: ("conflict", "This name stands for something else"),
    413: ("too-large", "The request is too large"),
    415: ("media-type", "The content type is not taken here"),
    422: ("document-refused", "The document is refused"),
    429: ("too-many", "Too many requests"),
    500: ("defect", "A defect of the service"),
    503: ("busy", "The service cannot answer now"),
}


class ProblemError(VoletError):
    """An unsuccessful answer; `detail` is a sentence with the next step."""

    def __init__(
        self, status: int, detail: str, *, line: int | None = None, retry_s: int | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.line = line
        self.retry_s = retry_s


def not_found(what: str) -> ProblemError:
    """Return the problem of a missing thing; one of another provider must look the same."""
    return ProblemError(404, f"You have no such {what}; its list says which there are.")


def not_stored(reason: Reason, what: str, a_day: int) -> ProblemError:
    """Return the problem of a document that the store refuses; a contract takes `a_day` of them."""
    if reason is Reason.QUOTA:
        return ProblemError(
            429, f"A contract takes at most {a_day} {what}s within a day; send the rest tomorrow."
        )
    return ProblemError(409, f"This id stands for another {what}; draw a new one.")


def problem(status: int, detail: str, line: int | None = None) -> shapes.Problem:
    """Make the body of an unsuccessful answer."""
    slug, title = _TITLES.get(status, ("failed", "The request failed"))
    return shapes.Problem(f"urn:volet:problem:{slug}", title, status, detail, line)


def response(
    status: int, detail: str, *, line: int | None = None, headers: dict[str, str] | None = None
) -> Response[shapes.Problem]:
    """Answer with a problem."""
    return Response(
        problem(status, detail, line), status_code=status, media_type=MEDIA_TYPE, headers=headers
    )


def no_such_path() -> Response[shapes.Problem]:
    """Answer that the path does not exist."""
    return response(404, _sentence(404, ""))


def documented(*statuses: int) -> dict[int, ResponseSpec]:
    """Return the OpenAPI description of the problems that a handler may answer with."""
    all_statuses = {400, 401, 403, 405, 408, 413, 415, 429, 503, *statuses}
    return {
        status: ResponseSpec(
            shapes.Problem,
            generate_examples=False,
            description=_TITLES[status][1],
            media_type=MEDIA_TYPE,
        )
        for status in sorted(all_statuses)
    }


def on_problem(request: Request[Any, Any, Any], exc: ProblemError) -> Response[shapes.Problem]:
    """Answer with the problem that a handler raised."""
    del request
    headers = {} if exc.retry_s is None else {"Retry-After": str(exc.retry_s)}
    return response(exc.status, str(exc), line=exc.line, headers=headers)


def on_document(request: Request[Any, Any, Any], exc: DocumentRefused) -> Response[shapes.Problem]:
    """Answer that a document breaks a rule."""
    del request
    return response(422, str(exc))


def on_store(request: Request[Any, Any, Any], exc: StoreError) -> Response[shapes.Problem]:
    """Answer that the store is unavailable; the error names local files, so it is only logged."""
    request.app.state.service.troubles.store_failed(exc)
    return response(503, "The store cannot be used now; try again later.")


def on_http(request: Request[Any, Any, Any], exc: HTTPException) -> Response[shapes.Problem]:
    """Answer with the error that Litestar found."""
    del request
    status = exc.status_code
    body = problem(status, _sentence(status, exc.detail))
    if isinstance(exc.extra, list):
        errors = tuple(
            f"{error.get('key', 'body')}: {error.get('message', '')}"
            for error in exc.extra
            if isinstance(error, dict)
        )
        body = msgspec.structs.replace(body, errors=errors)
    return Response(body, status_code=status, media_type=MEDIA_TYPE, headers=exc.headers)


def on_defect(request: Request[Any, Any, Any], exc: Exception) -> Response[shapes.Problem]:
    """Answer to an unexpected error without giving details."""
    path = request.scope.get("path_template", "")
    request.app.state.service.troubles.defect(path, type(exc).__name__, raised_at(exc))
    return response(_SERVER_ERROR, "Please report it with the time; it is in the service's log.")


def _sentence(status: int, detail: str) -> str:
    if status == 404:  # noqa: PLR2004 - the status itself
        return "There is nothing under this path; /v1/openapi.json lists what there is."
    if status == 405:  # noqa: PLR2004 - the status itself
        return "Allow says which methods this path takes."
    if status >= _SERVER_ERROR:
        return "Please report it with the time; it is in the service's log."
    return f"{detail.split(' for ', 1)[0]}; compare with /v1/openapi.json."
