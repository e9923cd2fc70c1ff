"""Documents at the providers' API: forged, repeated, another's, or too many in a day."""

import secrets

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol.calendar import day_number
from protocol.contract import Acceptance, Contract, sign_document
from protocol.letters import PrivateLetter
from protocol.provider_api import LetterState
from tests.support.provider_api import NOTED, START, Firm, hand_in, problem, wire


def test_a_body_in_which_a_key_stands_twice_is_refused_by_the_key(api, edf):
    headers = {"Content-Type": "application/json"}
    answer = api.call("POST", "/v1/catalogue", edf.token, headers=headers, content=NOTED)
    assert "the key `kind` stands twice" in problem(answer, 400)


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
    assert "Line 1" in problem(hand_in(api, edf, "k", other), 409)


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


def test_a_contract_takes_so_many_requests_and_messages_in_a_day(api, edf):
    one, other = edf.contracts[:2]

    def ask(contract, count):
        return hand_in(
            api, edf, secrets.token_hex(8), *(edf.request(contract) for _ in range(count))
        )

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
