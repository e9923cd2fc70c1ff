"""How a visitor is let in, by the console's code or the panel's button, and leaves again."""

import re

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response
from starlette.status import (
    HTTP_200_OK,
    HTTP_303_SEE_OTHER,
    HTTP_403_FORBIDDEN,
    HTTP_422_UNPROCESSABLE_CONTENT,
)

from edge.household.requests import AskPairing, AskToEnter, AskWhetherLetIn, Pair
from edge.household.shown import Knocked, Paired, Pairing
from edge.page.drafts import RequestRefused
from edge.page.places import ENTER
from edge.page.visit import (
    KNOCK_COOKIE,
    SESSION_COOKIE,
    Visit,
    cookie_of,
    expected,
    set_cookie,
)

# The most that browsers keep (RFC 6265bis, 5.5); a session ends here, by its last visit.
SESSION_COOKIE_S = 400 * 86_400
KNOCK = f"{ENTER}/bouton"
# It outlives the wait for the button, so that the page can say that nobody pressed it.
KNOCK_COOKIE_S = 300
_KNOCK = re.compile(r"[0-9a-f]{32}(?!\n)$")
_CODE = re.compile(r"[0-9]{8}(?!\n)$")


async def enter(visit: Visit) -> Response:
    """Show the form for the code, or let its sender in."""
    if visit.request.method == "GET":
        return await _form(visit, HTTP_200_OK, "")
    code = (await visit.form()).get("code", "").replace(" ", "")
    if not _CODE.match(code):
        refusal = visit.texts["code_shape"]
        return await _form(visit, HTTP_422_UNPROCESSABLE_CONTENT, refusal)
    try:
        paired = expected(Paired, await visit.ask(Pair(lang=visit.lang, code=code)))
    except RequestRefused as exc:
        return await _refused(visit, exc)
    return _begin(visit, paired)


async def knock(visit: Visit) -> Response:
    """Let the visitor wait for a press of the panel's button, or let one in who has waited."""
    if visit.request.method == "POST":
        try:
            knocked = expected(Knocked, await visit.ask(AskToEnter(lang=visit.lang)))
        except RequestRefused as exc:
            return await _refused(visit, exc)
        waiting = RedirectResponse(KNOCK, HTTP_303_SEE_OTHER)
        set_cookie(waiting, KNOCK_COOKIE, knocked.knock, KNOCK_COOKIE_S)
        return waiting
    knock = cookie_of(visit.request.headers.get("cookie", ""), KNOCK_COOKIE)
    if not _KNOCK.match(knock):
        return RedirectResponse(ENTER, HTTP_303_SEE_OTHER)
    try:
        found = await visit.ask(AskWhetherLetIn(lang=visit.lang, knock=knock))
    except RequestRefused as exc:
        return await _refused(visit, exc)
    if isinstance(found, Paired):
        answer = _begin(visit, found)
        set_cookie(answer, KNOCK_COOKIE, "", 0)
        return answer
    return visit.show("knock", number=expected(Knocked, found).number)


async def leave(visit: Visit) -> Response:
    """End the visitor's own session."""
    await visit.checked_form()
    if visit.session is not None:
        visit.sessions.end(visit.session.name)
    answer = RedirectResponse(ENTER, HTTP_303_SEE_OTHER)
    set_cookie(answer, SESSION_COOKIE, "", 0)
    return answer


async def end(visit: Visit) -> Response:
    """End another session."""
    await visit.checked_form()
    visit.sessions.end(visit.request.path_params["name"])
    return RedirectResponse("/etat", HTTP_303_SEE_OTHER)


async def _refused(visit: Visit, exc: RequestRefused) -> Response:
    """Show the form again, with the chip's reason."""
    return await _form(visit, HTTP_403_FORBIDDEN, exc.texts[visit.lang])


async def _form(visit: Visit, status: int, refusal: str) -> Response:
    try:
        pairing = expected(Pairing, await visit.ask(AskPairing(lang=visit.lang)))
    except HTTPException:  # the chip is away: the code is refused with that reason
        pairing = Pairing(is_open=False)
    return visit.show(
        "enter",
        status,
        refusal=refusal,
        by_button=pairing.by_button,
        has_ended=bool(visit.token) and visit.session is None,
    )


def _begin(visit: Visit, paired: Paired) -> Response:
    """Begin the session of a visitor who was let in."""
    if visit.session is not None:
        visit.sessions.end(visit.session.name)
    token = visit.sessions.begin(
        paired.role, paired.household, visit.request.headers.get("user-agent", "")
    )
    answer = RedirectResponse("/", HTTP_303_SEE_OTHER)
    set_cookie(answer, SESSION_COOKIE, token, SESSION_COOKIE_S)
    return answer
