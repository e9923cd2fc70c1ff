"""The API against its own OpenAPI description, by schemathesis: right and wrong calls alike."""

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS
from schemathesis.config import SchemathesisConfig

from cloud.store.providers import Scope
from tests.support.provider_api import Firm, serving

OPERATIONS = [
    "me",
    "drafts",
    "contract_document",
    "contracts",
    "contract",
    "accept",
    "request_statement",
    "statement",
    "correction",
    "create_batch",
    "batches",
    "batch",
    "batch_statements",
    "list_document",
    "catalogue",
    "listed_document",
    "receipts",
    "acknowledge",
    "write_letter",
    "letter",
    "areas",
    "figures",
    "turnover",
]
# What is well-formed may still be unsigned, so that no random document is ever accepted.
LEFT_OUT = {"positive_data_acceptance", "ignored_auth", "missing_required_header"}
# A body that is too long is refused by 413, which schemathesis does not expect of itself.
REFUSALS = ("400", "401", "403", "404", "405", "406", "409", "413", "415", "422", "428", "429")
CONFIG = {"checks": {"negative_data_rejection": {"expected-statuses": [*REFUSALS, "5xx"]}}}
SHORT, LONG = 6, 400


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("api")) as api:
        firm = Firm("edf")
        contracts = api.add(firm, customers=3)
        api.bearer = api.token(firm, *Scope)
        api.known = contracts[0].hex()
        yield api


@pytest.fixture(scope="module")
def operations(api):
    description = api.call("GET", "/v1/openapi.json").json()
    schema = schemathesis.openapi.from_dict(
        description, config=SchemathesisConfig.from_dict(CONFIG)
    )
    found = [each.ok() for each in schema.get_all_operations()]
    return {each.definition.raw["operationId"]: each for each in found}


def test_every_operation_is_named_here(operations):
    assert sorted(operations) == sorted(OPERATIONS)


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_answer_is_as_described(name, operations, api):
    hammer(operations[name], api, SHORT, derandomize=True)


@pytest.mark.long
@pytest.mark.parametrize("name", OPERATIONS)
def test_every_answer_is_as_described_at_length(name, operations, api):
    hammer(operations[name], api, LONG, derandomize=False)


def hammer(operation, api, examples, *, derandomize):
    """Call an operation with what its description allows, and with what it does not."""
    checks = [check for check in CHECKS.get_all() if check.__name__ not in LEFT_OUT]
    cases = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in GenerationMode))

    @given(case=cases)
    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=derandomize,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def call(case):
        case.validate_response(sent(case, api), checks=checks)

    call()


def sent(case, api):
    """Send a case without a socket."""
    headers = {"Authorization": f"Bearer {api.bearer}"}
    kwargs = case.as_transport_kwargs(base_url="https://api.test", headers=headers)
    prepared = requests.Request(
        **{key: kwargs[key] for key in kwargs if key in {"method", "url", "params", "headers"}},
        data=kwargs.get("data"),
        json=kwargs.get("json"),
        cookies=kwargs.get("cookies"),
    ).prepare()
    return api.call(
        prepared.method,
        prepared.url,
        headers={str(key): str(value) for key, value in prepared.headers.items()},
        content=prepared.body or b"",
    )
