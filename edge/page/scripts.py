"""What the pages show, as JSON for the household's own scripts."""

from collections.abc import Callable

import msgspec
from starlette.responses import Response

from edge.household.requests import (
    AskAgreements,
    AskBills,
    AskBudget,
    AskLetters,
    AskLive,
    AskMoving,
    AskOffers,
    AskOwnCurve,
    AskShared,
    AskState,
    AskToday,
    Question,
)
from edge.page.visit import Show, Visit

MODELS: dict[str, Callable[[Visit], Question]] = {
    "today": lambda visit: AskToday(lang=visit.lang),
    "shared": lambda visit: AskShared(lang=visit.lang, day=visit.day("day")),
    "budget": lambda visit: AskBudget(lang=visit.lang),
    "bills": lambda visit: AskBills(lang=visit.lang, statement=visit.statement("statement")),
    "letters": lambda visit: AskLetters(lang=visit.lang),
    "offers": lambda visit: AskOffers(lang=visit.lang),
    "agreements": lambda visit: AskAgreements(lang=visit.lang),
    "moving": lambda visit: AskMoving(lang=visit.lang),
    "state": lambda visit: AskState(lang=visit.lang),
    "own-curve": lambda visit: AskOwnCurve(lang=visit.lang),
    "live": lambda visit: AskLive(lang=visit.lang),
}


def model(ask: Callable[[Visit], Question]) -> Show:
    """Return what shows an answer as JSON, for the household's own scripts."""

    async def show(visit: Visit) -> Response:
        answer = await visit.ask(ask(visit))
        return Response(msgspec.json.encode(answer), media_type="application/json")

    return show
