"""The household's page with one of its guards removed: what the tests of its attacks must notice.

As a program, `python -m tests.support.page_sabotage GUARD edge page …`; as a plugin of pytest
(`-p tests.support.page_sabotage`, the guard in the variable WITHOUT), it removes the guard in the
pages and chips that the tests start, and where it has to be in the tests' own process.
"""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from starlette.responses import FileResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from edge.household import entrance, pairing
from edge.page import app, entering, guards, live, server, sessions, shares, visit
from system import counted_http
from tests.support import chip_process, page_process
from volet.main import main

WITHOUT = "VOLET_TESTS_WITHOUT"
_PAGE, _ROUTES = "tests/integration/test_page.py", "tests/integration/test_page_routes.py"
_CHANGES, _GUARDS = "tests/integration/test_page_changes.py", "tests/unit/page/test_guards.py"
_MANY = 10**9


@dataclass(frozen=True)
class Guard:
    """What removes a guard, and a test of an attack that it stops.

    `everywhere`: the test's own process has it too; a test that compares with the module's own
    limit needs it left there.
    """

    remove: Callable[[], None]
    test: str
    everywhere: bool = False


def _without_origin() -> None:
    guards._is_of_this_origin = lambda _: True


def _without_own_names() -> None:
    guards.Guards._is_own = lambda *_: True


def _without_form_tokens() -> None:
    visit.Visit.checked_form = visit.Visit.form


def _without_sessions() -> None:
    def owner(opened: sessions.Sessions, _token: str) -> sessions.Session | None:
        return next(iter(opened.all()), None)

    sessions.Sessions.of = owner


def _without_new_tokens() -> None:
    """Take the token that the visitor brings, which somebody else may have put there."""
    begin = entering._begin

    def keep_the_own(visited: visit.Visit, paired: entering.Paired) -> Response:
        drawn = sessions.secrets.token_urlsafe
        sessions.secrets.token_urlsafe = lambda size: visited.token or drawn(size)
        try:
            return begin(visited, paired)
        finally:
            sessions.secrets.token_urlsafe = drawn

    entering._begin = keep_the_own


def _without_roles_of_the_page() -> None:
    app.may_see = lambda *_: True


def _without_roles_at_the_door() -> None:
    entrance.FOR_VIEWERS = frozenset(get_args(entrance.Question))


def _without_a_limit_of_bytes() -> None:
    guards.BODY_BYTES_MAX = _MANY


def _without_a_limit_of_files_at_once() -> None:
    guards._is_upload = lambda _: False


def _without_an_end_of_waits() -> None:
    counted_http.CountedHttp._is_lost = property(lambda _: False, lambda *_: None)


def _without_a_limit_of_requests() -> None:
    guards.Shares.admits = lambda *_: True


def _without_shares_of_networks() -> None:
    shares.NETWORK = shares.STRANGERS = shares.Share(_MANY, _MANY)


def _without_shares_of_visitors() -> None:
    admits = shares.Shares.admits
    shares.Shares.admits = lambda self, address, _: admits(self, address, "")


def _without_headers() -> None:
    guards.HEADERS = {}


def _without_escaping() -> None:
    visit._templates().autoescape = False


def _without_bounds_of_folders() -> None:
    """Serve the static files as a program does that joins paths."""

    class Joined:
        def __init__(self, packages: list[tuple[str, str]]) -> None:
            ((_, folder),) = packages
            self._folder = Path(app.__file__).parent / folder

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            name = scope["path"].removeprefix("/static/")
            answer: ASGIApp = FileResponse(self._folder / name)
            await answer(scope, receive, send)

    app.StaticFiles = Joined


def _without_a_wait_for_requests() -> None:
    server.ASKS_WITHIN_S = _MANY


def _without_places_for_each() -> None:
    server.CONNECTIONS_MAX_EACH = _MANY


def _without_streams_for_each() -> None:
    live.STREAMS_MAX_EACH = _MANY


def _without_counting_wrong_codes() -> None:
    pairing.WRONG_CODES_MAX = _MANY


