"""Sizes, speeds, paths and periods at the providers' API: each has a bound, and says so."""

import asyncio
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from cloud.api import gate as gate_module
from cloud.api.gate import Buckets
from cloud.billing.requests import AHEAD_MAX
from protocol.calendar import day_number, legal_day
from tests.support.provider_api import FAST, Firm, hand_in, problem, serving, wire


def test_a_huge_upload_is_refused_before_it_is_read(tmp_path):
    with serving(tmp_path, msgspec.structs.replace(FAST, body_bytes=1_000)) as api:
        firm = Firm("edf")
        api.add(firm)
        firm.token = api.token(firm)
        sent = []

        async def endless():
            for _ in range(10_000):
                sent.append(1)
                yield b"x" * 100

        answer = api.call("POST", "/v1/statements", firm.token, content=b"x" * 1_001)
        assert "1000 bytes" in problem(answer, 413)
        # Without a length it is counted as it comes.
        answer = api.call("POST", "/v1/statements", firm.token, content=endless())
        assert "1000 bytes" in problem(answer, 413)
        told = {"Content-Length": "9" * 30}
        answer = api.call("POST", "/v1/statements", firm.token, headers=told, content=b"{}")
        problem(answer, 413)


def test_a_body_that_stops_coming_is_given_up(tmp_path):
    limits = msgspec.structs.replace(FAST, chunk_s=0.05)
    with serving(tmp_path, limits) as api:
        firm = Firm("edf")
        api.add(firm)
        token = api.token(firm)
        status, body = api._runner.run(stalled(api.gate, token))
        assert status == 408
        assert b"within 0.05 s" in body


async def stalled(app, token):
    """Call with a body of which the rest never comes; returns status and answer."""
    first = [{"type": "http.request", "body": b"{", "more_body": True}]
    answers = []

    async def receive():
        if not first:
            await asyncio.Event().wait()
        return first.pop()

    async def send(message):
        answers.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "path": "/v1/statements",
        "raw_path": b"/v1/statements",
        "query_string": b"",
        "root_path": "",
        "scheme": "https",
        "headers": [
            (b"authorization", f"Bearer {token}".encode()),
            (b"content-type", b"application/json"),
        ],
        "client": ("192.0.2.1", 1),
        "server": ("api.test", 443),
        "state": {},
    }
    await app(scope, receive, send)
    return answers[0]["status"], b"".join(each.get("body", b"") for each in answers[1:])


def test_a_call_that_takes_too_long_is_ended(tmp_path, monkeypatch):
    with serving(tmp_path, msgspec.structs.replace(FAST, body_s=0.05)) as api:
        firm = Firm("edf")
        api.add(firm)
        token = api.token(firm)

        async def hang(*_args, **_kwargs):
            await asyncio.Event().wait()

        monkeypatch.setattr(api.service, "run", hang)
        problem(api.call("GET", "/v1/contracts", token), 503)
        assert api.audit()[0].status == 503


@pytest.mark.parametrize(
    "path",
    [
        "/v1/contracts/../me",
        "/v1/contracts/%2e%2e/%2e%2e/etc/passwd",
        "/v1/contracts/%00",
        f"/v1/contracts/{'A' * 64}",
        f"/v1/contracts/{'a' * 64}%0a",
        f"/v1/contracts/{'a' * 64}/",
        f"/v1/contracts/{'a' * 65}",
        "/v1/contracts/" + "%F0%9F%92%A1" * 16,
        "/v1/contracts/' OR 1=1 --",
        "/v1//contracts",
        "/v2/contracts",
        "/",
        "//v1/me",
        "/v1/contracts/" + "x" * 5_000,
    ],
)
def test_no_path_leads_anywhere_else(api, edf, path):
    answer = api.call("GET", path, edf.token)
    if (
        answer.status_code == 200
    ):  # `..` and `//` were resolved; it is the caller's own all the same
        assert answer.json().get("provider", "edf") == "edf"
        return
    assert answer.status_code in {400, 404}
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=1001", "limit=-1", "limit=x", "after=zz", "on=2026-13-01",
     "area=%27", "area=7", "accepted=perhaps", "offer=1"],
)  # fmt: skip
def test_a_query_out_of_bounds_is_named(api, edf, query):
    answer = api.call("GET", f"/v1/contracts?{query}", edf.token)
    problem(answer, 400)
    assert answer.json()["errors"]


