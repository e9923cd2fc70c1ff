"""Documents listed in public, receipts from households, and letters to them."""

from typing import Annotated

from litestar import get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import JSONBody, PathParameter, QueryParameter
from litestar.response import Response

from cloud.api.documents import ProviderDocuments
from cloud.api.problems import documented
from cloud.api.routes.contracts import Limit
from cloud.api.service import HttpRequest, ask_documents, note_subject, stored_response
from cloud.store.providers import Scope
from protocol import provider_api as shapes

_HASH = Annotated[
    str, PathParameter(pattern=shapes.HEX_HASH, description="A document's hash, 64 hex digits.")
]


@post(
    "/v1/catalogue",
    tags=["catalogue"],
    opt={"scope": Scope.OFFERS},
    responses={
        200: ResponseSpec(shapes.ListedEntry, description="It was listed before."),
        **documented(409, 422),
    },
)
async def list_document(
    request: HttpRequest, data: JSONBody[shapes.SignedDocument]
) -> Response[shapes.ListedEntry]:
    """List your signed `Offer`, `Calendar` or `PriceSeries` in public. It cannot be removed again.

    A document that breaks a rule is refused with the tariff's and the line's number.
    """
    entry, is_new = await ask_documents(
        request, ProviderDocuments.list_document, shapes.signed_of(data)
    )
    note_subject(request, entry.hash)
    return stored_response(entry, f"/v1/catalogue/{entry.hash}", is_new=is_new)


@get("/v1/catalogue", tags=["catalogue"], opt={"scope": Scope.OFFERS}, responses=documented())
async def catalogue(
    request: HttpRequest,
    after: Annotated[
        int, QueryParameter(ge=-1, le=2**31, description="What `next` of a page said.")
    ] = -1,
    limit: Limit = shapes.LIMIT,
) -> shapes.ListedPage:
    """Read the transparency log, with everybody's documents, in order."""
    return await ask_documents(request, ProviderDocuments.listed, after, limit)


@get(
    "/v1/catalogue/{document:str}",
    tags=["catalogue"],
    opt={"scope": Scope.OFFERS},
    responses=documented(404),
)
async def listed_document(request: HttpRequest, document: _HASH) -> shapes.SignedDocument:
    """Return a listed document as it was signed."""
    note_subject(request, document)
    return await ask_documents(request, ProviderDocuments.listed_document, bytes.fromhex(document))


@get("/v1/receipts", tags=["receipts"], opt={"scope": Scope.RECEIPTS}, responses=documented())
async def receipts(
    request: HttpRequest,
    *,
    after: Annotated[
        str | None, QueryParameter(pattern=shapes.HEX_ID, description="What `next` of a page said.")
    ] = None,
    limit: Limit = shapes.LIMIT,
    is_all: Annotated[
        bool, QueryParameter(name="all", description="Acknowledged ones, too.")
    ] = False,
) -> shapes.ReceiptPage:
    """Return receipts sealed to you; by default only those you have not acknowledged."""
    return await ask_documents(
        request, ProviderDocuments.receipts, bytes.fromhex(after or ""), limit, is_new=not is_all
    )


@post(
    "/v1/receipts/acknowledged",
    tags=["receipts"],
    opt={"scope": Scope.RECEIPTS},
    responses=documented(),
    status_code=200,
)
async def acknowledge(
    request: HttpRequest, data: JSONBody[shapes.Acknowledgement]
) -> shapes.Acknowledged:
    """Acknowledge receipts; they are not returned as new again. Nothing is deleted."""
    return await ask_documents(
        request,
        ProviderDocuments.acknowledge,
        [bytes.fromhex(statement) for statement in data.statements],
    )


@post(
    "/v1/letters",
    tags=["letters"],
    opt={"scope": Scope.LETTERS},
    responses={
        200: ResponseSpec(shapes.LetterItem, description="It was handed in before."),
        **documented(404, 409, 422),
    },
)
async def write_letter(
    request: HttpRequest, data: JSONBody[shapes.SignedDocument]
) -> Response[shapes.LetterItem]:
    """Submit your signed `PrivateLetter`: sealed to one household, unreadable on its way.

    It is shown beside the bill and is not part of it. The same letter again changes nothing.
    """
    item, is_new = await ask_documents(
        request, ProviderDocuments.write_letter, shapes.signed_of(data)
    )
    note_subject(request, item.contract)
    return stored_response(item, f"/v1/letters/{item.id}", is_new=is_new)


@get(
    "/v1/letters/{letter:str}",
    tags=["letters"],
    opt={"scope": Scope.LETTERS},
    responses=documented(404),
)
async def letter(
    request: HttpRequest,
    letter: Annotated[
        str, PathParameter(pattern=shapes.HEX_ID, description="The letter's id, 32 hex digits.")
    ],
) -> shapes.LetterItem:
    """Return whether a letter was handed over to the broker."""
    note_subject(request, letter)
    return await ask_documents(request, ProviderDocuments.letter, bytes.fromhex(letter))
