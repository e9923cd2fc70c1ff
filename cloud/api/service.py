"""What handlers use: the store in its thread, and the current call."""

from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, Concatenate, ParamSpec, TypeVar

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.response import Response

from cloud.api.access import Caller
from cloud.api.cells import Cells
from cloud.api.documents import ProviderDocuments
from cloud.api.gate import CALL, Call
from cloud.api.problems import ProblemError
from cloud.api.provider import ProviderService
from cloud.api.renewals import Renewals
from cloud.api.troubles import Troubles
from cloud.store import Store
from cloud.store.providers import Scope
from system.store_thread import StoreThread

UPLOADS_MAX = 8

P = ParamSpec("P")
T = TypeVar("T")
HttpRequest = Request[Any, Any, Any]


class ApiService:
    """The store and the threads of one process."""

    def __init__(self, thread: StoreThread, store: Store, renewals: Renewals | None = None) -> None:
        """Use a store that `thread` has opened; `renewals` gives chips certificates."""
        self.store = store
        self.renewals = renewals
        self.troubles = Troubles()
        self._thread = thread
        self._cells = Cells()
        # Verifying a batch takes seconds; in its own thread it does not block the store's.
        self._uploading: set[str] = set()
        self.verifier = ThreadPoolExecutor(1, thread_name_prefix="verify")

    def provider(self, caller: Caller) -> ProviderService:
        """Return the contracts, statements and batches of one provider."""
        return ProviderService(self.store, caller.provider.key, self._cells)

    def documents(self, caller: Caller) -> ProviderDocuments:
        """Return the transparency log, and the receipts and letters of one provider."""
        return ProviderDocuments(self.store, caller.provider.key, self.provider(caller))

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run in the store's thread."""
        return await self._thread.run(function, *args, **kwargs)

    @asynccontextmanager
    async def uploads(self, provider: str) -> AsyncIterator[None]:
        """Allow one batch per provider at a time, and UPLOADS_MAX in all.

        Raises:
            ProblemError: another batch is being uploaded.
        """
        if provider in self._uploading or len(self._uploading) >= UPLOADS_MAX:
            raise ProblemError(
                429, "Another batch is being handed in; send this one after it.", retry_s=10
            )
        self._uploading.add(provider)
        try:
            yield
        finally:
            self._uploading.discard(provider)

    def close(self) -> None:
        """Wait for running verifications."""
        self.verifier.shutdown()


def service_of(request: HttpRequest) -> ApiService:
    """Return the application's service."""
    service: ApiService = request.app.state.service
    return service


def caller_of(request: HttpRequest) -> Caller:
    """Return the caller; the gate lets only known callers through."""
    call: Call = request.scope[CALL]  # type: ignore[literal-required]
    if call.caller is None:
        raise ProblemError(401, "Show a token or a certificate.")
    return call.caller


async def ask_provider(
    request: HttpRequest,
    method: Callable[Concatenate[ProviderService, P], T],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """Call a method of the caller's ProviderService in the store's thread."""
    service = service_of(request)
    return await service.run(method, service.provider(caller_of(request)), *args, **kwargs)


async def ask_documents(
    request: HttpRequest,
    method: Callable[Concatenate[ProviderDocuments, P], T],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """Call a method of the caller's ProviderDocuments in the store's thread."""
    service = service_of(request)
    return await service.run(method, service.documents(caller_of(request)), *args, **kwargs)


def stored_response(item: T, path: str, *, is_new: bool) -> Response[T]:
    """Answer with the item stored under `path`: 201 if it is new, 200 if it existed before."""
    return Response(item, status_code=201 if is_new else 200, headers={"Location": path})


def note_subject(request: HttpRequest, subject: str) -> None:
    """Record the call's subject for the audit."""
    call: Call = request.scope[CALL]  # type: ignore[literal-required]
    call.subject = subject


def needs_scope(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Check that the caller's credential allows the handler's scope.

    Raises:
        ProblemError: it does not.
    """
    scope = handler.opt.get("scope")
    call: Call = connection.scope[CALL]  # type: ignore[literal-required]
    if scope is None:
        return
    if call.caller is None or Scope(scope) not in call.caller.scopes:
        raise ProblemError(
            403,
            f"This needs the scope {str(scope)!r}; ask the collectivity for a token that has it.",
        )
