"""The application behind the gate: handlers, errors, OpenAPI."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from litestar import Litestar, MediaType, Response, Router
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, License, SecurityScheme
from litestar.status_codes import HTTP_404_NOT_FOUND

from cloud.api.bodies import ApiRequest
from cloud.api.gate import Gate, RateLimits
from cloud.api.problems import (
    ProblemError,
    no_such_path,
    on_defect,
    on_document,
    on_http,
    on_problem,
    on_store,
)
from cloud.api.routes import areas, batches, chips, contracts, documents, drafts, statements
from cloud.api.service import ApiService, needs_scope
from cloud.store import Store
from protocol.errors import DocumentRefused, StoreError
from system.store_thread import StoreThread

DESCRIPTION = """\
What an energy provider does with the collectivity: publish offers, see its own customers, ask for
statements, collect receipts, read figures of areas, write to a household.

Nothing here opens a reading or an amount. The service holds no key of yours: what must be signed
comes signed. Every call is written to an append-only audit.
"""

_HANDLERS = (
    contracts.me,
    contracts.contracts,
    contracts.contract,
    contracts.contract_document,
    contracts.accept,
    statements.request_statement,
    statements.statement,
    statements.correction,
    drafts.drafts,
    batches.create_batch,
    batches.batches,
    batches.batch,
    batches.batch_statements,
    documents.list_document,
    documents.catalogue,
    documents.listed_document,
    documents.receipts,
    documents.acknowledge,
    documents.write_letter,
    documents.letter,
    areas.areas,
    areas.figures,
    areas.turnover,
    chips.renew_certificate,
)


def make_application(service: ApiService) -> Litestar:
    """Make the application. Without the gate no caller is known, so nothing is allowed."""
    return Litestar(
        _HANDLERS,
        guards=[needs_scope],
        request_class=ApiRequest,
        state=State({"service": service}),
        exception_handlers={
            ProblemError: on_problem,
            DocumentRefused: on_document,
            StoreError: on_store,
            HTTPException: on_http,
            Exception: on_defect,
        },
        openapi_config=_openapi(),
        logging_config=None,
        # The gate limits the body, with another limit for batches.
        request_max_body_size=None,
    )


def operations() -> list[tuple[str, str, str, str]]:
    """Return (method, path, scope, summary) of every call, for the documentation."""
    return [
        (
            min(handler.http_methods),
            path.replace(":str", ""),
            str(handler.opt.get("scope", "")),
            (handler.fn.__doc__ or "").split("\n", 1)[0],
        )
        for handler in _HANDLERS
        for path in sorted(handler.paths)
    ]


def make_gate(
    service: ApiService,
    thread: StoreThread,
    store: Store,
    limits: RateLimits,
    clock: Callable[[], datetime],
) -> Gate:
    """Return the application with its gate, as a server serves it."""
    return Gate(make_application(service), thread, store, limits, clock, service.troubles)  # type: ignore[arg-type]


def _without_pages(response: Response[Any]) -> Response[Any]:
    """Replace the pages that Litestar serves beside the API description with a problem."""
    return no_such_path() if response.status_code == HTTP_404_NOT_FOUND else response


def _openapi() -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Volet, providers' API",
        version="1",
        description=DESCRIPTION,
        license=License(name="Apache-2.0", identifier="Apache-2.0"),
        openapi_router=Router(
            "/v1", route_handlers=[], include_in_schema=False, after_request=_without_pages
        ),
        # JSON only, because HTML pages that show it load scripts from elsewhere.
        render_plugins=[JsonRenderPlugin(path="/openapi.json", media_type=MediaType.JSON)],
        use_handler_docstrings=True,
        operation_id_creator=lambda handler, _method, _path: handler.handler_name,
        components=Components(
            security_schemes={
                "token": SecurityScheme(
                    type="http", scheme="bearer", description="`volet cloud api token create`."
                ),
                "certificate": SecurityScheme(
                    type="mutualTLS", description="`volet cloud issue provider-NAME`."
                ),
            }
        ),
        security=[{"token": []}, {"certificate": []}],
    )
