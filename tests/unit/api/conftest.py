"""The providers' API over a store, and two providers."""

import pytest

from tests.support.provider_api import Firm, serving


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
