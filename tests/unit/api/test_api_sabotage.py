"""The attacker's tests go red where the check that they are for is taken out."""

import contextlib

import msgspec
import pytest

from cloud.api import access, gate, upload
from cloud.api import provider as provider_api
from cloud.store.bulk_requests import BulkRefused
from cloud.store.put import Put
from cloud.store.sqlite.bulk_requests import SqliteBulkRequests
from protocol.contract import StatementRequest
from tests.unit.api import test_api_audit as audit
from tests.unit.api import test_api_batches as batches
from tests.unit.api import test_api_bounds as bounds
from tests.unit.api import test_api_callers as callers


@contextlib.contextmanager
def red():
    """Expect that an attack succeeds, which its test says."""
    with pytest.raises((AssertionError, KeyError)):
        yield


def test_without_the_check_of_the_owner(api, edf, rival, monkeypatch):
    monkeypatch.setattr(
        provider_api.ProviderService, "own_contract", lambda self, name: self._store.contract(name)
    )
    with red():
        callers.test_anothers_things_are_not_there(api, edf, rival)


def test_without_the_check_of_a_batchs_owner(api, edf, rival, monkeypatch):
    monkeypatch.setattr(
        provider_api.ProviderService,
        "_own_batch",
        lambda self, name: self._store.bulk_requests.progress(name),
    )
    with red():
        callers.test_anothers_things_are_not_there(api, edf, rival)


def test_without_the_signature_of_a_line(api, edf, monkeypatch):
    monkeypatch.setattr(
        upload,
        "open_document",
        lambda signed, _key, _kind: msgspec.msgpack.decode(signed.body, type=StatementRequest),
    )
    with red():
        batches.test_a_wrong_line_is_named_and_nothing_is_kept(api, edf, 2)


def test_without_the_comparison_of_a_batchs_content(api, edf, monkeypatch):
    put_batch = SqliteBulkRequests.put_batch

    def forgiving(self, batch, items):
        put = put_batch(self, batch, items)
        return Put.AGAIN if isinstance(put, BulkRefused) else put

    monkeypatch.setattr(SqliteBulkRequests, "put_batch", forgiving)
    with red():
        batches.test_a_batch_is_taken_whole_once_and_its_key_stands_for_it(api, edf)


def test_without_the_transaction_of_a_batch(api, edf, monkeypatch):
    @contextlib.contextmanager
    def piecemeal(self):
        try:
            yield
        finally:
            self._db.conn.commit()

    monkeypatch.setattr(SqliteBulkRequests, "_writing", piecemeal)
    with red():
        batches.test_a_line_is_named_in_the_transaction_too(api, edf)


def test_without_the_end_of_a_token(api, edf, monkeypatch):
    def eternal(store, text, _now):
        token = store.token(access._digest(text))
        if token is None:
            return None
        return access.Caller(store.provider(token.provider), f"token {token.id}", token.scopes)

    monkeypatch.setattr(gate, "caller_of_token", eternal)
    with red():
        callers.test_a_token_ends_when_it_expires_or_is_revoked(api, edf)


def test_without_the_audit(api, edf, monkeypatch):
    async def silent(_self, _call, _scope):
        return None

    monkeypatch.setattr(gate.Gate, "write_audit", silent)
    with red():
        audit.test_every_call_is_in_the_audit_before_its_answer(api, edf)


def test_without_the_count_of_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(gate._BoundedBody, "check", lambda _self, _length: None)
    with red():
        bounds.test_a_huge_upload_is_refused_before_it_is_read(tmp_path)


def test_without_the_rate(tmp_path, monkeypatch):
    monkeypatch.setattr(gate.Buckets, "wait_s", lambda _self, _name: 0.0)
    with red():
        bounds.test_calls_beyond_the_rate_wait(tmp_path)
