"""What no browser sends ends in an answer, not in a fault that fills the log with a trace."""

import asyncio

import httpx
import pytest
from starlette.requests import Request

from edge.household.visitors import VisitorRole
from edge.page.app import Page, application
from edge.page.guards import STRANGERS_BODY_BYTES_MAX
from edge.page.sessions import FILE_NAME, form_token
from edge.page.visit import SESSION_COOKIE
from tests.support.steps import steps_of

HOME = "https://localhost"
STEPS_MAX = 3_000


@pytest.fixture
def app(tmp_path):
    return application(Page(tmp_path / "nobody", tmp_path), ["localhost"])


def sent(app, **request):
    """Send a form to the page, where each fault is raised."""

    async def send():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=HOME) as visitor:
            return await visitor.post("/entrer", headers={"Origin": HOME}, **request)

    return asyncio.run(send())


async def in_parts(size):
    for start in range(0, size, 1_000):
        yield b"x" * min(1_000, size - start)


def test_a_form_with_too_many_fields_is_refused(app):
    assert sent(app, content=b"a=1&" * 50).status_code == 422


def test_a_body_that_does_not_say_its_size_is_cut(app):
    assert sent(app, content=in_parts(STRANGERS_BODY_BYTES_MAX)).status_code == 422
    assert sent(app, content=in_parts(STRANGERS_BODY_BYTES_MAX + 1)).status_code == 413


def test_a_strangers_cookie_costs_few_steps(tmp_path):
    """It took the standard library two seconds to unquote this one, in which nobody was answered."""
    page = Page(tmp_path / "door", tmp_path)
    cookie = SESSION_COOKIE.encode() + b'="' + rb"\1" * 15_000 + b'"'
    request = Request({"type": "http", "headers": [(b"cookie", cookie)]})
    assert steps_of(lambda: page.visit(request)) < STEPS_MAX


def test_a_visitor_who_hangs_up_within_a_form_is_no_fault(app):
    async def receive():
        return {"type": "http.disconnect"}

    async def send(_):
        pass

    headers = [(b"host", b"localhost"), (b"origin", HOME.encode())]
    scope = {
        "type": "http",
        "method": "POST",
        "scheme": "https",
        "path": "/entrer",
        "query_string": b"",
        "headers": headers,
    }
    asyncio.run(app(scope, receive, send))


def test_a_session_whose_end_cannot_be_kept_says_so(tmp_path):
    page = Page(tmp_path / "nobody", tmp_path)
    token = page.sessions.begin(VisitorRole.OWNER, "ab" * 8, "")
    (tmp_path / FILE_NAME).unlink()
    (tmp_path / FILE_NAME).mkdir()
    app = application(page, ["localhost"])

    async def leave():
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url=HOME,
            cookies={SESSION_COOKIE: token},
            headers={"Origin": HOME, "Accept-Language": "en"},
        ) as visitor:
            return await visitor.post("/sortir", data={"form": form_token(token)})

    answer = asyncio.run(leave())
    assert answer.status_code == 507
    assert "The chip&#39;s disk cannot be written." in answer.text
