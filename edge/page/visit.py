"""One request of a visitor: its language, its session, what the chip answers, and the page shown."""

import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import msgspec
from anyio.to_thread import run_sync
from jinja2 import Environment
from markupsafe import Markup, escape
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.status import (
    HTTP_303_SEE_OTHER,
    HTTP_401_UNAUTHORIZED,
    HTTP_403_FORBIDDEN,
    HTTP_404_NOT_FOUND,
    HTTP_409_CONFLICT,
    HTTP_503_SERVICE_UNAVAILABLE,
)

from edge.household.call import call
from edge.household.messages import Answer
from edge.household.requests import AskLive, Question
from edge.household.shown import (
    Done,
    FormerHouseholds,
    Knocked,
    NotDone,
    NotEnrolled,
    Paired,
    Pairing,
)
from edge.household.shown_first_run import ShownAnswer, ShownFirstRun, ShownRequest
from edge.language.choice import Lang
from edge.page.drafts import Draft, Drafts, RequestRefused
from edge.page.early import EarlyNote
from edge.page.guards import BodyTooLarge
from edge.page.places import API, ENTER, FIRST_RUN, menu, place_above
from edge.page.sessions import Sessions, form_token
from edge.page.texts import TEXTS, texts_in_each
from edge.page.uploads import UploadRefused, upload_fields
from protocol.errors import TransportError
from system.templates import templates_of

SESSION_COOKIE, LANGUAGE_COOKIE = "__Host-volet", "__Host-volet-language"
KNOCK_COOKIE = "__Host-volet-knock"
# In an address, of a form that was sent.
DRAFT = "envoi"
_FIELDS_MAX = 32
# What a chip answers before its enrolment as well as after it.
_OF_ANY_CHIP = (Pairing, Knocked, Paired, ShownFirstRun, ShownRequest, ShownAnswer, Done)
_COMMAND = re.compile(r"`([^`]*)`")
_STATEMENT = re.compile(r"[0-9a-f]{32}(?!\n)$")


class FormerVisitor(HTTPException):
    """The visitor was let in by a household that has left."""

    def __init__(self) -> None:
        super().__init__(HTTP_401_UNAUTHORIZED)


class EarlyVisitor(HTTPException):
    """The chip is not enrolled yet, and has nothing to show but its first run."""

    def __init__(self) -> None:
        super().__init__(HTTP_409_CONFLICT)


