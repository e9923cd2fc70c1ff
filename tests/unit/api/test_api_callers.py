"""Who calls the providers' API: nobody without a credential, and each for its own things only."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from cloud.store.providers import Scope
from tests.support.provider_api import hand_in, problem, wire


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


def test_anothers_things_are_not_there(api, edf, rival):
    (foreign,) = rival.contracts
    signed = rival.request(foreign)
    mine = api.call("POST", "/v1/statements", rival.token, json=wire(signed))
    assert mine.status_code == 201
    theirs = hand_in(api, rival, "month", rival.request(foreign))
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
    problem(hand_in(api, edf, "k", edf.request(edf.contracts[0]), asked), 404)
    path = f"/v1/contracts/{foreign.hex()}/acceptance"
    problem(api.call("POST", path, edf.token, json=wire(edf.acceptance(foreign))), 404)
    # Neither with what its owner has signed.
    replayed = rival.request(foreign)
    problem(api.call("POST", "/v1/statements", edf.token, json=wire(replayed)), 422)
    problem(hand_in(api, edf, "k", replayed), 422)
    assert api.run(api.store.requests) == ()


def test_a_page_begins_at_nobody_elses(api, edf, rival):
    path = f"/v1/contracts?after={rival.contracts[0].hex()}"
    shown = api.call("GET", path, edf.token).json()["contracts"]
    assert {each["contract"] for each in shown} <= {each.hex() for each in edf.contracts}
