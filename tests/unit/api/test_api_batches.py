"""Bulk requests at the providers' API: taken whole once, and a wrong line is named."""

import secrets

import msgspec
import pytest

from tests.support.provider_api import NDJSON, NOTED, answer_all, hand_in, lines, problem


def test_a_line_in_which_a_key_stands_twice_is_refused_by_the_key(api, edf):
    content = lines(edf.request(edf.contracts[0])) + NOTED + b"\n"
    answer = hand_in(api, edf, "twice", content=content)
    assert "Line 2: the key `kind` stands twice" in problem(answer, 422)


def test_a_batch_is_taken_whole_once_and_its_key_stands_for_it(api, edf):
    requests = [edf.request(each) for each in edf.contracts]
    first = hand_in(api, edf, "2026-09", *requests)
    again = hand_in(api, edf, "2026-09", *requests)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert (first.json()["total"], first.json()["pending"]) == (3, 3)
    assert len(api.run(api.store.requests)) == 3
    problem(hand_in(api, edf, "2026-09", *requests[:2]), 409)
    problem(hand_in(api, edf, "2026-09", *reversed(requests)), 409)
    assert len(api.run(api.store.requests)) == 3
    # Another key may name the same requests: nothing is asked twice.
    assert hand_in(api, edf, "other", *requests).status_code == 201
    assert len(api.run(api.store.requests)) == 3


def test_a_key_is_each_providers_own(api, edf, rival):
    one = hand_in(api, edf, "k", edf.request(edf.contracts[0]))
    two = hand_in(api, rival, "k", rival.request(rival.contracts[0]))
    assert (one.status_code, two.status_code) == (201, 201)
    assert one.json()["id"] != two.json()["id"]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_wrong_line_is_named_and_nothing_is_kept(api, edf, number):
    made = [edf.request(each) for each in edf.contracts]
    made[number - 1] = msgspec.structs.replace(made[number - 1], signature=bytes(64))
    answer = hand_in(api, edf, "k", *made)
    assert f"Line {number}:" in problem(answer, 422)
    assert answer.json()["line"] == number
    assert api.run(api.store.requests) == ()
    assert api.call("GET", "/v1/batches", edf.token).json()["batches"] == []


def test_a_line_is_named_in_the_transaction_too(api, edf):
    made = [edf.request(edf.contracts[0]), edf.request(secrets.token_bytes(32))]
    answer = hand_in(api, edf, "k", *made)
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
    problem(hand_in(api, edf, "k", content=content), 422)


def test_two_lines_have_two_ids(api, edf):
    one = edf.request(edf.contracts[0])
    assert "line 1 has the same id" in problem(hand_in(api, edf, "k", one, one), 422)


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
    path = hand_in(api, edf, "k", *made).headers["location"]
    api.run(answer_all, api.store)
    done = api.call("GET", path, edf.token).json()
    assert (done["pending"], done["refused"]) == (1, 1)
    items = api.call("GET", f"{path}/statements?state=refused", edf.token).json()["items"]
    assert [each["number"] for each in items] == [2]
    assert "holds from" in items[0]["detail"]
    single = api.call("GET", f"/v1/statements/{items[0]['id']}", edf.token).json()
    assert (single["state"], single["detail"]) == ("refused", items[0]["detail"])
