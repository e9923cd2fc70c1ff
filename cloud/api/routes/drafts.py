"""Drafts: unsigned requests for statements, including late days, for the provider to sign."""

from datetime import date
from typing import Annotated

from litestar import get
from litestar.params import QueryParameter

from cloud.api.problems import documented
from cloud.api.provider import ProviderService
from cloud.api.service import HttpRequest, ask_provider, note_subject
from cloud.store.providers import Scope
from protocol import provider_api as shapes
from protocol.provider_api import ContractFilter, Drafting

DRAFTS_MAX = 200


@get("/v1/drafts", tags=["statements"], opt={"scope": Scope.STATEMENTS}, responses=documented(404))
async def drafts(  # noqa: PLR0913 - the parameters of a query
    request: HttpRequest,
    *,
    start: Annotated[date, QueryParameter(name="from", description="The first day.")],
    end: Annotated[date, QueryParameter(name="to", description="The day after the last.")],
    contract: Annotated[
        str | None, QueryParameter(pattern=shapes.HEX_HASH, description="Of this contract only.")
    ] = None,
    area: Annotated[
        str | None,
        QueryParameter(
            pattern=shapes.AREA_CODE, description="Only in this IRIS, commune or département."
        ),
    ] = None,
    without_missing: Annotated[
        bool, QueryParameter(description="Leave out days that are not stored yet; they are owed.")
    ] = False,
    after: Annotated[
        str | None,
        QueryParameter(pattern=shapes.HEX_HASH, description="What `next` of a page said."),
    ] = None,
    limit: Annotated[
        int, QueryParameter(ge=1, le=DRAFTS_MAX, description="The longest page.")
    ] = DRAFTS_MAX,
) -> shapes.DraftPage:
    """Make unsigned `StatementRequest`s for your accepted contracts; check them, then sign them.

    Days that earlier statements omitted and that are stored by now are named as late.
    """
    note_subject(request, contract or area or "")
    drafting = Drafting(start, end, without_missing)
    if contract is not None:
        return await ask_provider(request, ProviderService.draft, bytes.fromhex(contract), drafting)
    wanted = ContractFilter(area or "", is_accepted=True)
    return await ask_provider(
        request, ProviderService.drafts, wanted, drafting, bytes.fromhex(after or ""), limit
    )
