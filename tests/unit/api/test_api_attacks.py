"""What somebody who means ill gets from the providers' API: nothing, and a sentence."""

import asyncio
import re
import secrets
import sqlite3
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.api import gate as gate_module
from cloud.api.gate import Buckets
from cloud.billing.pending import pending_statements
from cloud.store.providers import Scope
from protocol.calendar import day_number
from protocol.contract import Acceptance, Contract, sign_document
from protocol.errors import StoreError
from protocol.letters import PrivateLetter
from protocol.provider_api import LetterState
from tests.support.provider_api import FAST, NDJSON, START, Firm, lines, serving, wire


@pytest.fixture
def api(tmp_path):
    with serving(tmp_path) as api:
        yield api


@pytest.fixture
def edf(api):
    """A provider with three customers and every scope."""
    firm = Firm("edf")
    firm.contracts = api.add(firm, customers=3)
    firm.token = api.token(firm)
    return firm


@pytest.fixture
def rival(api):
    """Another provider with a customer of its own."""
    firm = Firm("rival")
    firm.contracts = api.add(firm, customers=1)
    firm.token = api.token(firm)
    return firm


def problem(response, status):
    """Return the problem that an answer is, as it should be."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status
    assert body["detail"].endswith(".")
    return body["detail"]


def batch(api, firm, key, *requests, **kwargs):
    """Hand a batch in."""
    headers = {"Idempotency-Key": key, **NDJSON}
    content = kwargs.pop("content", None) or lines(*requests)
    return api.call("POST", "/v1/batches", firm.token, headers=headers, content=content)


# What is said twice.

NOTED = b'{"kind": "Offer", "ki\\u006ed": "Contract", "body": "", "signature": ""}'


def test_a_body_in_which_a_key_stands_twice_is_refused_by_the_key(api, edf):
    headers = {"Content-Type": "application/json"}
    answer = api.call("POST", "/v1/catalogue", edf.token, headers=headers, content=NOTED)
    assert "the key `kind` stands twice" in problem(answer, 400)


def test_a_line_in_which_a_key_stands_twice_is_refused_by_the_key(api, edf):
    content = lines(edf.request(edf.contracts[0])) + NOTED + b"\n"
    answer = batch(api, edf, "twice", content=content)
    assert "Line 2: the key `kind` stands twice" in problem(answer, 422)


# Who calls.


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer volet_"},
        {"Authorization": "Bearer " + "volet_" + "A" * 43},
        {"Authorization": "Basic dXNlcjpwYXNz"},
        {"Authorization": "bearer é".encode("latin-1").decode("latin-1")},
        {"Authorization": "Bearer " + "x" * 9_000},
        {"X-Forwarded-Client-Cert": "CN=provider-edf"},
        {"X-Ssl-Client-S-Dn-Cn": "provider-edf"},
    ],
)
def test_nobody_gets_in_without_a_token(api, header):
    encoded = {key: value.encode("latin-1") for key, value in header.items()}
    response = api.call("GET", "/v1/contracts", headers=encoded)
    assert "token" in problem(response, 401)
    assert response.headers["www-authenticate"].startswith("Bearer")


def test_a_token_ends_when_it_expires_or_is_revoked(api, edf):
    expired = api.token(edf, at=datetime.now(UTC) - timedelta(days=2))
    problem(api.call("GET", "/v1/me", expired), 401)
    token_id = api.call("GET", "/v1/me", edf.token).json()["credential"].split()[1]
    assert api.run(api.store.providers.revoke_token, token_id, datetime.now(UTC))
    problem(api.call("GET", "/v1/me", edf.token), 401)
    api.now = datetime.now(UTC) - timedelta(days=1)  # a clock put back opens nothing
    problem(api.call("GET", "/v1/me", edf.token), 401)


def test_tokens_are_kept_hashed(api, edf, tmp_path):
    api.call("GET", "/v1/me", edf.token)
    api.run(api.store._db.execute, "PRAGMA wal_checkpoint(TRUNCATE)")
    everything = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert edf.token.encode() not in everything
    assert edf.token.removeprefix("volet_").encode() not in everything


@pytest.mark.parametrize(
    ("scope", "method", "path", "body"),
    [
        (Scope.CONTRACTS, "GET", "/v1/contracts", None),
        (Scope.CONTRACTS, "GET", f"/v1/contracts/{'a' * 64}", None),
        (Scope.CONTRACTS, "POST", f"/v1/contracts/{'a' * 64}/acceptance", {}),
        (Scope.STATEMENTS, "POST", "/v1/statements", {}),
        (Scope.STATEMENTS, "GET", f"/v1/statements/{'a' * 32}", None),
        (Scope.STATEMENTS, "POST", "/v1/batches", {}),
        (Scope.STATEMENTS, "GET", "/v1/batches", None),
        (Scope.STATEMENTS, "GET", f"/v1/batches/{'a' * 32}", None),
        (Scope.STATEMENTS, "GET", f"/v1/batches/{'a' * 32}/statements", None),
        (Scope.OFFERS, "POST", "/v1/catalogue", {}),
        (Scope.OFFERS, "GET", "/v1/catalogue", None),
        (Scope.OFFERS, "GET", f"/v1/catalogue/{'a' * 64}", None),
        (Scope.RECEIPTS, "GET", "/v1/receipts", None),
        (Scope.RECEIPTS, "POST", "/v1/receipts/acknowledged", {}),
        (Scope.AREAS, "GET", "/v1/areas", None),
        (Scope.AREAS, "GET", "/v1/areas/figures?measure=curve&code=1&from=2026-01-01", None),
        (Scope.AREAS, "GET", "/v1/areas/turnover?code=1&from=2026-01-01&to=2026-01-02", None),
        (Scope.LETTERS, "POST", "/v1/letters", {}),
        (Scope.LETTERS, "GET", f"/v1/letters/{'a' * 32}", None),
    ],
)
def test_each_call_needs_its_scope(api, edf, scope, method, path, body):
    without = api.token(edf, *(each for each in Scope if each is not scope))
    detail = problem(api.call(method, path, without, json=body), 403)
    assert f"'{scope}'" in detail
    allowed = api.call(method, path, api.token(edf, scope), json=body)
    assert allowed.status_code != 403


# What is another's.


def test_anothers_things_are_not_there(api, edf, rival):
    (foreign,) = rival.contracts
    signed = rival.request(foreign)
    mine = api.call("POST", "/v1/statements", rival.token, json=wire(signed))
    assert mine.status_code == 201
    theirs = batch(api, rival, "month", rival.request(foreign))
    for path in (
        f"/v1/contracts/{foreign.hex()}",
        mine.headers["location"],
        theirs.headers["location"],
        theirs.headers["location"] + "/statements",
    ):
        assert api.call("GET", path, rival.token).status_code == 200
        unknown = re.sub(r"[0-9a-f]{32,}", lambda match: "0" * len(match[0]), path)
        # One cannot tell what is another's from what is not.
        assert problem(api.call("GET", path, edf.token), 404) == problem(
            api.call("GET", unknown, edf.token), 404
        )
    listed = api.call("GET", "/v1/contracts", edf.token).json()["contracts"]
    assert [each["contract"] for each in listed] == [each.hex() for each in edf.contracts]
    assert api.call("GET", "/v1/batches", edf.token).json()["batches"] == []


def test_nobody_asks_or_accepts_under_anothers_contract(api, edf, rival):
    (foreign,) = rival.contracts
    asked = edf.request(foreign)
    problem(api.call("POST", "/v1/statements", edf.token, json=wire(asked)), 404)
    problem(batch(api, edf, "k", edf.request(edf.contracts[0]), asked), 404)
    path = f"/v1/contracts/{foreign.hex()}/acceptance"
    problem(api.call("POST", path, edf.token, json=wire(edf.acceptance(foreign))), 404)
    # Neither with what its owner has signed.
    replayed = rival.request(foreign)
    problem(api.call("POST", "/v1/statements", edf.token, json=wire(replayed)), 422)
    problem(batch(api, edf, "k", replayed), 422)
    assert api.run(api.store.requests) == ()


def test_a_page_begins_at_nobody_elses(api, edf, rival):
    path = f"/v1/contracts?after={rival.contracts[0].hex()}"
    shown = api.call("GET", path, edf.token).json()["contracts"]
    assert {each["contract"] for each in shown} <= {each.hex() for each in edf.contracts}


# Documents.


def test_the_same_upload_again_changes_nothing(api, edf):
    signed = edf.request(edf.contracts[0])
    first = api.call("POST", "/v1/statements", edf.token, json=wire(signed))
    again = api.call("POST", "/v1/statements", edf.token, json=wire(signed))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert len(api.run(api.store.requests)) == 1


def test_an_id_stands_for_one_request(api, edf):
    one = edf.request(edf.contracts[0], bytes(16))
    other = edf.request(edf.contracts[1], bytes(16))
    assert api.call("POST", "/v1/statements", edf.token, json=wire(one)).status_code == 201
    problem(api.call("POST", "/v1/statements", edf.token, json=wire(other)), 409)
    assert "Line 1" in problem(batch(api, edf, "k", other), 409)


def test_a_forged_document_is_refused(api, edf):
    signed = edf.request(edf.contracts[0])
    for forged in (
        msgspec.structs.replace(signed, signature=bytes(64)),
        msgspec.structs.replace(signed, signature=b""),
        msgspec.structs.replace(signed, body=signed.body + b"\0"),
        msgspec.structs.replace(signed, kind="Acceptance"),
        edf.acceptance(edf.contracts[0]),
        sign_document(Acceptance(edf.contracts[0]), Ed25519PrivateKey.generate()),
    ):
        problem(api.call("POST", "/v1/statements", edf.token, json=wire(forged)), 422)
    assert api.run(api.store.requests) == ()


def test_an_acceptance_is_of_the_contract_in_the_path(api):
    firm = Firm("petit")
    first, second = api.add(firm, customers=2, is_accepted=False)
    token = api.token(firm)
    path = f"/v1/contracts/{first.hex()}/acceptance"
    problem(api.call("POST", path, token, json=wire(firm.acceptance(second))), 422)
    for _ in range(2):
        answer = api.call("POST", path, token, json=wire(firm.acceptance(first)))
        assert answer.json() == {"contract": first.hex(), "is_accepted": True}
    waiting = api.call("GET", "/v1/contracts?accepted=false", token).json()["contracts"]
    assert [each["contract"] for each in waiting] == [second.hex()]


def test_a_tariff_of_anothers_or_with_a_wrong_line_is_not_listed(api, edf, rival):
    problem(api.call("POST", "/v1/catalogue", edf.token, json=wire(rival.offer)), 422)
    listed = api.call("POST", "/v1/catalogue", edf.token, json=wire(edf.offer))
    again = api.call("POST", "/v1/catalogue", edf.token, json=wire(edf.offer))
    assert (listed.status_code, again.status_code) == (201, 200)
    path = listed.headers["location"]
    assert api.call("GET", path, rival.token).json() == wire(edf.offer)
    # A body that was altered after signing, down to one byte.
    altered = bytearray(rival.offer.body)
    altered[len(altered) // 2] ^= 1
    forged = msgspec.structs.replace(rival.offer, body=bytes(altered))
    problem(api.call("POST", "/v1/catalogue", rival.token, json=wire(forged)), 422)
    entries = api.call("GET", "/v1/catalogue", rival.token).json()["entries"]
    assert [each["hash"] for each in entries] == [edf.offer.hash.hex()]


# Batches.


def test_a_batch_is_taken_whole_once_and_its_key_stands_for_it(api, edf):
    requests = [edf.request(each) for each in edf.contracts]
    first = batch(api, edf, "2026-09", *requests)
    again = batch(api, edf, "2026-09", *requests)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert (first.json()["total"], first.json()["pending"]) == (3, 3)
    assert len(api.run(api.store.requests)) == 3
    problem(batch(api, edf, "2026-09", *requests[:2]), 409)
    problem(batch(api, edf, "2026-09", *reversed(requests)), 409)
    assert len(api.run(api.store.requests)) == 3
    # Another key may name the same requests: nothing is asked twice.
    assert batch(api, edf, "other", *requests).status_code == 201
    assert len(api.run(api.store.requests)) == 3


def test_a_key_is_each_providers_own(api, edf, rival):
    one = batch(api, edf, "k", edf.request(edf.contracts[0]))
    two = batch(api, rival, "k", rival.request(rival.contracts[0]))
    assert (one.status_code, two.status_code) == (201, 201)
    assert one.json()["id"] != two.json()["id"]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_wrong_line_is_named_and_nothing_is_kept(api, edf, number):
    made = [edf.request(each) for each in edf.contracts]
    made[number - 1] = msgspec.structs.replace(made[number - 1], signature=bytes(64))
    answer = batch(api, edf, "k", *made)
    assert f"Line {number}:" in problem(answer, 422)
    assert answer.json()["line"] == number
    assert api.run(api.store.requests) == ()
    assert api.call("GET", "/v1/batches", edf.token).json()["batches"] == []


def test_a_line_is_named_in_the_transaction_too(api, edf):
    made = [edf.request(edf.contracts[0]), edf.request(secrets.token_bytes(32))]
    answer = batch(api, edf, "k", *made)
    assert (answer.status_code, answer.json()["line"]) == (404, 2)
    assert api.run(api.store.requests) == ()


@pytest.mark.parametrize(
    "content",
    [
        b"\n\n\n",
        b"{}",
        b"[" * 100_000,
        b"\xff\xfe\n",
        b"null\n",
        b'{"kind":"StatementRequest","body":"!","signature":""}\n',
        b"a" * 20_000,
        "\N{RIGHT-TO-LEFT OVERRIDE}{}".encode(),
    ],
)
def test_what_is_no_batch_is_refused(api, edf, content):
    problem(batch(api, edf, "k", content=content), 422)


def test_two_lines_have_two_ids(api, edf):
    one = edf.request(edf.contracts[0])
    assert "line 1 has the same id" in problem(batch(api, edf, "k", one, one), 422)


@pytest.mark.parametrize("key", ["", "a b", "é", "x" * 65, "../x", "a\tb"])
def test_a_key_is_a_plain_word(api, edf, key):
    headers = {"Idempotency-Key": key.encode(), **NDJSON}
    content = lines(edf.request(edf.contracts[0]))
    problem(api.call("POST", "/v1/batches", edf.token, headers=headers, content=content), 400)


def test_a_batch_says_its_type(api, edf):
    headers = {"Idempotency-Key": "k", "Content-Type": "application/json"}
    content = lines(edf.request(edf.contracts[0]))
    problem(api.call("POST", "/v1/batches", edf.token, headers=headers, content=content), 415)


def test_each_statement_of_a_batch_says_why_it_was_refused(api, edf):
    made = [edf.request(edf.contracts[0]), edf.request(edf.contracts[1], start=1, end=9)]
    path = batch(api, edf, "k", *made).headers["location"]
    api.run(answer_all, api.store)
    done = api.call("GET", path, edf.token).json()
    assert (done["pending"], done["refused"]) == (1, 1)
    items = api.call("GET", f"{path}/statements?state=refused", edf.token).json()["items"]
    assert [each["number"] for each in items] == [2]
    assert "holds from" in items[0]["detail"]
    single = api.call("GET", f"/v1/statements/{items[0]['id']}", edf.token).json()
    assert (single["state"], single["detail"]) == ("refused", items[0]["detail"])


def answer_all(store):
    """Answer what can be answered, as a worker does."""
    pending_statements(store, Ed25519PrivateKey.generate(), "ville")


# Sizes, speeds, paths.


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


# The audit, and what leaks.


def test_every_call_is_in_the_audit_before_its_answer(api, edf):
    contract = edf.contracts[0].hex()
    signed = edf.request(edf.contracts[0])
    calls = [
        ("GET", "/v1/me", None, 200, "GET /v1/me", ""),
        ("GET", f"/v1/contracts/{contract}", None, 200, "GET /v1/contracts/{contract}", contract),
        ("GET", f"/v1/contracts/{'0' * 64}", None, 404, "GET /v1/contracts/{contract}", "0" * 64),
        ("GET", "/v1/contracts/zz", None, 400, "GET /v1/contracts/{contract}", ""),
        ("POST", "/v1/statements", wire(signed), 201, "POST /v1/statements", contract),
        ("POST", "/v1/statements", {"kind": "x"}, 400, "POST /v1/statements", ""),
        ("DELETE", "/v1/me", None, 405, "DELETE -", ""),
        ("GET", "/nowhere", None, 404, "GET -", ""),
    ]
    for method, path, body, *_ in calls:
        api.call(method, path, edf.token, json=body)
    found = [(e.status, e.action, e.subject) for e in reversed(api.audit(provider="edf"))]
    assert found == [(status, action, subject) for *_, status, action, subject in calls]
    assert {each.credential.split()[0] for each in api.audit(provider="edf")} == {"token"}
    assert api.audit(provider="rival") == ()


def test_an_answer_that_cannot_be_audited_does_not_leave(api, edf, monkeypatch):
    def full(_self, _entries):
        raise StoreError("the disk is gone")

    monkeypatch.setattr("cloud.store.sqlite.providers.SqliteProviders.write_audit", full)
    answer = api.call("GET", "/v1/contracts", edf.token)
    assert "contracts" not in answer.json()
    problem(answer, 503)


def test_a_disk_that_is_gone_is_said_once_and_so_is_its_end(api, edf, monkeypatch):
    def gone(*_):
        raise StoreError("the disk is gone")

    with structlog.testing.capture_logs() as logs:
        with monkeypatch.context() as patched:
            for name in ("write_audit", "contracts_of"):
                patched.setattr(f"cloud.store.sqlite.providers.SqliteProviders.{name}", gone)
            for _ in range(30):
                api.call("GET", "/v1/contracts", edf.token)
                api.call("GET", "/v1/contracts", "wrong")
        for _ in range(3):
            api.call("GET", "/v1/contracts", edf.token)
    told = [each["event"] for each in logs]
    assert sorted(told) == [
        *("api_call_not_audited", "api_calls_audited", "api_store_back", "api_store_failed")
    ]


def test_a_defect_is_said_once(api, edf, monkeypatch):
    def fail(*_args, **_kwargs):
        raise ZeroDivisionError

    monkeypatch.setattr("cloud.api.provider.ProviderService.contracts", fail)
    with structlog.testing.capture_logs() as logs:
        for _ in range(30):
            problem(api.call("GET", "/v1/contracts", edf.token), 500)
    assert [(each["event"], each["times"]) for each in logs] == [("api_defect", 1)]


def test_nobody_rewrites_the_audit(api, edf):
    api.call("GET", "/v1/me", edf.token)
    for sql in ("DELETE FROM api_audit", "UPDATE api_audit SET status = 200"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            api.run(api.store._db.execute, sql)


def test_nothing_of_a_household_or_a_token_is_logged(api, edf):
    with structlog.testing.capture_logs() as logs:
        page = api.call("GET", "/v1/contracts", edf.token).json()
        for each in page["contracts"]:
            api.call("GET", f"/v1/contracts/{each['contract']}", edf.token)
        batch(api, edf, "k", *(edf.request(each) for each in edf.contracts))
        api.call("POST", "/v1/statements", edf.token, content=b"\0" * 100)
        api.run(answer_all, api.store)
    written = repr(logs) + repr(api.audit(limit=1_000))
    for each in page["contracts"]:
        assert each["household_key"] not in written
        assert each["sealing_key"][:24] not in written
    assert edf.token not in written


def test_a_defect_tells_nothing(api, edf, monkeypatch):
    def broken(*_args):
        raise RuntimeError("secret of the machine /var/lib/volet")

    monkeypatch.setattr("cloud.api.provider.ProviderService.contracts", broken)
    with structlog.testing.capture_logs() as logs:
        answer = api.call("GET", "/v1/contracts", edf.token)
    problem(answer, 500)
    assert "secret" not in answer.text
    ((event, defect, path),) = [(e["event"], e["defect"], e["path"]) for e in logs]
    assert (event, defect, path) == ("api_defect", "RuntimeError", "/v1/contracts")
    assert edf.token not in repr(logs)
    assert api.audit()[0].status == 500


# Letters.


def test_a_letter_passes_sealed_and_once(api, edf, rival):
    (contract, *_) = edf.contracts
    stored = api.run(api.store.contract, contract)
    terms = msgspec.msgpack.decode(stored.contract.body, type=Contract)
    letter = sign_document(
        PrivateLetter(bytes(16), contract, day_number(START), b"sealed"), edf.key
    )
    first = api.call("POST", "/v1/letters", edf.token, json=wire(letter))
    again = api.call("POST", "/v1/letters", edf.token, json=wire(letter))
    assert (first.status_code, again.status_code) == (201, 200)
    path = first.headers["location"]
    assert api.call("GET", path, edf.token).json()["state"] == "pending"
    problem(api.call("GET", path, rival.token), 404)
    other = sign_document(PrivateLetter(bytes(16), contract, day_number(START), b"else"), edf.key)
    problem(api.call("POST", "/v1/letters", edf.token, json=wire(other)), 409)
    problem(api.call("POST", "/v1/letters", rival.token, json=wire(letter)), 422)
    foreign = sign_document(
        PrivateLetter(bytes(15) + b"1", contract, day_number(START), b"x"), rival.key
    )
    problem(api.call("POST", "/v1/letters", rival.token, json=wire(foreign)), 404)
    long = sign_document(
        PrivateLetter(bytes(15) + b"2", contract, day_number(START), bytes(60_000)), edf.key
    )
    problem(api.call("POST", "/v1/letters", edf.token, json=wire(long)), 422)
    ((kept, _),) = api.run(api.store.providers.letters_in, LetterState.PENDING, 10)
    assert kept.household_key == terms.household_key


# What one provider may ask of one contract in a day.


def test_a_contract_takes_so_many_requests_and_messages_in_a_day(api, edf):
    one, other = edf.contracts[:2]

    def ask(contract, count):
        return batch(api, edf, secrets.token_hex(8), *(edf.request(contract) for _ in range(count)))

    assert ask(one, 60).status_code == 201
    assert "Line 5" in problem(ask(one, 10), 429)
    assert ask(one, 4).status_code == 201
    asked = edf.request(one)
    assert "tomorrow" in problem(
        api.call("POST", "/v1/statements", edf.token, json=wire(asked)), 429
    )
    assert len(api.run(api.store.requests)) == 64
    assert ask(other, 1).status_code == 201
    codes = [
        api.call(
            "POST",
            "/v1/letters",
            edf.token,
            json=wire(
                sign_document(
                    PrivateLetter(bytes([number]) * 16, one, day_number(START), b"sealed"), edf.key
                )
            ),
        ).status_code
        for number in range(40)
    ]
    assert codes.count(201) < 40
    assert set(codes) == {201, 429}
