"""The attacks succeed on plain curves, fail on what chips send, and see every way of leaking."""

import pytest

from cloud.audit import attacks, uniform
from cloud.audit.attacks import ABSENCE, APPLIANCES, REIDENTIFY
from cloud.audit.observed import from_traffic
from cloud.audit.views import of_curves, of_observed
from tests.support.audit_fleet import audited_fleet

HOMES, DAYS = 45, 35
WORDS = {"chi-square of bytes", "correlation in a row", "correlation of days"}


def findings_of(fleet):
    view = of_observed("traffic", from_traffic(fleet.messages), fleet.truth)
    return [*attacks.run(view, fleet.truth), *uniform.run(view)]


def broken(findings):
    return {finding.attack for finding in findings if finding.verdict == "broken"}


@pytest.fixture(scope="module")
def honest():
    return audited_fleet(HOMES, DAYS)


@pytest.mark.long
def test_plain_curves_give_households_away(honest):
    found = {one.attack: one for one in attacks.run(of_curves(honest.truth), honest.truth)}
    assert {one.verdict for one in found.values()} == {"reference"}
    assert found[REIDENTIFY].low > 3 * found[REIDENTIFY].chance
    assert found[ABSENCE].score > 0.95
    assert found[APPLIANCES].score == 1.0


def test_what_chips_send_gives_nobody_away(honest):
    findings = findings_of(honest)
    assert {one.attack for one in findings} == {REIDENTIFY, ABSENCE, APPLIANCES} | WORDS
    assert not broken(findings)
    (appliances,) = (one for one in findings if one.attack == APPLIANCES)
    assert appliances.verdict == "kept"  # 0.05 are ten deviations of chance and more


# A leak, and what must be red: sizes and times tell the day, words the curve.
@pytest.mark.parametrize(
    ("leak", "red"),
    [
        pytest.param("size", {ABSENCE, APPLIANCES}, marks=pytest.mark.long),
        pytest.param("time", {ABSENCE, APPLIANCES}, marks=pytest.mark.long),
        pytest.param(
            "plain words", {REIDENTIFY, ABSENCE, APPLIANCES} | WORDS, marks=pytest.mark.long
        ),
        pytest.param(
            "plain blocks", {REIDENTIFY, ABSENCE, APPLIANCES} | WORDS, marks=pytest.mark.long
        ),
        pytest.param(
            "mask used twice",
            {REIDENTIFY, ABSENCE, "chi-square of bytes", "correlation of days"},
            marks=pytest.mark.long,
        ),
    ],
)
def test_the_audit_is_red_for_a_chip_that_leaks(leak, red):
    assert broken(findings_of(audited_fleet(HOMES, DAYS, leak))) >= red


@pytest.mark.long
def test_the_limits_hold_where_chance_cannot_exceed_them():
    # Five deviations and more between chance and each limit: 11 weeks give 41 pairs for linking,
    # 110 homes some 1 700 days of low use.
    fleet = audited_fleet(110, 77)
    findings = findings_of(fleet)
    assert {one.verdict for one in findings} == {"kept"}
    scores = {one.attack: one for one in findings}
    assert scores[REIDENTIFY].score <= 2 * scores[REIDENTIFY].chance
    assert max(scores[ABSENCE].score, scores[APPLIANCES].score) <= 0.55