class Visit:
    """One request of a visitor: its language, and its session if there is one."""

    def __init__(
        self,
        request: Request,
        door: Path,
        sessions: Sessions,
        drafts: Drafts,
        early: EarlyNote,
        lang: Lang,
    ) -> None:
        self.request = request
        self.lang = _language(request, lang)
        self.token = cookie_of(request.headers.get("cookie", ""), SESSION_COOKIE)
        self.session = sessions.of(self.token) if self.token else None
        self.sessions = sessions
        self._drafts = drafts
        self._early = early
        self._door = door
        self._is_early: bool | None = None

    @property
    def texts(self) -> dict[str, str]:
        """The words in the visitor's language."""
        return TEXTS[self.lang]

    @property
    def is_early(self) -> bool:
        """Whether the chip is not enrolled yet, as far as this visit has found out."""
        if self._is_early is not None:
            return self._is_early
        path: str = self.request.url.path
        return path.startswith(FIRST_RUN)

    async def ask(self, question: Question) -> Answer:
        """Return the chip's answer.

        Raises:
            HTTPException: it does not answer (503).
            RequestRefused: it refuses.
            FormerVisitor: the session is of a household that has left; it has ended.
            EarlyVisitor: the chip is not enrolled yet.
        """
        return await run_sync(self.asked, question)

    def asked(self, question: Question) -> Answer:
        """Return and raise as `ask`, in a thread that may wait."""
        if self.session is not None:
            question = msgspec.structs.replace(
                question, household=self.session.household, role=self.session.role
            )
        try:
            answer = call(self._door, question)
        except TransportError as exc:
            raise HTTPException(HTTP_503_SERVICE_UNAVAILABLE) from exc
        if isinstance(answer, FormerHouseholds):
            if self.session is not None:
                self.sessions.end(self.session.name)
            raise FormerVisitor
        if isinstance(answer, NotEnrolled):
            self._is_early = True
            self._early.note(is_early=True)
            raise EarlyVisitor
        if isinstance(answer, NotDone):
            raise RequestRefused(answer.texts)
        if not isinstance(answer, _OF_ANY_CHIP):
            self._early.note(is_early=False)
        return answer

    async def look_whether_early(self) -> None:
        """Find out whether the chip is enrolled, for pages that ask it nothing else."""
        if self.session is None:
            return
        self.recall_whether_early()
        with suppress(HTTPException):
            await self.ask(AskLive(lang=self.lang))
            self._is_early = False

    def recall_whether_early(self) -> None:
        """Go by what the chip was when it answered last, for it does not answer now."""
        if self.session is not None and not self.is_early:
            self._is_early = self._early.is_early

    def query(self, name: str) -> str:
        """Return a value of the address, empty if it has none of that name."""
        value: str = self.request.query_params.get(name, "")
        return value

    def day(self, name: str) -> date | None:
        """Return a day of the address, None if it has none of that name.

        Raises:
            HTTPException: it is no day (404).
        """
        text = self.query(name)
        try:
            return date.fromisoformat(text) if text else None
        except ValueError as exc:
            raise HTTPException(HTTP_404_NOT_FOUND) from exc

    def statement(self, name: str) -> str | None:
        """Return the name of a bill in the address, None if it has none.

        Raises:
            HTTPException: no bill is named so (404).
        """
        text = self.query(name)
        if text and not _STATEMENT.match(text):
            raise HTTPException(HTTP_404_NOT_FOUND)
        return text or None

    def trouble(self, status: int, title: str, text: str) -> Response:
        """Return a page, or the JSON for a script, that says what went wrong; `title` names its text."""
        if self._is_of_script:
            return JSONResponse({"error": text or self.texts[title]}, status)
        # Where a form led here, the focus goes to the reason; else the page is read from its top.
        is_of_form = self.request.method == "POST" or bool(self.query(DRAFT))
        above = place_above(self.request.url.path) if is_of_form else None
        return self.show(
            *("trouble", status),
            title=self.texts[title],
            text=text,
            is_of_form=is_of_form,
            above=above,
        )

    def stranger(self) -> Response:
        """Return what somebody gets who is not let in: the form for a code, or a script the reason."""
        if self._is_of_script:
            return JSONResponse({"error": self.texts["not_let_in"]}, HTTP_401_UNAUTHORIZED)
        return RedirectResponse(ENTER, HTTP_303_SEE_OTHER)

    def early(self) -> Response:
        """Return what a visitor gets while the chip is not enrolled: its first run, or the reason."""
        if self._is_of_script:
            return JSONResponse({"error": self.texts["not_enrolled"]}, HTTP_409_CONFLICT)
        return RedirectResponse(FIRST_RUN, HTTP_303_SEE_OTHER)

    @property
    def _is_of_script(self) -> bool:
        path: str = self.request.url.path
        return path.startswith(API)

    def show(self, template: str, status: int = 200, /, **values: object) -> Response:
        """Return a page."""
        return HTMLResponse(
            _templates()
            .get_template(f"{template}.html.j2")
            .render(
                texts=self.texts,
                lang=self.lang,
                other_lang=Lang.EN if self.lang is Lang.FR else Lang.FR,
                here=self.request.url.path,
                back=self._place(),
                session=self.session,
                menu=[]
                if self.session is None
                else menu(self.session.role, is_early=self.is_early),
                form=form_token(self.token),
                is_early=self.is_early,
                **values,
            ),
            status,
        )

    def _place(self) -> str:
        """Return where the visitor is, with the query, as its own server sees it."""
        url = self.request.url
        return f"{url.path}?{url.query}" if url.query else url.path

    @property
    def draft(self) -> Draft | None:
        """The draft that the address names, None if it names none of this session's."""
        name = "" if self.session is None else self.session.name
        return self._drafts.find(name, self.query(DRAFT))

    def to_draft(self, draft: Draft) -> Response:
        """Keep a draft, and send the browser to this place to see it."""
        if self.session is None:  # pragma: no cover - who has none sends no form that is kept
            raise HTTPException(HTTP_403_FORBIDDEN)
        name = self._drafts.keep(self.session.name, draft)
        place = f"{self.request.url.path}?{DRAFT}={name}"
        return RedirectResponse(place, HTTP_303_SEE_OTHER)

    def to_refusal(self, refused: RequestRefused, fields: Mapping[str, str]) -> Response:
        """Keep why a form is not taken, and send the browser to this place to see it.

        Of the form itself `fields` are kept, with which it is shown once more.
        """
        return self.to_draft(Draft(fields, refused=refused.texts))

    def refusal(self, name: str) -> RequestRefused:
        """Return a refusal of the page itself; `name` names its text."""
        return RequestRefused(texts_in_each(name))

    async def form(self) -> dict[str, str]:
        """Return the fields of the form that was sent; the first value of each, files as text.

        A form with more fields than any here has none.

        Raises:
            RequestRefused: it is too large, or a form with files was cut off or is none.
        """
        kind = self.request.headers.get("content-type", "")
        try:
            body = await self.request.body()
            if kind.startswith("multipart/"):
                return upload_fields(kind, body, _FIELDS_MAX)
            fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=_FIELDS_MAX)
        except BodyTooLarge as exc:
            raise RequestRefused(texts_in_each("too_large"), exc.status_code) from exc
        except UploadRefused as exc:
            raise self.refusal("upload_cut") from exc
        except ValueError:
            return {}
        return {name: values[0] for name, values in fields.items()}

    async def checked_form(self) -> dict[str, str]:
        """Return the fields of the form that was sent, if it is of this session.

        Raises:
            HTTPException: it is not (403).
            RequestRefused: it is too large, or was cut off.
        """
        form = await self.form()
        if form.get("form") != form_token(self.token):
            raise HTTPException(HTTP_403_FORBIDDEN)
        return form


