"""A collectivity that sends one document to chips and another to trustees opens nothing."""

import math

import numpy as np
import pytest

from cloud.release.opening import NOISE_BOUND
from edge.privacy.contribution import ContributionInputs, DayValues, Seeds, contribute
from edge.privacy.ledger import Caps, Ledger
from protocol.area_cipher import MaskContext, add_up, from_bytes, unmask
from protocol.calendar import day_of_number
from protocol.errors import Reason
from protocol.governance import draw_up
from protocol.measures import CLASSES_SLOTS, Group, Measure, MeasureKind, Shares, check_measures
from protocol.trustee_messages import Answer, Ask, Refused
from tests.support.sweeps import swept
from tests.support.trustee_area import DAY, MONTH, TrusteeArea, ask

HOMES = 200
QUORUM = 3
SLOTS_NOISY = CLASSES_SLOTS // 2
_CAPS = Caps(day_rho=10.0, month_rho=10.0, year_rho=10.0)


def documents(area):
    """Two documents that the same trustees signed, each of them valid by itself."""

    def of(crowd, epsilon=2.0):
        group = Group("75", ("75",), max(crowd, 300), crowd, crowd, CLASSES_SLOTS)
        weights = (1e-5,) * CLASSES_SLOTS
        measure = Measure("classes", MeasureKind.CLASSES, Shares(1.0, 1.0), (group,), weights)
        document = area.measures_of(measures=(measure,), epsilon=epsilon)
        check_measures(document)
        return document

    return {"2000 homes": of(2_000), "200 homes": of(HOMES), "epsilon 4": of(HOMES, 4.0)}


def contribution(area, home, document):
    """Make what the product's chip sends under a document."""
    inputs = ContributionInputs(
        document,
        draw_up(document).hash,
        {},
        area.roster.entry(home.entry),
        Seeds(home.generation, area.signed_set.hash, home.seeds, MONTH),
    )
    values = DayValues(day_of_number(DAY), [100] * 96, priced_wh=(600,) * 16, cost_cents=200)
    return contribute(values, inputs, Ledger(), _CAPS).contribution


def attack(chips_have, trustees_have):
    """Return (answers, opened sum): what the collectivity gets of contributions and trustees."""
    area = TrusteeArea(homes=HOMES, far=0)
    both = documents(area)
    sent = [contribution(area, home, both[chips_have]) for home in area.near]
    for home, made in zip(area.near, sent, strict=True):
        home.nonce = made.nonce
    area.measures = both[trustees_have]
    area.signed_measures = area.signed(draw_up(area.measures))
    trustees = [area.trustee(number) for number in range(QUORUM)]
    answers = [ask(trustee, area.request(area.near)) for trustee in trustees]
    if any(isinstance(answer, Refused) for answer in answers):
        return answers, None
    masks = {number: from_bytes(words) for answer in answers for number, words in answer.sums}
    total = add_up(np.array([from_bytes(made.parts[0].words) for made in sent]))
    return answers, unmask(total, masks.values())


def is_noise(opened) -> bool:
    """Say whether a sum is beyond anything that clipped contributions and noise add up to."""
    bound = HOMES * 2**20 + NOISE_BOUND * math.sqrt(HOMES) * 2**22
    return opened[-1] != HOMES and sum(abs(int(value)) > bound for value in opened) > SLOTS_NOISY


@pytest.mark.parametrize(
    ("chips_have", "trustees_have"),
    swept([("2000 homes", "200 homes"), ("epsilon 4", "200 homes"), ("200 homes", "epsilon 4")], 3),
)
def test_a_contribution_opens_to_noise_under_another_document(chips_have, trustees_have):
    answers, opened = attack(chips_have, trustees_have)
    assert all(isinstance(answer, Answer) for answer in answers)
    assert is_noise(opened)


def test_sabotage_a_context_without_the_document_is_seen(monkeypatch):
    monkeypatch.setattr(MaskContext, "encoded", lambda context: context.measure.encode())
    _, opened = attack("2000 homes", "200 homes")
    assert opened[-1] == HOMES
    assert not is_noise(opened)


@pytest.mark.parametrize("both_have", swept(["200 homes", "epsilon 4"], 2))
def test_the_same_contributions_open_under_their_own_document(both_have):
    _, opened = attack(both_have, both_have)
    assert opened[-1] == HOMES
    assert not is_noise(opened)


def test_trustees_refuse_a_document_that_only_chips_have():
    area = TrusteeArea(homes=HOMES, far=0)
    chips_have = draw_up(documents(area)["2000 homes"])
    trustee = area.trustee(0)
    for kind in Ask:
        request = area.request(ask=kind, measures=chips_have.hash)
        assert ask(trustee, request).reason is Reason.DOCUMENT
