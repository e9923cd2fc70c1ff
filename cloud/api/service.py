"""What handlers work with: the store in its thread, and the call at hand."""

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

    def __init__(self, thread: StoreThread, store: Store) -> None:
        """Work on a store that `thread` has opened."""
        self.store = store
        self.troubles = Troubles()
        self._thread = thread
        self._cells = Cells()
        # Signatures of a batch take seconds; the store's thread answers meanwhile.
        self._uploading: set[str] = set()
        self.verifier = ThreadPoolExecutor(1, thread_name_prefix="verify")

    def provider(self, caller: Caller) -> ProviderService:
        """Return contracts, statements and batches as one provider sees them."""
        return ProviderService(self.store, caller.provider.key, self._cells)

    def documents(self, caller: Caller) -> ProviderDocuments:
        """Return the transparency log, receipts and letters as one provider sees them."""
        return ProviderDocuments(self.store, caller.provider.key, self.provider(caller))

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run in the store's thread."""
        return await self._thread.run(function, *args, **kwargs)

    @asynccontextmanager
    async def uploads(self, provider: str) -> AsyncIterator[None]:
        """Keep one provider to one batch at a time, all of them to some.

        Raises:
            ProblemError: another is on its way.
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
        """Wait for what is being verified."""
        self.verifier.shutdown()


def service_of(request: HttpRequest) -> ApiService:
    """Return what the application was made with."""
    service: ApiService = request.app.state.service
    return service


def caller_of(request: HttpRequest) -> Caller:
    """Return who calls; the gate lets nobody else through."""
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
    """Ask the store, in its thread, for contracts, statements or batches of the caller's."""
    service = service_of(request)
    return await service.run(method, service.provider(caller_of(request)), *args, **kwargs)


async def ask_documents(
    request: HttpRequest,
    method: Callable[Concatenate[ProviderDocuments, P], T],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """Ask the store, in its thread, for what the caller lists, collects or writes."""
    service = service_of(request)
    return await service.run(method, service.documents(caller_of(request)), *args, **kwargs)


def kept(item: T, path: str, *, is_new: bool) -> Response[T]:
    """Answer with what is kept under `path`: 201 where it is new, 200 where it was there before."""
    return Response(item, status_code=201 if is_new else 200, headers={"Location": path})


def note_subject(request: HttpRequest, subject: str) -> None:
    """Say for the audit what the call is about."""
    call: Call = request.scope[CALL]  # type: ignore[literal-required]
    call.subject = subject


def needs_scope(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Check that the caller's token allows what the handler does.

    Raises:
        ProblemError: it does not.
    """
    wanted = handler.opt.get("scope")
    call: Call = connection.scope[CALL]  # type: ignore[literal-required]
    if wanted is None:
        return
    if call.caller is None or Scope(wanted) not in call.caller.scopes:
        raise ProblemError(
            403,
            f"This needs the scope {str(wanted)!r}; ask the collectivity for a token that has it.",
        )
