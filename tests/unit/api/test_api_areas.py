"""Areas over the API: whose figures one reads, what days add up to, where customers stand."""

import math
from datetime import date, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.api import areas
from cloud.release.composing import CLASSES_NAMES
from cloud.store.providers import Scope
from protocol.governance import draw_up
from protocol.measures import Group, Measure, MeasureKind, Measures, Parent, Shares
from protocol.release import FigureTerms, TableRelease, Value
from protocol.roster import FIRST_PREVIOUS, RosterEntry, sign_entry
from tests.support.provider_api import Firm, serving

DAY = date(2026, 9, 1)
WHERE = "code=75/edf&from=2026-09-01&to=2026-09-03"


def group(code, provider=""):
    return Group(code, ("75",), 300, 200, 100, 18, None, provider)


DOCUMENT = Measures(
    "ville", 1, bytes(32), None, 20_000, 20_365, 2.0, 1e-6, 0.1, 20, 7, 4, 24,
    (
        Measure("classes", MeasureKind.CLASSES, Shares(0.5, 0.5),
                (group("75/edf", "edf"), group("75/rival", "rival"), group("75")), (1.0,) * 18),
    ),
    (Parent("classes", "all", ("75/edf", "75/rival")), Parent("classes", "own", ("75/edf",))),
)  # fmt: skip
TERMS = FigureTerms(240, 300, 0.8, 2.0, 1e-6, 0.5, 200, 0.1, "00", "00", True)


def table(day):
    values = tuple(
        Value(name, unit, 1_000.0 * (at + 1), 300.0)
        for at, (name, unit) in enumerate(CLASSES_NAMES)
    )
    return TableRelease("classes", "75/edf", str(day), 0, values, TERMS)


@pytest.fixture
def api(tmp_path, monkeypatch):
    def released(_store, _measure, _code, period):
        days = (period.end - period.start).days
        return [table(period.start + timedelta(days=number)) for number in range(days)]

    monkeypatch.setattr(areas, "releases_of", released)
    with serving(tmp_path) as api:
        api.run(api.store.area.put_cosigned, draw_up(DOCUMENT))
        for name in ("edf", "rival"):
            firm = Firm(name)
            api.add(firm)
            setattr(api, name, api.token(firm, Scope.AREAS))
        yield api


def test_figures_of_a_providers_customers_are_its_own(api):
    listed = api.call("GET", "/v1/areas", api.edf).json()["areas"]
    assert {each["code"] for each in listed} == {"75", "75/edf", "own"}
    path = f"/v1/areas/figures?measure=classes&{WHERE}"
    shown = api.call("GET", path, api.edf).json()["releases"]
    assert [each["day"] for each in shown] == ["2026-09-01", "2026-09-02"]
    assert shown[0]["kind"] == "table"
    for kind in ("figures", "turnover"):
        hidden = api.call("GET", f"/v1/areas/{kind}?measure=classes&{WHERE}", api.rival)
        unknown = hidden.url.copy_set_param("code", "76")
        assert hidden.status_code == 404
        assert hidden.json() == api.call("GET", str(unknown), api.rival).json()


def test_turnover_adds_days_up_with_their_errors(api):
    found = api.call("GET", f"/v1/areas/turnover?{WHERE}", api.edf).json()
    assert (found["days"], found["households"], found["coverage"]) == (2, 240.0, 0.8)
    classes = found["classes"]
    assert len(classes) == 16
    assert (classes[0]["from_eur_per_kwh"], classes[0]["below_eur_per_kwh"]) == (None, "0")
    assert (classes[-1]["from_eur_per_kwh"], classes[-1]["below_eur_per_kwh"]) == ("0.75", None)
    assert [each["value"] for each in classes] == [2.0 * (at + 1) for at in range(16)]
    assert classes[0]["standard_error"] == pytest.approx(0.3 * math.sqrt(2), abs=1e-3)
    assert found["turnover_eur"] == 2 * 17_000 / 100
    assert found["turnover_standard_error_eur"] == pytest.approx(3 * math.sqrt(2), abs=1e-3)
    assert found["injected_kwh"] == 36.0


@pytest.mark.parametrize(
    ("start", "end"), [("2026-09-02", "2026-09-02"), ("2026-09-03", "2026-09-02"),
                       ("2024-01-01", "2026-01-01")],
)  # fmt: skip
def test_a_period_has_one_day_to_a_year(api, start, end):
    path = f"/v1/areas/turnover?code=75&from={start}&to={end}"
    assert api.call("GET", path, api.edf).status_code == 400


def test_customers_are_found_where_the_roster_has_them(tmp_path):
    with serving(tmp_path) as api:
        firm = Firm("edf")
        contracts = api.add(firm, customers=3)
        token = api.token(firm)
        rows = api.run(api.store.providers.contracts_of, firm.public)
        registrar, previous = Ed25519PrivateKey.generate(), FIRST_PREVIOUS
        for number, (row, cell) in enumerate(
            zip(rows, ("751010101", "75102", "33063"), strict=True)
        ):
            entry = RosterEntry(
                number, previous, row.household_key, "d", bytes(32), bytes(32), cell, "edf", 20_000
            )
            signed = sign_entry(entry, registrar)
            api.run(api.store.area.append_roster, [signed])
            previous = signed.hash

        def found(area):
            page = api.call("GET", f"/v1/contracts?area={area}", token).json()
            return [each["contract"] for each in page["contracts"]]

        names = [each.hex() for each in contracts]
        assert found("75") == names[:2]
        assert found("75101") == names[:1]
        assert found("33") == names[2:]
        assert found("13") == []
        # Who moves away is followed.
        gone = RosterEntry(
            3, previous, rows[0].household_key, "d", bytes(32), bytes(32), None, "edf", 20_100
        )
        api.run(api.store.area.append_roster, [sign_entry(gone, registrar)])
        assert found("75") == names[1:2]
        drafted = api.call("GET", "/v1/drafts?from=2026-09-01&to=2026-10-01&area=75", token).json()
        assert [each["contract"] for each in drafted["drafts"]] == names[1:2]
