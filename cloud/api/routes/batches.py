"""Batches: many statements requested at once, under a key that makes repetition safe."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any

from litestar import get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example, OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType
from litestar.params import HeaderParameter, PathParameter, QueryParameter
from litestar.response import Response

from cloud.api.problems import ProblemError, documented
from cloud.api.provider import ProviderService
from cloud.api.routes.contracts import Limit
from cloud.api.service import (
    HttpRequest,
    ask_provider,
    caller_of,
    note_subject,
    service_of,
    stored_response,
)
from cloud.api.upload import Upload, receive
from cloud.store import RequestState
from cloud.store.providers import Scope
from protocol import provider_api as shapes

MEDIA_TYPE = "application/x-ndjson"
_LINE = '{"kind": "StatementRequest", "body": "hqJpZMQQ...", "signature": "q83vEjRW..."}\n'

BatchInPath = Annotated[
    str, PathParameter(pattern=shapes.HEX_ID, description="The batch's id, 32 hex digits.")
]


def _body() -> RequestBody:
    media = OpenAPIMediaType(
        schema=Schema(type=OpenAPIType.STRING),
        examples={"one": Example(summary="a line for each statement", value=_LINE)},
    )
    return RequestBody(
        content={MEDIA_TYPE: media},
        required=True,
        description="One signed `StatementRequest` a line, as JSON like `SignedDocument`.",
    )


@dataclass
class _Streamed(Operation):
    """An operation whose body is streamed, so no handler parameter describes it."""

    request_body: RequestBody | Any = field(default_factory=_body)


@post(
    "/v1/batches",
    tags=["batches"],
    opt={"scope": Scope.STATEMENTS},
    operation_class=_Streamed,
    responses={
        200: ResponseSpec(shapes.Batch, description="It was handed in before."),
        **documented(404, 409, 422),
    },
)
async def create_batch(
    request: HttpRequest,
    key: Annotated[
        str,
        HeaderParameter(
            name="Idempotency-Key",
            pattern=r"^[A-Za-z0-9._:-]{1,64}(?!\n)$",
            description="Your name for the batch. The same lines under it again change nothing, "
            "others are refused.",
        ),
    ],
) -> Response[shapes.Batch]:
    """Ask for many statements: one signed `StatementRequest` a line, all of them or none.

    After an interruption, send it again under the same key; nothing is done twice. Each statement
    is computed as soon as its days are stored.
    """
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != MEDIA_TYPE:
        raise ProblemError(415, f"Send the lines as {MEDIA_TYPE}.")
    service, caller = service_of(request), caller_of(request)
    provider = service.provider(caller)
    loop = asyncio.get_running_loop()

    async def in_verifier(function: Callable[..., None], *args: object) -> None:
        await loop.run_in_executor(service.verifier, function, *args)

    async with service.uploads(caller.provider.name):
        upload = Upload(provider.public_key)
        try:
            await receive(request.stream(), upload, in_verifier)
            batch, is_new = await ask_provider(
                request, ProviderService.put_batch, key, upload.digest, upload.items
            )
        finally:
            upload.close()
    note_subject(request, batch.id)
    return stored_response(batch, f"/v1/batches/{batch.id}", is_new=is_new)


@get("/v1/batches", tags=["batches"], opt={"scope": Scope.STATEMENTS}, responses=documented())
async def batches(
    request: HttpRequest,
    after: Annotated[
        str | None, QueryParameter(pattern=shapes.HEX_ID, description="What `next` of a page said.")
    ] = None,
    limit: Limit = shapes.LIMIT,
) -> shapes.BatchPage:
    """List your batches with their progress, oldest first."""
    return await ask_provider(request, ProviderService.batches, bytes.fromhex(after or ""), limit)


@get(
    "/v1/batches/{batch:str}",
    tags=["batches"],
    opt={"scope": Scope.STATEMENTS},
    responses=documented(404),
)
async def batch(request: HttpRequest, batch: BatchInPath) -> shapes.Batch:
    """Return how far a batch has come."""
    note_subject(request, batch)
    return await ask_provider(request, ProviderService.batch, bytes.fromhex(batch))


@get(
    "/v1/batches/{batch:str}/statements",
    tags=["batches"],
    opt={"scope": Scope.STATEMENTS},
    responses=documented(404),
)
async def batch_statements(
    request: HttpRequest,
    batch: BatchInPath,
    only: Annotated[
        RequestState | None, QueryParameter(name="state", description="Only those in this state.")
    ] = None,
    after: Annotated[
        int, QueryParameter(ge=0, le=2**31, description="What `next` of a page said.")
    ] = 0,
    limit: Limit = shapes.LIMIT,
) -> shapes.BatchItems:
    """List a batch's statements, with the reason of each that was refused."""
    note_subject(request, batch)
    return await ask_provider(
        request, ProviderService.batch_items, bytes.fromhex(batch), only, after, limit
    )
