"""The first run on the page: the meter's line, the contract, the request, and the answer to it.

Each of its pages follows from what the chip says of itself, so that a restart of chip, page or
browser loses nothing. Between a form and the yes to it, its documents are carried in the second form.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec
from starlette.responses import RedirectResponse, Response
from starlette.status import (
    HTTP_200_OK,
    HTTP_303_SEE_OTHER,
    HTTP_422_UNPROCESSABLE_CONTENT,
)

from edge.household.contract_words import contract_rows
from edge.household.messages import Answer
from edge.household.requests import AskFirstRun, MakeRequest, TakeAnswer
from edge.household.shown import Done
from edge.household.shown_agreements import ShownContract
from edge.household.shown_first_run import FirstRunStep, ShownAnswer, ShownFirstRun, ShownRequest
from edge.page.contract import request_file
from edge.page.drafts import Draft, RequestRefused
from edge.page.places import FIRST_RUN
from edge.page.visit import Visit, expected
from protocol.calendar import legal_day

REQUEST, MADE, ANSWER = (f"{FIRST_RUN}/{name}" for name in ("demande", "request.json", "reponse"))
_TAKEN = ("start", "consent", "follows")
_STEPS = ("request", "answer")


class _Sent(NamedTuple):
    """A form that was sent: of which step, and its fields."""

    where: str = ""
    form: Mapping[str, str] = {}


async def first_run(visit: Visit) -> Response:
    """Show how far the chip has come, and what comes next."""
    shown = expected(ShownFirstRun, await visit.ask(AskFirstRun(lang=visit.lang)))
    if shown.step is FirstRunStep.DONE:
        return RedirectResponse("/", HTTP_303_SEE_OTHER)
    return _show(visit, shown, _Sent())


async def request(visit: Visit) -> Response:
    """Show what the request would hold, and make it once the visitor is sure."""
    if visit.request.method == "POST":
        return await _take_request(visit)
    draft = visit.draft
    if draft is None:
        return RedirectResponse(FIRST_RUN, HTTP_303_SEE_OTHER)
    try:
        draft.check()
        shown = expected(ShownRequest, await visit.ask(_read_request(visit, draft.fields)))
    except RequestRefused as exc:
        return await _show_again(visit, exc, _Sent("request", draft.fields))
    fields = {name: draft.fields.get(name, "") for name in ("offer", *_TAKEN)}
    fields["contract"] = "" if shown.contract is None else shown.contract.contract
    rows, doubts = _contract_rows(visit, shown.contract), _doubts(shown.contract)
    return visit.show("first_run_request", fields=fields, contract=rows, doubts=doubts)


async def _take_request(visit: Visit) -> Response:
    """Take the form of a request: show what it would hold, or make it once the visitor is sure."""
    form = await visit.checked_form()
    try:
        shown = expected(ShownRequest, await visit.ask(_read_request(visit, form)))
    except RequestRefused as exc:
        return visit.to_refusal(exc, {name: form[name] for name in _TAKEN if name in form})
    if shown.is_made:
        return RedirectResponse(FIRST_RUN, HTTP_303_SEE_OTHER)
    return visit.to_draft(Draft({name: form[name] for name in ("offer", *_TAKEN) if name in form}))


async def download(visit: Visit) -> Response:
    """Send the request as a file to hand to the collectivity."""
    shown = expected(ShownFirstRun, await visit.ask(AskFirstRun(lang=visit.lang)))
    return request_file(shown.request)


async def take_answer(visit: Visit) -> Response:
    """Show whose answer it is, and have it installed once the visitor has compared."""
    if visit.request.method != "POST":
        return await _show_answer(visit)
    form = await visit.checked_form()
    is_sure, text = form.get("sure") == "yes", form.get("answer", "")
    found = await _ask_about(visit, text, is_sure=is_sure)
    if is_sure:
        return visit.to_draft(Draft({}, expected(Done, found).texts))
    return visit.to_draft(Draft({"answer": text}))


async def _show_answer(visit: Visit) -> Response:
    """Show an answer that was sent, or that it is installed."""
    draft = visit.draft
    if draft is None:
        return RedirectResponse(FIRST_RUN, HTTP_303_SEE_OTHER)
    if draft.done:
        return visit.show("first_run_done", text=draft.done[visit.lang])
    try:
        draft.check()
        text = draft.fields["answer"]
        found = await _ask_about(visit, text)
    except RequestRefused as exc:
        return await _show_again(visit, exc, _Sent("answer"))
    shown = expected(ShownAnswer, found)
    rows, doubts = _contract_rows(visit, shown.contract), _doubts(shown.contract)
    return visit.show("first_run_answer", found=shown, contract=rows, doubts=doubts, text=text)


async def _ask_about(visit: Visit, text: str, *, is_sure: bool = False) -> Answer:
    """Return what the chip says of an answer. Raises RequestRefused if it does not take it."""
    if not text:
        raise visit.refusal("answer_missing")
    return await visit.ask(TakeAnswer(lang=visit.lang, answer=text, is_sure=is_sure))


def _show(visit: Visit, shown: ShownFirstRun, sent: _Sent, why: str = "") -> Response:
    """Return the page of all steps; `why` stands beside the form that was sent and refused."""
    today = legal_day(datetime.now(UTC)).isoformat()
    chosen = {"start": today, "consent": "total", "follows": "true"}
    chosen |= {name: sent.form[name] for name in _TAKEN if name in sent.form}
    return visit.show(
        "first_run",
        HTTP_422_UNPROCESSABLE_CONTENT if why else HTTP_200_OK,
        run=shown,
        chosen=chosen,
        contract=_contract_rows(visit, shown.contract),
        doubts=_doubts(shown.contract),
        next=visit.texts[f"first_run_{shown.step}"],
        refused={step: why if step == sent.where else "" for step in _STEPS},
        refusal=why,
    )


async def _show_again(visit: Visit, refused: RequestRefused, sent: _Sent) -> Response:
    """Return the page with what was sent and why the chip does not take it.

    Raises:
        RequestRefused: `refused`, if there is no form to fill in once more.
    """
    shown = expected(ShownFirstRun, await visit.ask(AskFirstRun(lang=visit.lang)))
    if shown.step is FirstRunStep.DONE:
        raise refused
    return _show(visit, shown, sent, refused.texts[visit.lang])


def _read_request(visit: Visit, form: Mapping[str, str]) -> MakeRequest:
    """Return what a form asks for.

    Raises:
        RequestRefused: it is not what the page's own form sends.
    """
    fields: dict[str, object] = {"lang": visit.lang, "is_sure": form.get("sure") == "yes"}
    try:
        if form.get("offer"):
            fields |= {"offer": form["offer"]} | {name: form[name] for name in _TAKEN}
            fields["start"] = fields["start"] or None
        fields["contract"] = form.get("contract", "")
        return msgspec.convert(fields, MakeRequest, strict=False)
    except (KeyError, msgspec.ValidationError) as exc:
        raise visit.refusal("odd_form") from exc


def _doubts(contract: ShownContract | None) -> tuple[str, ...]:
    return () if contract is None else contract.doubts


def _contract_rows(visit: Visit, contract: ShownContract | None) -> list[tuple[str, str]]:
    """Return a contract by its labels; nothing where there is none."""
    return [] if contract is None else contract_rows(contract, visit.lang)
