"""Another contract on an enrolled chip: an offer in words, the command that signs it, the request."""

from collections.abc import Mapping

import msgspec
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response
from starlette.status import HTTP_303_SEE_OTHER, HTTP_404_NOT_FOUND

from edge.household.contract_words import contract_rows
from edge.household.requests import AskRequest, SeeOffer
from edge.household.shown_agreements import ShownOffer, WaitingRequest
from edge.page.drafts import Draft
from edge.page.visit import Visit, expected

_FIELDS = ("offer", "start", "consent", "follows")
SEE_OFFER, WAITING = "/accords/offre", "/accords/request.json"


async def see_offer(visit: Visit) -> Response:
    """Show the contract that an offer makes, and what is typed at the chip to take it."""
    if visit.request.method == "POST":
        form = await visit.checked_form()
        fields = {name: form[name] for name in _FIELDS if name in form}
        await _see(visit, fields)
        return visit.to_draft(Draft(fields))
    draft = visit.draft
    if draft is None:
        return RedirectResponse("/accords", HTTP_303_SEE_OTHER)
    draft.check()
    shown = await _see(visit, draft.fields)
    rows = contract_rows(shown.contract, visit.lang)
    return visit.show(
        "offer_seen", contract=rows, doubts=shown.contract.doubts, command=shown.command
    )


async def _see(visit: Visit, form: Mapping[str, str]) -> ShownOffer:
    """Return what the chip says of a form's offer. Raises RequestRefused if it is not taken."""
    if not form.get("offer", "").strip():
        raise visit.refusal("offer_missing")
    try:
        fields = {name: form[name] for name in ("offer", "start")}
        chosen = {name: form[name] or None for name in ("consent", "follows")}
        asked = msgspec.convert(fields | chosen | {"lang": visit.lang}, SeeOffer, strict=False)
    except (KeyError, msgspec.ValidationError) as exc:
        raise visit.refusal("odd_form") from exc
    shown: ShownOffer = expected(ShownOffer, await visit.ask(asked))
    return shown


async def waiting_request(visit: Visit) -> Response:
    """Send the request that was made at the chip and has no answer yet."""
    waiting = expected(WaitingRequest, await visit.ask(AskRequest(lang=visit.lang)))
    return request_file(waiting.request)


def request_file(request: str) -> Response:
    """Send a request as the file to hand to the collectivity.

    Raises:
        HTTPException: there is none (404).
    """
    if not request:
        raise HTTPException(HTTP_404_NOT_FOUND)
    headers = {"Content-Disposition": 'attachment; filename="request.json"'}
    return Response(request, media_type="application/json", headers=headers)
