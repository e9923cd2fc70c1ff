"""The audit of the providers' API comes before the answer, and nothing leaks with it."""

import sqlite3

import pytest
import structlog

from protocol.errors import StoreError
from tests.support.provider_api import answer_all, hand_in, problem, wire


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
        hand_in(api, edf, "k", *(edf.request(each) for each in edf.contracts))
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
