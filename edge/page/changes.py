"""What a form of the page may change: where it is sent, its words, and what the chip is asked.

Each change is asked for twice: the form's first sending shows what it means and what leaves the
home, and changes nothing. What the chip would refuse after the yes it refuses before.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec
from starlette.responses import RedirectResponse, Response
from starlette.status import HTTP_303_SEE_OTHER

from edge.household.requests import (
    AskAgreements,
    AskBudget,
    AskForQuotes,
    CapYear,
    EraseHousehold,
    KeepCurve,
    Question,
    RepeatLine,
    SetProfile,
    TakePart,
)
from edge.household.shown import Done, Feasible, SpentBudget
from edge.household.shown_agreements import AgreementList
from edge.language.choice import Lang
from edge.page import views
from edge.page.drafts import Draft
from edge.page.visit import Show, Visit, expected

_AGES = tuple(f"age{n}" for n in range(6))


class Change(NamedTuple):
    """A change: `words` names its texts (`_title`, `_means`, `_yes`), `back` the page of its form.

    `at_panel` names them where the panel's button has to confirm it too.

    `fields` are those of the form, `read` what they ask for: the fields of a question of `kind`.
    """

    path: str
    back: str
    words: str
    kind: type[Question]
    fields: tuple[str, ...] = ()
    read: Callable[[Mapping[str, str]], dict[str, object]] = dict
    at_panel: str = ""


def read_change(change: Change, form: Mapping[str, str], lang: Lang) -> Question:
    """Return what a form asks of the chip.

    Raises:
        ValueError: a field is missing, or is not what the page's own form sends.
    """
    try:
        fields = change.read({name: form[name] for name in change.fields})
        asked: Question = msgspec.convert(fields | {"lang": lang}, change.kind, strict=False)
    except KeyError as exc:
        raise ValueError(f"the field {exc} is missing") from exc
    return asked


def _profile(form: Mapping[str, str]) -> dict[str, object]:
    """Return who lives here; a field that was left empty counts nobody."""
    return {"ages": [form[name] or "0" for name in _AGES], "employed": form["employed"] or "0"}


CHANGES = (
    Change(
        "/accords/participer", "/accords", "take_part", TakePart, read=lambda _: {"is_on": True}
    ),
    Change("/accords/arreter", "/accords", "stop_part", TakePart, read=lambda _: {"is_on": False}),
    Change("/accords/foyer", "/accords", "set_profile", SetProfile, (*_AGES, "employed"), _profile),
    Change("/accords/oublier", "/accords", "forget_profile", SetProfile),
    Change("/budget/plafond", "/budget", "cap_year", CapYear, ("rho",)),
    Change("/offres/demander", "/offres", "ask_quotes", AskForQuotes),
    Change(
        "/donnees/garder", "/donnees", "keep_months", KeepCurve, ("months",), at_panel="keep_fewer"
    ),
    Change("/etat/repeter", "/etat", "repeat_line", RepeatLine, read=lambda _: {"is_on": True}),
    Change("/etat/taire", "/etat", "repeat_end", RepeatLine, read=lambda _: {"is_on": False}),
    Change("/demenager/effacer", "/demenager", "erase", EraseHousehold, at_panel="erase"),
)


def change_page(change: Change) -> Show:
    """Return what says what a change means, and carries it out once the visitor is sure."""

    async def show(visit: Visit) -> Response:
        if visit.request.method == "POST":
            return await _take(visit, change)
        draft = visit.draft
        if draft is None:
            return RedirectResponse(change.back, HTTP_303_SEE_OTHER)
        draft.check()
        question = _question(visit, change, draft.fields)
        shown = {**draft.fields, **await _shown(visit, question)}
        if draft.done:
            words = change.at_panel if draft.is_at_panel else change.words
            return visit.show(
                "done",
                change=change,
                words=words,
                shown=shown,
                text=draft.done[visit.lang],
                is_at_panel=draft.is_at_panel,
            )
        tried = await _try(visit, question)
        return visit.show(
            "sure",
            change=change,
            words=change.at_panel if tried.is_at_panel else change.words,
            fields=draft.fields,
            shown=shown,
            rows=await _rows(visit, question),
        )

    return show


async def _take(visit: Visit, change: Change) -> Response:
    """Take a form: the first time try it, and carry it out once the visitor is sure."""
    form = await visit.checked_form()
    fields = {name: form[name] for name in change.fields if name in form}
    question = _question(visit, change, form)
    if form.get("sure") != "yes":
        await _try(visit, question)
        return visit.to_draft(Draft(fields))
    done = expected(Done, await visit.ask(question))
    return visit.to_draft(Draft(fields, done.texts, done.is_at_panel))


def _question(visit: Visit, change: Change, form: Mapping[str, str]) -> Question:
    """Return what a form asks of the chip. Raises RequestRefused if it is odd."""
    try:
        return read_change(change, form, visit.lang)
    except ValueError as exc:
        raise visit.refusal("odd_form") from exc


async def _try(visit: Visit, question: Question) -> Feasible:
    """Have the chip say that a change can be made, and how."""
    trial = msgspec.structs.replace(question, is_trial=True)
    found: Feasible = expected(Feasible, await visit.ask(trial))
    return found


async def _shown(visit: Visit, question: Question) -> dict[str, str]:
    """Return the numbers of a change as its words show them."""
    if isinstance(question, CapYear):
        budget = expected(SpentBudget, await visit.ask(AskBudget(lang=visit.lang)))
        return {"share": views.share_of_cap(question.rho, budget, visit.lang)}
    return {}


async def _rows(visit: Visit, question: Question) -> list[tuple[str, int]]:
    """Return what a form says of who lives here, by its labels."""
    if not isinstance(question, SetProfile) or question.ages is None:
        return []
    agreements = expected(AgreementList, await visit.ask(AskAgreements(lang=visit.lang)))
    return views.profile_rows(question, agreements, visit.lang)