# What answers a visit.
Show = Callable[[Visit], Awaitable[Response]]


def set_cookie(answer: Response, name: str, value: str, lasts_s: int) -> None:
    """Have the browser keep a cookie for this page alone."""
    answer.set_cookie(
        name, value, max_age=lasts_s, path="/", secure=True, httponly=True, samesite="strict"
    )


def cookie_of(header: str, name: str) -> str:
    """Return the value of one of the page's cookies in a Cookie header, empty if it has none.

    None of them is quoted. To unquote what a stranger sends takes the standard library seconds.
    """
    for each in header.split(";"):
        found, _, value = each.strip().partition("=")
        if found == name:
            return value
    return ""


def expected(kind: type[Any], answer: Answer) -> Any:
    """Return an answer of the kind that was asked for.

    Raises:
        HTTPException: the chip is of another version, and answers something else (503).
    """
    if not isinstance(answer, kind):
        raise HTTPException(HTTP_503_SERVICE_UNAVAILABLE)
    return answer


def _language(request: Request, own: Lang) -> Lang:
    """Return the language that the visitor chose, else the browser's first one, else `own`."""
    chosen = cookie_of(request.headers.get("cookie", ""), LANGUAGE_COOKIE)
    if chosen in {Lang.FR.value, Lang.EN.value}:
        return Lang(chosen)
    accepted = request.headers.get("accept-language", "").lower()
    ranked = (part.strip()[:2] for part in accepted.split(","))
    return next((Lang(part) for part in ranked if part in {Lang.FR.value, Lang.EN.value}), own)


@lru_cache(maxsize=1)
def _templates() -> Environment:
    environment = templates_of("edge.page")
    environment.filters |= {"commands": _commands, "sentence": _sentence}
    return environment


def _sentence(text: str) -> str:
    """Return what a label would have before it as it stands alone."""
    return text[:1].upper() + text[1:]


def _commands(text: str) -> Markup:
    """Return a text in which what stands in backticks is marked as something to type."""
    return Markup(_COMMAND.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped
