"""Single statements; for many there are batches."""

from typing import Annotated

from litestar import get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import JSONBody, PathParameter
from litestar.response import Response

from cloud.api.problems import documented
from cloud.api.provider import ProviderService
from cloud.api.service import HttpRequest, ask_provider, note_subject, stored_response
from cloud.store.providers import Scope
from protocol import provider_api as shapes


@post(
    "/v1/statements",
    tags=["statements"],
    opt={"scope": Scope.STATEMENTS},
    responses={
        200: ResponseSpec(shapes.StatementState, description="It was asked for before."),
        **documented(404, 409, 422),
    },
)
async def request_statement(
    request: HttpRequest, data: JSONBody[shapes.SignedDocument]
) -> Response[shapes.StatementState]:
    """Ask for a statement with your signed `StatementRequest`.

    It is computed on encrypted values as soon as every day of its period is stored, and published
    to the household's chip. The same request again changes nothing.
    """
    state, is_new = await ask_provider(
        request, ProviderService.request_statement, shapes.signed_of(data)
    )
    note_subject(request, state.contract)
    return stored_response(state, f"/v1/statements/{state.id}", is_new=is_new)


IdInPath = Annotated[
    str, PathParameter(pattern=shapes.HEX_ID, description="The request's id, 32 hex digits.")
]


@get(
    "/v1/statements/{statement:str}",
    tags=["statements"],
    opt={"scope": Scope.STATEMENTS},
    responses=documented(404),
)
async def statement(request: HttpRequest, statement: IdInPath) -> shapes.StatementState:
    """Return how far a statement has come."""
    note_subject(request, statement)
    return await ask_provider(request, ProviderService.statement, bytes.fromhex(statement))


@get(
    "/v1/statements/{statement:str}/correction",
    tags=["statements"],
    opt={"scope": Scope.STATEMENTS},
    responses=documented(404, 422),
)
async def correction(request: HttpRequest, statement: IdInPath) -> shapes.Draft:
    """Make the unsigned `StatementRequest` that corrects a statement, once; check it, then sign it.

    It asks for the same days by the latest listed offer that applies to the contract.
    """
    note_subject(request, statement)
    return await ask_provider(request, ProviderService.correction, bytes.fromhex(statement))
