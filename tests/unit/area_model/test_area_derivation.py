"""Public curves to transform and model, and an area's days through the filter."""

from datetime import date, timedelta

import msgspec
import numpy as np
import pytest

from cloud.estimation.derive import code_sums, derive, relative_errors, released_sigma
from cloud.estimation.filter import Filter, Observation
from cloud.estimation.model import read_model
from protocol.errors import BoundExceeded
from protocol.privacy import gaussian_sigma, share_std
from protocol.transform import CLOCK_SLOTS, day_type, read_transform
from tests.support.area_filter import replay

HOMES = 240
SHARE_STD = share_std(gaussian_sigma(2.0, 1e-6), 140, 0.1)
MONDAY = date(2026, 1, 5)


def make_homes(count, days, seed):
    """Homes in Wh a quarter-hour: a shape in common, habits of their own, days that differ."""
    rng = np.random.default_rng(seed)
    hours = np.arange(CLOCK_SLOTS) / 4
    morning, evening = (np.exp(-(((hours - at) / 1.5) ** 2)) for at in (7.5, 19.5))
    own = rng.lognormal(0, 0.4, (count, 3, 1, 1))
    daily = rng.lognormal(0, 0.3, (count, 3, days, 1))
    parts = np.stack([np.ones(CLOCK_SLOTS) * 60, morning * 120, evening * 240])[None, :, None]
    spikes = rng.gamma(0.3, 60, (count, days, CLOCK_SLOTS))
    return (own * daily * parts).sum(1) + spikes


@pytest.fixture(scope="module")
def made():
    public = make_homes(40, 28, 1)
    sigma = released_sigma(SHARE_STD, HOMES)
    return (*derive(public, HOMES, sigma, kappa=0.8), public)


@pytest.fixture(scope="module")
def area():
    return make_homes(HOMES, 28, 2)


def observe(transform, area, rng):
    sums = code_sums(transform, area)
    noise = rng.normal(0, SHARE_STD * np.sqrt(len(area)), sums.shape)
    return [
        Observation(MONDAY + timedelta(days=n), each, len(area), SHARE_STD)
        for n, each in enumerate(sums + noise)
    ]


def test_the_same_public_curves_give_the_same_bytes(made):
    transform, model, public = made
    again = derive(public, HOMES, released_sigma(SHARE_STD, HOMES), kappa=0.8)
    assert [msgspec.msgpack.encode(each) for each in again] == [
        msgspec.msgpack.encode(each) for each in (transform, model)
    ]
    assert read_transform(msgspec.msgpack.encode(transform)) == transform
    assert read_model(msgspec.msgpack.encode(model)) == model


def test_the_filter_is_closer_to_the_truth_than_the_profile_and_than_the_raw_figure(made, area):
    transform, model, _ = made
    estimates = replay(model, observe(transform, area, np.random.default_rng(3)))
    truth = area.sum(0)
    wrong = {
        "filtered": np.stack([each.curve_wh for each in estimates]) - truth,
        "raw": np.stack([each.raw_wh for each in estimates]) - truth,
        "profile": np.stack([HOMES * transform.profile(each.day) for each in estimates]) - truth,
    }
    errors = {name: float(np.median(relative_errors(each, truth))) for name, each in wrong.items()}
    assert errors["filtered"] < 0.13
    assert errors["filtered"] < errors["profile"]
    assert errors["filtered"] < errors["raw"]


def test_the_band_is_not_narrower_than_it_says_and_one_a_quarter_as_wide_is(made, area):
    transform, model, _ = made
    off = [
        (np.abs(each.curve_wh - truth), each.band_wh)
        for seed in range(3)
        for each, truth in zip(
            replay(model, observe(transform, area, np.random.default_rng(seed))),
            area.sum(0),
            strict=True,
        )
    ]
    assert np.mean([wrong <= band for wrong, band in off]) > 0.8
    assert np.mean([wrong <= band / 4 for wrong, band in off]) < 0.8


def test_the_same_sums_give_the_same_bytes_and_missing_days_widen_the_band(made, area):
    transform, model, _ = made
    days = observe(transform, area, np.random.default_rng(5))
    first, second = replay(model, days), replay(model, days)
    assert [each.curve_wh.tobytes() for each in first] == [
        each.curve_wh.tobytes() for each in second
    ]
    with_gap = replay(model, days[:7] + days[21:])
    # Every later day's knowledge is what a day after a gap of two weeks lacks.
    assert with_gap[7].band_wh.mean() > first[21].band_wh.mean()
    assert day_type(with_gap[7].day) == day_type(first[21].day)


def test_days_must_rise_and_sums_must_fit(made, area):
    transform, model, _ = made
    days = observe(transform, area, np.random.default_rng(6))
    kalman = Filter(model)
    kalman.step(days[1])
    for day, sums, households in (
        (days[1].day, days[1].code_sum, HOMES),
        (days[0].day, days[0].code_sum, HOMES),
        (days[2].day, days[2].code_sum[:-1], HOMES),
        (days[2].day, days[2].code_sum * np.nan, HOMES),
        (days[2].day, days[2].code_sum, 0),
    ):
        with pytest.raises(BoundExceeded):
            kalman.step(Observation(day, sums, households, SHARE_STD))