GUARDS = {
    "origin": Guard(_without_origin, f"{_PAGE}::test_a_form_of_another_site_lets_nobody_in"),
    "own names": Guard(
        _without_own_names, f"{_PAGE}::test_a_name_that_is_bent_to_the_pages_address_shows_nothing"
    ),
    "form tokens": Guard(_without_form_tokens, f"{_CHANGES}::test_nobody_else_changes_anything"),
    "sessions": Guard(
        _without_sessions, f"{_PAGE}::test_a_session_ends_where_its_visitor_or_another_ends_it"
    ),
    "new tokens": Guard(
        _without_new_tokens, f"{_PAGE}::test_a_token_that_was_there_before_lets_nobody_in"
    ),
    "roles of the page": Guard(
        _without_roles_of_the_page,
        f"{_ROUTES}::test_who_sees_the_curve_only_is_refused_what_is_the_households",
    ),
    "roles at the door": Guard(
        _without_roles_at_the_door,
        "tests/unit/page/test_roles_at_the_door.py::test_what_is_not_listed_is_the_owners",
        everywhere=True,
    ),
    "bytes": Guard(
        _without_a_limit_of_bytes, f"{_PAGE}::test_what_is_too_large_or_unknown_is_refused"
    ),
    "files at once": Guard(
        _without_a_limit_of_files_at_once,
        f"{_GUARDS}::test_a_few_files_are_taken_at_once",
        everywhere=True,
    ),
    "waits that end with a connection": Guard(
        _without_an_end_of_waits,
        "tests/integration/test_page_floods.py::test_who_hangs_up_leaves_nothing_behind",
    ),
    "folders": Guard(
        _without_bounds_of_folders, f"{_PAGE}::test_no_path_leads_out_of_the_pages_files"
    ),
    "requests a second": Guard(
        _without_a_limit_of_requests,
        f"{_GUARDS}::test_the_flood_of_one_address_is_refused_to_it_alone",
        everywhere=True,
    ),
    "a share for each network": Guard(
        _without_shares_of_networks,
        f"{_GUARDS}::test_many_addresses_of_a_network_have_the_share_of_one_network",
        everywhere=True,
    ),
    "a share for each visitor": Guard(
        _without_shares_of_visitors,
        f"{_GUARDS}::test_no_flood_takes_the_share_of_one_who_was_let_in",
        everywhere=True,
    ),
    "headers": Guard(_without_headers, f"{_PAGE}::test_every_answer_keeps_to_itself"),
    "escaping": Guard(_without_escaping, f"{_ROUTES}::test_a_providers_letter_is_shown_as_text"),
    "escaping of offers": Guard(
        _without_escaping,
        "tests/integration/test_page_contract.py"
        "::test_an_offer_is_seen_signed_at_the_chip_and_its_request_saved_from_the_page",
    ),
    "a wait for requests": Guard(
        _without_a_wait_for_requests,
        f"{_PAGE}::test_those_who_ask_nothing_are_let_go_and_others_are_answered_meanwhile",
    ),
    "places for each": Guard(
        _without_places_for_each,
        f"{_PAGE}::test_those_who_never_begin_tls_have_their_share_of_the_places",
    ),
    "streams for each": Guard(
        _without_streams_for_each, f"{_PAGE}::test_one_visitor_does_not_take_the_streams_of_all"
    ),
    "wrong codes": Guard(
        _without_counting_wrong_codes, f"{_PAGE}::test_the_fifth_wrong_code_shuts_the_window"
    ),
}


def pytest_configure() -> None:
    """Remove the guard from what the tests start, and here where it has to be."""
    name = os.environ[WITHOUT]
    sabotaged = (sys.executable, "-m", "tests.support.page_sabotage", name)
    page_process.PROGRAM = (*sabotaged, "edge", "page")
    chip_process.PROGRAM = sabotaged
    if GUARDS[name].everywhere:
        GUARDS[name].remove()


if __name__ == "__main__":
    GUARDS[sys.argv.pop(1)].remove()
    sys.exit(main())