@pytest.mark.parametrize(
    "period",
    ["from=2000-01-01&to=0001-01-01", "from=0001-01-01&to=0001-02-01", "from=2026-01-01&to=9999-12-31",
     "from=2026-01-01&to=2026-01-01"],
)  # fmt: skip
def test_a_draft_has_a_period_that_a_statement_can_have(api, edf, period):
    problem(api.call("GET", f"/v1/drafts?{period}", edf.token), 400)
    path = f"/v1/drafts?{period}&contract={edf.contracts[0].hex()}"
    problem(api.call("GET", path, edf.token), 400)


def test_a_period_that_is_far_ahead_is_refused_wherever_it_is_asked_for(api, edf):
    contract = edf.contracts[0]
    start = legal_day(datetime.now(UTC)) + AHEAD_MAX - timedelta(days=9)
    for days, is_near in ((9, True), (10, False)):
        end = start + timedelta(days=days)
        period = {"start": day_number(start), "end": day_number(end)}
        draft = api.call("GET", f"/v1/drafts?from={start}&to={end}", edf.token)
        asked = api.call(
            "POST", "/v1/statements", edf.token, json=wire(edf.request(contract, **period))
        )
        batch = hand_in(api, edf, f"key{days}", edf.request(contract, **period))
        if is_near:
            assert (draft.status_code, asked.status_code, batch.status_code) == (200, 201, 201)
        else:
            for answer, status in ((draft, 400), (asked, 422), (batch, 422)):
                assert f"{AHEAD_MAX.days} days before" in problem(answer, status)
    assert len(api.run(api.store.requests)) == 2


def test_calls_beyond_the_rate_wait(tmp_path):
    limits = msgspec.structs.replace(
        FAST, rate=0.001, burst=3, stranger_rate=0.001, stranger_burst=2
    )
    with serving(tmp_path, limits) as api:
        one, two = Firm("one"), Firm("two")
        for firm in (one, two):
            api.add(firm)
        token, other = api.token(one), api.token(two)
        assert [api.call("GET", "/v1/me", token).status_code for _ in range(4)] == [200] * 3 + [429]
        # A second token is the same provider; another provider is not held up.
        late = api.call("GET", "/v1/me", api.token(one))
        assert int(late.headers["retry-after"]) > 1
        assert problem(late, 429)
        assert api.call("GET", "/v1/me", other).status_code == 200
        strangers = [api.call("GET", "/v1/me").status_code for _ in range(4)]
        assert strangers == [401, 401, 429, 429]
        # Strangers beyond their rate fill no disk.
        assert [each.status for each in api.audit()].count(401) == 2


def test_a_network_of_addresses_is_one_stranger(tmp_path):
    """A subscriber has 2^64 addresses in IPv6: each with a rate of its own would be no rate."""
    limits = msgspec.structs.replace(FAST, stranger_rate=0.001, stranger_burst=2)
    chips = f"/v1/chips/{'a' * 26}/certificate"
    with serving(tmp_path, limits) as api:

        def strangers(network, path, method="GET"):
            statuses = []
            for host in range(1, 5):
                api.client._transport.client = (f"2001:db8:0:{network}::{host}", 40_000)
                statuses.append(api.call(method, path).status_code)
            return statuses

        assert strangers(1, "/v1/me") == [401, 401, 429, 429]
        assert strangers(2, chips, "POST") == [403, 403, 429, 429]
        assert strangers(2, "/v1/me") == [429] * 4
        assert [each.status for each in api.audit()].count(401) == 2


def test_calls_of_a_day_have_a_bound_and_leave_no_audit_beyond(tmp_path):
    with serving(tmp_path, msgspec.structs.replace(FAST, day_calls=3)) as api:
        firm = Firm("one")
        api.add(firm)
        token = api.token(firm)
        codes = [api.call("GET", "/v1/me", token).status_code for _ in range(9)]
        assert codes == [200] * 3 + [429] * 6
        assert len(api.audit()) == 3


def test_buckets_fill_again_and_are_bounded(monkeypatch):
    now = 0.0
    buckets = Buckets(rate=2.0, burst=4.0, clock=lambda: now)
    assert [buckets.wait_s("a") for _ in range(5)] == [0, 0, 0, 0, 0.5]
    now = 0.5
    assert [buckets.wait_s("a"), buckets.wait_s("a")] == [0, 0.5]
    monkeypatch.setattr(gate_module, "STRANGERS_MAX", 10)
    for number in range(100):
        buckets.wait_s(str(number))
    assert len(buckets._levels) == 10
