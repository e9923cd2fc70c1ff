"""The shipped grids: what they say of themselves, against published figures."""

import json
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import pytest

from protocol.bill import price_bill, register_energies
from protocol.errors import DocumentRefused
from protocol.tariff import FixedLine, RegisterCalendar, RegisterLine, check_tariff
from tariffs.grids import CALENDARS, REGISTERS, GridOption, grids, grids_between, prices_of
from tariffs.regulated import regulated_tariff, regulated_tariffs
from tests.support.tariffs import SHARED, simple_tariff

CENT, TENTH_OF_A_MILLE = Decimal("0.01"), Decimal("0.0001")
FACTS = sorted((SHARED / "tariffs").glob("edf_tarif_bleu_*.json"))
EXAMPLES = SHARED / "tariffs" / "public_examples.json"
EVERY_SUBSCRIPTION = [
    (grid, option, row)
    for grid in grids()
    for option in GridOption
    for row in grid.options[option].subscriptions
]


def test_the_grids_are_those_that_the_issue_names_and_the_one_of_november_2024():
    assert [grid.name for grid in grids()] == [
        "2024-02-01",
        "2024-11-01",
        "2025-02-01",
        "2025-08-01",
        "2026-02-01",
        "2026-08-01",
    ]
    assert all(grid.sources for grid in grids())


def test_a_subscription_before_tax_gives_the_published_one_with_cta_and_vat():
    for grid, option, row in EVERY_SUBSCRIPTION:
        exact = (row.ht + grid.cta.eur(row.kva) / 12) * (1 + grid.vat_fixed)
        # Base 6 kVA of November 2024 is reported a hair above what its parts give.
        is_reported = (grid.name, option, row.kva) == ("2024-11-01", GridOption.BASE, 6)
        if not is_reported:
            assert exact.quantize(CENT, ROUND_HALF_UP) == row.ttc, (grid.name, option, row)
        assert abs(exact - row.ttc) < Decimal("0.0055")


def test_a_kwh_before_tax_gives_the_published_one_with_excise_and_vat():
    for grid in grids():
        for option in GridOption:
            for price in grid.options[option].energy:
                exact = (price.ht + grid.excise_eur_per_kwh) * (1 + grid.vat_energy)
                assert abs(exact - price.ttc) <= TENTH_OF_A_MILLE / 2 + Decimal("1e-6"), price


def test_every_option_prices_each_of_its_registers_once_at_every_power():
    for grid, option, row in EVERY_SUBSCRIPTION:
        _, prices = prices_of(grid, option, row.kva)
        assert sorted(price.register for price in prices) == sorted(REGISTERS[option])


def test_vat_on_the_subscription_rose_on_2025_08_01_and_nowhere_else():
    rates = {grid.name: (str(grid.vat_fixed), str(grid.vat_energy)) for grid in grids()}
    assert {name for name, rate in rates.items() if rate == ("0.055", "0.20")} == {
        "2024-02-01",
        "2024-11-01",
        "2025-02-01",
    }
    assert {name for name, rate in rates.items() if rate == ("0.20", "0.20")} == {
        "2025-08-01",
        "2026-02-01",
        "2026-08-01",
    }


def test_what_is_assumed_is_said_and_stands_in_the_grid_of_august_2026_only():
    assert [grid.name for grid in grids() if grid.assumed] == ["2026-08-01"]


@pytest.mark.skipif(not FACTS, reason="no facts beside the project")
@pytest.mark.parametrize("path", FACTS, ids=lambda path: path.stem)
def test_the_shipped_figures_are_those_of_the_facts(path):
    facts = json.loads(path.read_text())
    grid = next(each for each in grids() if each.name == facts["valid_from"])
    assert str(grid.cta.rate) == facts["taxes"]["cta_rate"]
    assert str(grid.vat_fixed) == facts["taxes"]["tva_subscription_and_cta"]
    for option, figures in facts["options"].items():
        ours = grid.options[GridOption(option)]
        assert {str(row.kva): str(row.ttc) for row in ours.subscriptions} == (
            figures["subscription_eur_month_ttc"]
        )
        if figures["subscription_eur_month_ht"]:
            assert {str(row.kva): str(row.ht) for row in ours.subscriptions} == (
                figures["subscription_eur_month_ht"]
            )
        assert [str(price.ttc) for price in ours.energy] == list(figures["kwh_eur_ttc"].values())
        for price, known in zip(ours.energy, figures["kwh_eur_ht"].values(), strict=True):
            assert known in {None, str(price.ht)}


def yearly_eur(grid, kwh):
    tariff = regulated_tariff(grid, GridOption.BASE, 6, None)
    start, end = date(2025, 1, 1), date(2026, 1, 1)
    moved = regulated_tariff(
        type(grid)(
            **{name: getattr(grid, name) for name in grid.__struct_fields__} | {"valid_from": start}
        ),
        GridOption.BASE,
        6,
        None,
    )
    assert moved.fixed == tariff.fixed
    energies = register_energies(0, moved, [start], [kwh, *[0] * 9])
    return price_bill([moved], start, end, energies).total_ttc


