"""The application: which page is where, who may see it, and what goes wrong."""

import re
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.status import (
    HTTP_303_SEE_OTHER,
    HTTP_308_PERMANENT_REDIRECT,
    HTTP_400_BAD_REQUEST,
    HTTP_403_FORBIDDEN,
    HTTP_500_INTERNAL_SERVER_ERROR,
    HTTP_503_SERVICE_UNAVAILABLE,
    HTTP_507_INSUFFICIENT_STORAGE,
)

from edge.language.choice import Lang
from edge.page import pages
from edge.page.bill_file import BillFiles
from edge.page.changes import CHANGES, change_page
from edge.page.contract import SEE_OFFER, WAITING, see_offer, waiting_request
from edge.page.drafts import Drafts, RequestRefused
from edge.page.early import EarlyNote
from edge.page.entering import KNOCK, end, enter, knock, leave
from edge.page.first_run import ANSWER, MADE, REQUEST, download, first_run, request, take_answer
from edge.page.guards import Guards
from edge.page.live import LiveStreams
from edge.page.places import API, BILL_FILE, ENTER, FIRST_RUN, may_see
from edge.page.scripts import MODELS, model
from edge.page.sessions import Sessions
from edge.page.visit import (
    LANGUAGE_COOKIE,
    SESSION_COOKIE,
    EarlyVisitor,
    FormerVisitor,
    Show,
    Visit,
    cookie_of,
    set_cookie,
)
from protocol.errors import ConfigError

YEAR_S = 365 * 86_400
_PLACE = re.compile(
    r"/([a-z]{1,16}(/[a-z]{1,16})?)?"
    r"(\?jour=[0-9-]{10}|\?releve=[0-9a-f]{32}|\?envoi=[0-9a-f]{32})?(?!\n)$"
)


class Page:
    """The household's page over one chip's door."""

    def __init__(
        self,
        door: Path,
        directory: Path,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        lang: Lang = Lang.FR,
    ) -> None:
        """Ask at `door`; keep sessions in `directory`.

        `lang` is for visitors whose browser asks for neither language.
        """
        self.door = door
        self._lang = lang
        self.sessions = Sessions(directory, now)
        self._drafts, self._early = Drafts(), EarlyNote(directory)
        self.streams = LiveStreams()
        self.bill_files = BillFiles()

    def visit(self, request: Request) -> Visit:
        """Return the visit that a request is part of."""
        return Visit(request, self.door, self.sessions, self._drafts, self._early, self._lang)

    def let_in(self, cookies: str) -> str:
        """Return the name of the session that a Cookie header carries, empty if there is none."""
        token = cookie_of(cookies, SESSION_COOKIE)
        session = self.sessions.of(token) if token else None
        return "" if session is None else session.name

    async def trouble(self, request: Request, exc: Exception) -> Response:
        """Show what went wrong, as a page."""
        visit = self.visit(request)
        status = (
            exc.status_code if isinstance(exc, HTTPException) else HTTP_500_INTERNAL_SERVER_ERROR
        )
        if status == HTTP_503_SERVICE_UNAVAILABLE:
            visit.recall_whether_early()
        else:
            await visit.look_whether_early()
        away = "away_early" if visit.is_early else "away"
        title, text = {
            HTTP_503_SERVICE_UNAVAILABLE: ("away_title", visit.texts[away]),
            HTTP_403_FORBIDDEN: ("refused_title", visit.texts["form_old"]),
        }.get(status, ("missing_title", ""))
        if isinstance(exc, RequestRefused):
            title, text = "refused_title", exc.texts[visit.lang]
        return visit.trouble(status, title, text)

    async def not_kept(self, request: Request, exc: Exception) -> Response:
        """Say that the page cannot write what it has to keep."""
        del exc
        visit = self.visit(request)
        why = visit.texts["not_kept"]
        return visit.trouble(HTTP_507_INSUFFICIENT_STORAGE, "refused_title", why)


def application(page: Page, names: Collection[str]) -> Guards:
    """Return the page behind its guards, reached by `names` and by addresses."""

    def route(path: str, show: Show, *methods: str, is_open: bool = False) -> Route:
        async def answer(request: Request) -> Response:
            visit = page.visit(request)
            if visit.session is None and not is_open:
                return visit.stranger()
            if visit.session is not None and not (is_open or may_see(visit.session.role, path)):
                return visit.trouble(HTTP_403_FORBIDDEN, "owners_title", visit.texts["owners"])
            try:
                return await show(visit)
            except RequestRefused as exc:
                # A browser that loads the answer again would send the form again.
                if request.method != "POST" or is_open or "GET" not in methods:
                    raise
                return visit.to_refusal(exc, {})
            except FormerVisitor:
                return visit.stranger()
            except EarlyVisitor:
                return visit.early()

        return Route(path, answer, methods=list(methods) or ["GET"])

    return Guards(
        Starlette(
            routes=[
                route("/", pages.today_page),
                route("/partage", pages.shared_page),
                route("/shared", _moved_to_shared),
                route("/budget", pages.budget_page),
                route("/factures", pages.bills_page),
                route(BILL_FILE, page.bill_files.send),
                route("/lettres", pages.letters_page),
                route("/offres", pages.offers_page),
                route("/accords", pages.agreements_page),
                route("/demenager", pages.moving_page),
                route(SEE_OFFER, see_offer, "GET", "POST"),
                route(WAITING, waiting_request),
                route("/donnees", pages.own_curve_page),
                route("/donnees/courbe.{kind}", pages.curve_file),
                route("/etat", pages.state_page),
                route("/etat/sessions/{name}", end, "POST"),
                route("/sortir", leave, "POST"),
                route("/aide", pages.help_page),
                route("/live", page.streams.open),
                *(route(f"{API}{name}", model(ask)) for name, ask in MODELS.items()),
                *(route(each.path, change_page(each), "GET", "POST") for each in CHANGES),
                route(FIRST_RUN, first_run),
                route(REQUEST, request, "GET", "POST"),
                route(MADE, download),
                route(ANSWER, take_answer, "GET", "POST"),
                route(ENTER, enter, "GET", "POST", is_open=True),
                route(KNOCK, knock, "GET", "POST", is_open=True),
                route("/langue", _choose_language, is_open=True),
                Mount("/static", StaticFiles(packages=[("edge.page", "static")])),
            ],
            exception_handlers={
                HTTPException: page.trouble,
                ConfigError: page.not_kept,
                ClientDisconnect: _hung_up,
            },
        ),
        names,
        page.let_in,
    )


async def _choose_language(visit: Visit) -> Response:
    wanted, back = visit.query("to"), visit.query("back")
    answer = RedirectResponse(back if _PLACE.match(back) else "/", HTTP_303_SEE_OTHER)
    if wanted in {Lang.FR.value, Lang.EN.value}:
        set_cookie(answer, LANGUAGE_COOKIE, wanted, YEAR_S)
    return answer


async def _hung_up(request: Request, exc: Exception) -> Response:
    """Answer nobody: without this, each visitor who hangs up fills the log with a trace."""
    del request, exc
    return Response(status_code=HTTP_400_BAD_REQUEST)


async def _moved_to_shared(visit: Visit) -> Response:
    del visit
    return RedirectResponse("/partage", HTTP_308_PERMANENT_REDIRECT)
