"""The same way over the embedded store as over the one in memory; and that the checks are what holds."""

import pytest

from cloud.release import opening
from cloud.release.closing import basis_of, close
from cloud.release.opening import advance, asked
from cloud.store.area import FigureStage
from cloud.store.put import Put
from cloud.store.sqlite.store import SqliteStore
from protocol.errors import Reason, StoreError
from tests.support.area_release import SmallArea
from tests.support.fake_area_store import FakeAreaStore


@pytest.fixture(params=["memory", "sqlite"])
def store(request, tmp_path):
    if request.param == "memory":
        yield FakeAreaStore()
        return
    own = SqliteStore.open(tmp_path)
    yield own.area
    own.close()


def run(area: SmallArea):
    basis = basis_of(area.store, area.key())
    stages = [close(area.store, basis, area.roster, area.after())]
    while stages[-1].stage in (FigureStage.FIXED, FigureStage.CHECKED):
        answers = area.answers(asked(stages[-1]))
        step = advance(
            area.store, basis, area.roster, stages[-1], answers, area.after(), is_complete=True
        )
        area.store.put_figure(step)
        stages.append(step)
    return stages


def test_every_stage_is_read_back_as_it_was_put(store):
    area = SmallArea(store=store)
    assert area.contribute(area.members[0]) is Put.STORED
    assert area.contribute(area.members[0]) is Put.AGAIN
    wrong = area.members[1]
    area.contribute(wrong, seeds=(bytes(32),) * 6)
    area.contribute_all()
    stages = run(area)
    assert [each.stage for each in stages] == [
        FigureStage.FIXED,
        FigureStage.CHECKED,
        FigureStage.RELEASED,
    ]
    found = store.figure(area.key())
    assert (found.stage, found.requests, found.opened) == (
        FigureStage.RELEASED,
        stages[-1].requests,
        stages[-1].opened,
    )
    assert found.left_out == ((wrong.entry, Reason.CHECK_SLOT),)
    assert store.unfinished() == ()
    with pytest.raises(StoreError):
        store.put_figure(stages[0])


def test_without_the_bound_a_liar_would_be_published(monkeypatch):
    area = SmallArea()
    area.contribute(area.members[5], extra=2**40)
    area.contribute_all()
    monkeypatch.setattr(opening, "slot_bound", lambda *_: float("inf"))
    assert run(area)[-1].stage is FigureStage.RELEASED


def test_without_the_check_slots_one_wrong_seed_would_cost_everybody_the_day(monkeypatch):
    area = SmallArea()
    area.contribute(area.members[5], seeds=(bytes(32),) * 6)
    area.contribute_all()
    real, calls = opening.unmask, []

    def blind_at_first(total, masks):
        calls.append(total)
        return real(total, masks) if len(calls) > 1 else total * 0 + 1

    monkeypatch.setattr(opening, "unmask", blind_at_first)
    last = run(area)[-1]
    assert (last.stage, last.left_out) == (FigureStage.DISCARDED, ())
    assert "check slot of 120 households" in last.detail