@pytest.mark.skipif(not EXAMPLES.exists(), reason="no public examples beside the project")
def test_the_public_example_of_a_year_is_met_within_its_tolerance():
    examples = {each["id"]: each for each in json.loads(EXAMPLES.read_text())}
    example = examples["p01-base-6-4200kWh-2025"]
    tolerance = Decimal(example["tolerance_eur"])
    for name, said in example["check"].items():
        grid = next(each for each in grids() if each.name == name)
        ours = yearly_eur(grid, 4200)
        assert abs(ours - said["published_eur"]) <= tolerance
        assert abs(ours - Decimal(said["exact"])) < Decimal("0.30")  # published figures are rounded


@pytest.mark.skipif(not EXAMPLES.exists(), reason="no public examples beside the project")
def test_the_regulators_rows_are_met():
    examples = {each["id"]: each for each in json.loads(EXAMPLES.read_text())}
    for row in examples["p06-cre-row-2026-02"]["rows"]:
        begins, _, kva, fixed_ht, fixed_ttc, kwh_ht, kwh_ttc = row.replace(",", ".").split(";")
        day, month, year = begins.split("/")
        grid = next(each for each in grids() if each.name == f"{year}-{month}-{day}")
        subscription, (price,) = prices_of(grid, GridOption.BASE, int(kva))
        assert subscription.ht * 12 == Decimal(fixed_ht)
        assert abs(subscription.ttc * 12 - Decimal(fixed_ttc)) < 2  # with an average CTA there
        assert price.ht == Decimal(kwh_ht)
        assert (price.ht + grid.excise_eur_per_kwh) * Decimal("1.2") == Decimal(kwh_ttc)


def test_documents_of_an_option_follow_each_other_and_pass_the_products_own_checks():
    for option, kva in (
        (GridOption.BASE, 3),
        (GridOption.HPHC, 36),
        (GridOption.TEMPO, 30),
        (GridOption.EJP, 9),
    ):
        tariffs = regulated_tariffs(option, kva)
        for tariff in tariffs:
            check_tariff(tariff)
            assert tariff.calendar == CALENDARS[option]
        ends = [tariff.valid_to for tariff in tariffs]
        assert ends == [*(tariff.valid_from for tariff in tariffs[1:]), None]


def test_documents_can_begin_late_and_name_a_calendar_for_quotes():
    calendar = RegisterCalendar(bytes(32), "tempo")
    tariffs = regulated_tariffs(
        GridOption.TEMPO, 9, date(2026, 3, 1), provider="Régie", register_calendar=calendar
    )
    assert [str(tariff.valid_from) for tariff in tariffs] == ["2026-02-01", "2026-08-01"]
    assert all(tariff.register_calendar == calendar for tariff in tariffs)
    assert {tariff.provider for tariff in tariffs} == {"Régie"}
    with pytest.raises(DocumentRefused, match="first grid"):
        regulated_tariffs(GridOption.BASE, 3, date(2024, 1, 31))


def test_the_days_of_a_period_are_cut_where_grids_change():
    cut = grids_between(date(2025, 7, 31), date(2026, 2, 2))
    assert [(grid.name, str(first), str(end)) for grid, first, end in cut] == [
        ("2025-02-01", "2025-07-31", "2025-08-01"),
        ("2025-08-01", "2025-08-01", "2026-02-01"),
        ("2026-02-01", "2026-02-01", "2026-02-02"),
    ]


@pytest.mark.skipif(not EXAMPLES.exists(), reason="no public examples beside the project")
def test_the_taxes_of_a_month_of_2019_are_met_but_for_what_the_article_cuts_off():
    examples = {each["id"]: each for each in json.loads(EXAMPLES.read_text())}
    assert "16,84 TTC" in examples["p04-taxes-390kWh-2019"]["text"]
    start, end, vat = date(2019, 5, 1), date(2019, 6, 1), Decimal("0.20")
    taxes = simple_tariff(
        valid_from=start,
        fixed=(
            FixedLine("TCFE", Decimal("3.78"), "month", vat),
            FixedLine("CTA", Decimal("1.69"), "month", Decimal("0.055")),
        ),
        energy=(RegisterLine("CSPE", (1, 2), Decimal("0.0225"), vat),),
    )
    energies = register_energies(0, taxes, [start], [100, 290, *[0] * 8])
    bill = price_bill([taxes], start, end, energies)
    assert {line.name: str(line.ht) for line in bill.lines}["CSPE"] == "8.78"
    assert abs(bill.total_ht - Decimal("14.24")) <= Decimal("0.01")
    assert abs(bill.total_ttc - Decimal("16.84")) <= Decimal("0.02")
