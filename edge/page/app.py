"""The application: which page is where, who may see it, and what the chip is asked for it."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.status import (
    HTTP_200_OK,
    HTTP_303_SEE_OTHER,
    HTTP_308_PERMANENT_REDIRECT,
    HTTP_400_BAD_REQUEST,
    HTTP_403_FORBIDDEN,
    HTTP_404_NOT_FOUND,
    HTTP_413_CONTENT_TOO_LARGE,
    HTTP_422_UNPROCESSABLE_CONTENT,
    HTTP_500_INTERNAL_SERVER_ERROR,
    HTTP_503_SERVICE_UNAVAILABLE,
    HTTP_507_INSUFFICIENT_STORAGE,
)

from edge.household.messages import (
    AgreementList,
    AskAgreements,
    AskBills,
    AskBudget,
    AskLetters,
    AskLive,
    AskOffers,
    AskOwnCurve,
    AskPairing,
    AskShared,
    AskState,
    AskToday,
    AskToEnter,
    AskWhetherLetIn,
    BillList,
    ChipState,
    Done,
    Knocked,
    LetterList,
    Live,
    OfferList,
    OwnCurve,
    Pair,
    Paired,
    Pairing,
    Question,
    SetProfile,
    Shared,
    SpentBudget,
    Today,
)
from edge.language.choice import Lang
from edge.language.numbers import time_text
from edge.page import views
from edge.page.changes import CHANGES, Change, read_change
from edge.page.curve_file import KINDS, CurveFile, parts
from edge.page.first_run import ANSWER, MADE, REQUEST, download, first_run, request, take_answer
from edge.page.guards import Guards
from edge.page.places import API, ENTER, FIRST_RUN, may_see
from edge.page.sessions import Sessions
from edge.page.visit import (
    KNOCK_COOKIE,
    LANGUAGE_COOKIE,
    SESSION_COOKIE,
    EarlyVisitor,
    FormerVisitor,
    Visit,
    expected,
)
from protocol.errors import ConfigError

YEAR_S = 365 * 86_400
# The most that browsers keep (RFC 6265bis, 5.5); a session ends here, by its last visit.
SESSION_COOKIE_S = 400 * 86_400
LIVE_EVERY_S = 2.0
# A browser opens a new stream by itself.
LIVE_FOR_S = 120.0
STREAMS_MAX, STREAMS_MAX_EACH = 8, 2
KNOCK = f"{ENTER}/bouton"
# It outlives the wait for the button, so that the page can say that nobody pressed it.
KNOCK_COOKIE_S = 300
_KNOCK = re.compile(r"[0-9a-f]{32}(?!\n)$")
_CODE = re.compile(r"[0-9]{8}(?!\n)$")
_STATEMENT = re.compile(r"[0-9a-f]{32}(?!\n)$")
_PLACE = re.compile(r"/[a-z]{0,16}(\?jour=[0-9-]{10}|\?releve=[0-9a-f]{32})?(?!\n)$")

Show = Callable[[Visit], Awaitable[Response]]


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
        # Open streams of values, by the name of their session.
        self._streams: Counter[str] = Counter()

    def visit(self, request: Request) -> Visit:
        """Return the visit that a request is part of."""
        return Visit(request, self.door, self.sessions, self._lang)

    async def today(self, visit: Visit) -> Response:
        """Show the day so far."""
        today = expected(Today, await visit.ask(AskToday(lang=visit.lang)))
        live = expected(Live, await visit.ask(AskLive(lang=visit.lang)))
        so_far, last_day = views.today_facts(today, visit.lang)
        return visit.show(
            "today",
            today=today,
            live=views.live_texts(live, visit.lang),
            curve=views.curve(today.day, today.quarters, visit.lang),
            so_far=so_far,
            last_day=last_day,
        )

    async def shared(self, visit: Visit) -> Response:
        """Show what left the home for a day."""
        day = _day(visit.query("jour"))
        shared = expected(Shared, await visit.ask(AskShared(lang=visit.lang, day=day)))
        before, after = views.neighbours(shared)
        contribution, how = views.contribution(shared, visit.lang)
        return visit.show(
            "shared",
            shared=shared,
            title=views.shared_title(shared, visit.lang),
            before=before,
            after=after,
            energy=views.metered_text(shared, visit.lang),
            curve=views.curve(shared.day, shared.quarters, visit.lang),
            blocks=views.blocks(shared, visit.lang),
            contribution=contribution,
            contribution_how=how,
        )

    async def budget(self, visit: Visit) -> Response:
        """Show what the neighbourhood's figures have cost in privacy."""
        budget = expected(SpentBudget, await visit.ask(AskBudget(lang=visit.lang)))
        return visit.show(
            "budget",
            budget=budget,
            spent=views.spent_noise(budget, visit.lang),
            caps=views.caps(budget, visit.lang),
        )

    async def bills(self, visit: Visit) -> Response:
        """Show the bills, and the lines of one."""
        statement = _statement(visit.query("releve"))
        bills = expected(BillList, await visit.ask(AskBills(lang=visit.lang, statement=statement)))
        return visit.show(
            "bills",
            bills=bills,
            rows=views.bill_rows(bills, visit.lang),
            bars=views.bill_bars(bills),
        )

    async def letters(self, visit: Visit) -> Response:
        """Show the providers' private messages."""
        letters = expected(LetterList, await visit.ask(AskLetters(lang=visit.lang)))
        return visit.show(
            "letters", letters=letters, titles=views.letter_titles(letters, visit.lang)
        )

    async def offers(self, visit: Visit) -> Response:
        """Show what the listed offers would have cost."""
        offers = expected(OfferList, await visit.ask(AskOffers(lang=visit.lang)))
        return visit.show(
            "offers",
            offers=offers,
            rows=views.offer_rows(offers, visit.lang),
            facts=views.offer_facts(offers, visit.lang),
        )

    async def agreements(self, visit: Visit) -> Response:
        """Show contracts, receipts, the part in the neighbourhood's figures, and the trustees."""
        agreements = expected(AgreementList, await visit.ask(AskAgreements(lang=visit.lang)))
        return visit.show(
            "agreements",
            agreements=agreements,
            contracts=views.contracts(agreements, visit.lang),
            sets=views.trustee_sets(agreements, visit.lang),
        )

    async def own_curve(self, visit: Visit) -> Response:
        """Show how much of the curve the chip keeps."""
        own = expected(OwnCurve, await visit.ask(AskOwnCurve(lang=visit.lang)))
        return visit.show("own_curve", own=own)

    def change(self, change: Change) -> Show:
        """Return what says what a change means, and carries it out once the visitor is sure."""

        async def show(visit: Visit) -> Response:
            form = await visit.checked_form()
            try:
                question = read_change(change, form, visit.lang)
            except ValueError as exc:
                raise HTTPException(
                    HTTP_422_UNPROCESSABLE_CONTENT, visit.texts["odd_form"]
                ) from exc
            fields = {name: form.get(name, "") for name in change.fields}
            if form.get("sure") != "yes":
                rows = await self._rows(visit, question)
                return visit.show("sure", change=change, fields=fields, rows=rows)
            done = expected(Done, await visit.ask(question))
            return visit.show("done", change=change, fields=fields, done=done)

        return show

    async def _rows(self, visit: Visit, question: Question) -> list[tuple[str, int]]:
        """Return what a form says of who lives here, by its labels."""
        if not isinstance(question, SetProfile) or question.ages is None:
            return []
        agreements = expected(AgreementList, await visit.ask(AskAgreements(lang=visit.lang)))
        return views.profile_rows(question, agreements, visit.lang)

    async def curve_file(self, visit: Visit) -> Response:
        """Send the household its curve as a file."""
        kind = visit.request.path_params["kind"]
        if kind not in KINDS:
            raise HTTPException(HTTP_404_NOT_FOUND)
        own = expected(OwnCurve, await visit.ask(AskOwnCurve(lang=visit.lang)))
        days = own.days(_day(visit.query("du")), _day(visit.query("au")))
        if days is None:
            raise HTTPException(HTTP_404_NOT_FOUND)
        name = f"{visit.texts['curve_file']}_{days[0]}_{days[1]}.{kind}"
        return CurveFile(
            parts(visit, kind, *days),
            media_type=KINDS[kind],
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    async def state(self, visit: Visit) -> Response:
        """Show the state of the chip, and who is logged in."""
        state = expected(ChipState, await visit.ask(AskState(lang=visit.lang)))
        sessions = [
            {
                "name": each.name,
                "since": time_text(each.since, visit.lang),
                "seen": time_text(each.seen, visit.lang),
                "role": visit.texts[each.role],
                "browser": each.browser,
                "is_this": visit.session is not None and each.name == visit.session.name,
            }
            for each in self.sessions.all()
        ]
        return visit.show("state", state=state, sessions=sessions)

    async def help(self, visit: Visit) -> Response:
        """Show help."""
        return visit.show("help")

    async def enter(self, visit: Visit) -> Response:
        """Show the form for the code, or let its sender in."""
        if visit.request.method == "GET":
            return await self._form(visit, HTTP_200_OK, "")
        code = (await visit.form()).get("code", "").replace(" ", "")
        if not _CODE.match(code):
            refusal = visit.texts["code_shape"]
            return await self._form(visit, HTTP_422_UNPROCESSABLE_CONTENT, refusal)
        try:
            paired = expected(Paired, await visit.ask(Pair(lang=visit.lang, code=code)))
        except HTTPException as exc:
            return await self._refused(visit, exc)
        return self._begin(visit, paired)

    async def knock(self, visit: Visit) -> Response:
        """Let the visitor wait for a press of the panel's button, or let one in who has waited."""
        if visit.request.method == "POST":
            try:
                knocked = expected(Knocked, await visit.ask(AskToEnter(lang=visit.lang)))
            except HTTPException as exc:
                return await self._refused(visit, exc)
            waiting = RedirectResponse(KNOCK, HTTP_303_SEE_OTHER)
            _set_cookie(waiting, KNOCK_COOKIE, knocked.knock, KNOCK_COOKIE_S)
            return waiting
        knock = visit.request.cookies.get(KNOCK_COOKIE, "")
        if not _KNOCK.match(knock):
            return RedirectResponse(ENTER, HTTP_303_SEE_OTHER)
        try:
            found = await visit.ask(AskWhetherLetIn(lang=visit.lang, knock=knock))
        except HTTPException as exc:
            return await self._refused(visit, exc)
        if isinstance(found, Paired):
            answer = self._begin(visit, found)
            _set_cookie(answer, KNOCK_COOKIE, "", 0)
            return answer
        return visit.show("knock", number=expected(Knocked, found).number)

    async def _refused(self, visit: Visit, exc: HTTPException) -> Response:
        """Show the form again, with the chip's reason; whatever else went wrong is raised."""
        if exc.status_code != HTTP_422_UNPROCESSABLE_CONTENT:
            raise exc
        return await self._form(visit, HTTP_403_FORBIDDEN, exc.detail)

    async def _form(self, visit: Visit, status: int, refusal: str) -> Response:
        try:
            pairing = expected(Pairing, await visit.ask(AskPairing(lang=visit.lang)))
        except HTTPException:  # the chip is away: the code is refused with that reason
            pairing = Pairing(is_open=False)
        return visit.show("enter", status, refusal=refusal, by_button=pairing.by_button)

    def _begin(self, visit: Visit, paired: Paired) -> Response:
        """Begin the session of a visitor who was let in."""
        if visit.session is not None:
            self.sessions.end(visit.session.name)
        token = self.sessions.begin(
            paired.role, paired.household, visit.request.headers.get("user-agent", "")
        )
        answer = RedirectResponse("/", HTTP_303_SEE_OTHER)
        _set_cookie(answer, SESSION_COOKIE, token, SESSION_COOKIE_S)
        return answer

    async def leave(self, visit: Visit) -> Response:
        """End the visitor's own session."""
        await visit.checked_form()
        if visit.session is not None:
            self.sessions.end(visit.session.name)
        answer = RedirectResponse(ENTER, HTTP_303_SEE_OTHER)
        _set_cookie(answer, SESSION_COOKIE, "", 0)
        return answer

    async def end(self, visit: Visit) -> Response:
        """End another session."""
        await visit.checked_form()
        self.sessions.end(visit.request.path_params["name"])
        return RedirectResponse("/etat", HTTP_303_SEE_OTHER)

    async def live(self, visit: Visit) -> Response:
        """Stream the latest values on the line, as server-sent events."""
        name = "" if visit.session is None else visit.session.name
        if self._streams.total() >= STREAMS_MAX or self._streams[name] >= STREAMS_MAX_EACH:
            raise HTTPException(HTTP_503_SERVICE_UNAVAILABLE)
        return StreamingResponse(self._events(visit, name), media_type="text/event-stream")

    async def _events(self, visit: Visit, name: str) -> AsyncIterator[str]:
        self._streams[name] += 1
        try:
            for _ in range(int(LIVE_FOR_S / LIVE_EVERY_S)):
                if self.sessions.of(visit.token) is None:  # ended meanwhile
                    return
                live = expected(Live, await visit.ask(AskLive(lang=visit.lang)))
                yield f"data: {json.dumps(views.live_texts(live, visit.lang))}\n\n"
                await asyncio.sleep(LIVE_EVERY_S)
        except HTTPException:
            return
        finally:
            self._streams -= Counter((name,))  # without those that have none

    async def trouble(self, request: Request, exc: Exception) -> Response:
        """Show what went wrong, as a page."""
        visit = self.visit(request)
        status = (
            exc.status_code if isinstance(exc, HTTPException) else HTTP_500_INTERNAL_SERVER_ERROR
        )
        title, text = {
            HTTP_503_SERVICE_UNAVAILABLE: ("away_title", visit.texts["away"]),
            HTTP_403_FORBIDDEN: ("refused_title", visit.texts["form_old"]),
            HTTP_413_CONTENT_TOO_LARGE: ("refused_title", ""),
            HTTP_422_UNPROCESSABLE_CONTENT: ("refused_title", getattr(exc, "detail", "")),
        }.get(status, ("missing_title", ""))
        return visit.trouble(status, title, text)

    async def not_kept(self, request: Request, exc: Exception) -> Response:
        """Say that the page cannot write what it has to keep."""
        del exc
        visit = self.visit(request)
        why = visit.texts["not_kept"]
        return visit.trouble(HTTP_507_INSUFFICIENT_STORAGE, "refused_title", why)


_MODELS: dict[str, Callable[[Visit], Question]] = {
    "today": lambda visit: AskToday(lang=visit.lang),
    "shared": lambda visit: AskShared(lang=visit.lang, day=_day(visit.query("day"))),
    "budget": lambda visit: AskBudget(lang=visit.lang),
    "bills": lambda visit: AskBills(
        lang=visit.lang, statement=_statement(visit.query("statement"))
    ),
    "letters": lambda visit: AskLetters(lang=visit.lang),
    "offers": lambda visit: AskOffers(lang=visit.lang),
    "agreements": lambda visit: AskAgreements(lang=visit.lang),
    "state": lambda visit: AskState(lang=visit.lang),
    "own-curve": lambda visit: AskOwnCurve(lang=visit.lang),
    "live": lambda visit: AskLive(lang=visit.lang),
}


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
            except FormerVisitor:
                return visit.stranger()
            except EarlyVisitor:
                return visit.early()

        return Route(path, answer, methods=list(methods) or ["GET"])

    return Guards(
        Starlette(
            routes=[
                route("/", page.today),
                route("/partage", page.shared),
                route("/shared", _moved_to_shared),
                route("/budget", page.budget),
                route("/factures", page.bills),
                route("/lettres", page.letters),
                route("/offres", page.offers),
                route("/accords", page.agreements),
                route("/donnees", page.own_curve),
                route("/donnees/courbe.{kind}", page.curve_file),
                route("/etat", page.state),
                route("/etat/sessions/{name}", page.end, "POST"),
                route("/sortir", page.leave, "POST"),
                route("/aide", page.help),
                route("/live", page.live),
                *(route(f"{API}{name}", _model(ask)) for name, ask in _MODELS.items()),
                *(route(each.path, page.change(each), "POST") for each in CHANGES),
                route(FIRST_RUN, first_run),
                route(REQUEST, request, "POST"),
                route(MADE, download),
                route(ANSWER, take_answer, "POST"),
                route(ENTER, page.enter, "GET", "POST", is_open=True),
                route(KNOCK, page.knock, "GET", "POST", is_open=True),
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
    )


def _model(ask: Callable[[Visit], Question]) -> Show:
    """Return what shows an answer as JSON, for the household's own scripts."""

    async def show(visit: Visit) -> Response:
        answer = await visit.ask(ask(visit))
        return Response(msgspec.json.encode(answer), media_type="application/json")

    return show


async def _choose_language(visit: Visit) -> Response:
    wanted, back = visit.query("to"), visit.query("back")
    answer = RedirectResponse(back if _PLACE.match(back) else "/", HTTP_303_SEE_OTHER)
    if wanted in {Lang.FR.value, Lang.EN.value}:
        _set_cookie(answer, LANGUAGE_COOKIE, wanted, YEAR_S)
    return answer


async def _hung_up(request: Request, exc: Exception) -> Response:
    """Answer nobody: without this, each visitor who hangs up fills the log with a trace."""
    del request, exc
    return Response(status_code=HTTP_400_BAD_REQUEST)


async def _moved_to_shared(visit: Visit) -> Response:
    del visit
    return RedirectResponse("/partage", HTTP_308_PERMANENT_REDIRECT)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as exc:
        raise HTTPException(HTTP_404_NOT_FOUND) from exc


def _statement(text: str) -> str | None:
    if text and not _STATEMENT.match(text):
        raise HTTPException(HTTP_404_NOT_FOUND)
    return text or None


def _set_cookie(answer: Response, name: str, value: str, lasts_s: int) -> None:
    answer.set_cookie(
        name, value, max_age=lasts_s, path="/", secure=True, httponly=True, samesite="strict"
    )
