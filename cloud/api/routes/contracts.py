"""Contracts: the provider's own customers, and its acceptance of their contracts."""

from datetime import date
from typing import Annotated

from litestar import get, post
from litestar.params import JSONBody, PathParameter, QueryParameter

from cloud.api.problems import documented
from cloud.api.provider import ProviderService
from cloud.api.service import HttpRequest, ask_provider, caller_of, note_subject
from cloud.store.providers import Scope
from protocol import provider_api as shapes
from protocol.provider_api import ContractFilter

HashInPath = Annotated[
    str, PathParameter(pattern=shapes.HEX_HASH, description="A contract's hash, 64 hex digits.")
]
After = Annotated[
    str | None, QueryParameter(pattern=shapes.HEX_HASH, description="What `next` of a page said.")
]
Limit = Annotated[int, QueryParameter(ge=1, le=shapes.LIMIT_MAX, description="The longest page.")]


@get("/v1/me", tags=["access"], responses=documented())
async def me(request: HttpRequest) -> shapes.Who:
    """Return who the service takes you for, and what your credential allows."""
    caller = caller_of(request)
    return shapes.Who(
        caller.provider.name,
        caller.provider.key.hex(),
        caller.credential,
        tuple(caller.scopes),
        caller.expires,
    )


@get("/v1/contracts", tags=["contracts"], opt={"scope": Scope.CONTRACTS}, responses=documented())
async def contracts(
    request: HttpRequest,
    after: After = None,
    limit: Limit = shapes.LIMIT,
    area: Annotated[
        str | None,
        QueryParameter(
            pattern=shapes.AREA_CODE,
            description="Only where the roster has the household in this IRIS, commune or "
            "département.",
        ),
    ] = None,
    on: Annotated[
        date | None, QueryParameter(description="Only those that hold on this day.")
    ] = None,
    offer: Annotated[
        str | None, QueryParameter(pattern=shapes.HEX_HASH, description="Only those of this offer.")
    ] = None,
    is_accepted: Annotated[
        bool | None,
        QueryParameter(name="accepted", description="Only accepted ones, or only others."),
    ] = None,
) -> shapes.ContractPage:
    """List your customers by contract, oldest first."""
    note_subject(request, area or "")
    wanted = ContractFilter(area or "", on, bytes.fromhex(offer or ""), is_accepted)
    return await ask_provider(
        request, ProviderService.contracts, wanted, bytes.fromhex(after or ""), limit
    )


@get(
    "/v1/contracts/{contract:str}",
    tags=["contracts"],
    opt={"scope": Scope.CONTRACTS},
    responses=documented(404),
)
async def contract(request: HttpRequest, contract: HashInPath) -> shapes.ContractItem:
    """Return one contract."""
    note_subject(request, contract)
    return await ask_provider(request, ProviderService.contract, bytes.fromhex(contract))


@get(
    "/v1/contracts/{contract:str}/document",
    tags=["contracts"],
    opt={"scope": Scope.CONTRACTS},
    responses=documented(404),
)
async def contract_document(request: HttpRequest, contract: HashInPath) -> shapes.SignedDocument:
    """Return a contract as the household signed it; its SHA-256 is the hash in the path."""
    note_subject(request, contract)
    own = await ask_provider(request, ProviderService.own_contract, bytes.fromhex(contract))
    return shapes.document_of(own.contract)


@post(
    "/v1/contracts/{contract:str}/acceptance",
    tags=["contracts"],
    opt={"scope": Scope.CONTRACTS},
    responses=documented(404, 422),
    status_code=200,
)
async def accept(
    request: HttpRequest, contract: HashInPath, data: JSONBody[shapes.SignedDocument]
) -> shapes.Accepted:
    """Submit your signed `Acceptance` of a contract; no statement is computed before that.

    The first one is kept; submitting it again changes nothing.
    """
    note_subject(request, contract)
    return await ask_provider(
        request, ProviderService.accept, bytes.fromhex(contract), shapes.signed_of(data)
    )
