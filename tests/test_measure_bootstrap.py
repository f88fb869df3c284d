from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats.mstats import trimmed_mean_ci

from bertslim.errors import InputError
from bertslim.measure import bootstrap
from bertslim.measure.bootstrap import (
    launch_ratio,
    mean_interval,
    median_error,
    paired_difference_interval,
    ratio_interval,
    statistic_interval,
    statistic_intervals,
)


def plain_bootstrap(rows, statistic, *, seed, resamples):
    """One draw at a time, nothing vectorised."""
    generator = np.random.default_rng(seed)
    figures = []
    for _ in range(resamples):
        drawn = [int(row) for row in generator.integers(rows, size=rows)]
        figures.append(statistic(drawn))
    return np.quantile(figures, 0.025), np.quantile(figures, 0.975)


def plain_median(values):
    values = sorted(values)
    middle = len(values) // 2
    if len(values) % 2:
        return values[middle]
    return (values[middle - 1] + values[middle]) / 2


@pytest.fixture
def generator():
    return np.random.default_rng(7)


@pytest.mark.parametrize("shape", [(13,), (12,), (11, 3)])
def test_ratio_interval_equals_a_plain_loop(generator, shape):
    base = generator.lognormal(1.0, 0.2, shape)
    slim = generator.lognormal(0.7, 0.2, shape)

    def ratio(drawn):
        rounds = [
            math.log(plain_median(slim[row].ravel()) / plain_median(base[row].ravel()))
            for row in drawn
        ]
        return math.exp(plain_median(rounds))

    low, high = plain_bootstrap(shape[0], ratio, seed=5, resamples=300)
    interval = ratio_interval(base, slim, seed=5, resamples=300)
    assert interval.of == "ratio"
    assert interval.low == pytest.approx(low, rel=1e-9)
    assert interval.high == pytest.approx(high, rel=1e-9)


def test_ratio_interval_takes_blocks_of_different_lengths(generator):
    base, slim = generator.lognormal(size=(20, 5)), generator.lognormal(size=(20, 8))
    interval = ratio_interval(base, slim, seed=0)
    assert interval.low < np.median(slim) / np.median(base) < interval.high


def test_drift_that_both_models_share_does_not_widen_the_ratio(generator):
    drift = np.linspace(1.0, 3.0, 40)
    noise = generator.lognormal(0.0, 0.01, (2, 40))
    base, slim = 10 * drift * noise[0], 5 * drift * noise[1]
    paired = ratio_interval(base, slim, seed=0)
    torn_apart = ratio_interval(base, generator.permutation(slim), seed=0)
    assert paired.low < 0.5 < paired.high
    assert paired.high - paired.low < (torn_apart.high - torn_apart.low) / 5


def test_what_slows_both_models_for_a_while_does_not_move_the_ratio(generator):
    slowed = np.where(generator.random(60) < 0.5, 1.7, 1.0)[:, None]
    noise = generator.lognormal(0.0, 0.02, (2, 60, 3))
    base, slim = 10 * slowed * noise[0], 7 * slowed * noise[1]
    interval = ratio_interval(base, slim, seed=0)
    assert interval.low < 0.7 < interval.high
    assert interval.high - interval.low < 0.02


@pytest.mark.parametrize("rows", [9, 25, 100])
def test_the_error_of_a_median_is_that_of_many_medians(generator, rows):
    drawn = generator.normal(3.0, 0.2, (4000, rows))
    medians = np.median(drawn, axis=1)
    errors = [median_error(row) for row in drawn[:1000]]
    assert np.mean(errors) == pytest.approx(medians.std(), rel=0.15)


def test_mean_interval_equals_a_plain_loop(generator):
    values = generator.normal(size=37)
    low, high = plain_bootstrap(
        37, lambda drawn: sum(values[row] for row in drawn) / 37, seed=3, resamples=200
    )
    interval = mean_interval(values, seed=3, resamples=200)
    assert interval.of == "slim"
    assert (interval.low, interval.high) == (pytest.approx(low), pytest.approx(high))


def test_difference_interval_equals_a_plain_loop(generator):
    base, slim = generator.integers(0, 2, (2, 60)).astype(bool)
    low, high = plain_bootstrap(
        60,
        lambda drawn: sum(int(slim[row]) - int(base[row]) for row in drawn) / 60,
        seed=1,
        resamples=200,
    )
    interval = paired_difference_interval(base, slim, seed=1, resamples=200)
    assert interval.of == "difference"
    assert (interval.low, interval.high) == (pytest.approx(low), pytest.approx(high))


def test_difference_of_a_statistic_agrees_with_the_difference_of_means(generator):
    base, slim = generator.integers(0, 2, (2, 80))
    means = paired_difference_interval(base, slim, seed=4, resamples=300)
    found = statistic_interval(
        lambda weights: weights @ slim / 80,
        lambda weights: weights @ base / 80,
        rows=80,
        seed=4,
        resamples=300,
    )
    assert found.of == means.of == "difference"
    assert (found.low, found.high) == (pytest.approx(means.low), pytest.approx(means.high))


def test_statistic_interval_equals_a_plain_loop(generator):
    values = generator.normal(size=31)

    def spread(drawn):
        chosen = [values[row] for row in drawn]
        mean = sum(chosen) / len(chosen)
        return sum((value - mean) ** 2 for value in chosen) / len(chosen)

    def spread_of_weights(weights):
        mean = weights @ values / 31
        return weights @ values**2 / 31 - mean**2

    low, high = plain_bootstrap(31, spread, seed=2, resamples=200)
    found = statistic_interval(spread_of_weights, rows=31, seed=2, resamples=200)
    assert found.of == "slim"
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))


def test_equal_models_differ_by_nothing(generator):
    rows = generator.normal(size=30)
    interval = paired_difference_interval(rows, rows, seed=0)
    assert (interval.low, interval.high) == (0.0, 0.0)


def test_the_seed_settles_the_interval_and_memory_does_not(generator, monkeypatch):
    base, slim = generator.lognormal(size=(2, 25, 4))
    whole = ratio_interval(base, slim, seed=9)
    assert ratio_interval(base, slim, seed=9) == whole
    assert ratio_interval(base, slim, seed=10) != whole
    monkeypatch.setattr(bootstrap, "CHUNK_ELEMENTS", 700)
    assert ratio_interval(base, slim, seed=9) == whole


@pytest.mark.parametrize("rows", [20, 60])
def test_ratio_interval_covers_the_truth_about_95_times_in_100(rows):
    generator = np.random.default_rng(rows)
    covered = 0
    for trial in range(300):
        drift = generator.lognormal(0.0, 0.1, (rows, 1))
        base = 10 * drift * generator.lognormal(0.0, 0.05, (rows, 3))
        slim = 7 * drift * generator.lognormal(0.0, 0.05, (rows, 3))
        interval = ratio_interval(base, slim, seed=trial, resamples=300)
        covered += interval.low <= 0.7 <= interval.high
    assert 0.91 <= covered / 300 <= 0.99


def test_difference_interval_covers_the_truth_about_95_times_in_100():
    generator = np.random.default_rng(2)
    covered = 0
    for trial in range(300):
        base = generator.random(400) < 0.8
        slim = np.where(generator.random(400) < 0.9, base, generator.random(400) < 0.8)
        interval = paired_difference_interval(
            base.astype(float), slim.astype(float), seed=trial, resamples=300
        )
        covered += interval.low <= 0.0 <= interval.high
    assert 0.91 <= covered / 300 <= 0.99


def test_rows_must_be_there_and_match():
    with pytest.raises(ValueError, match="3 rows of the base, 2 of the slim"):
        ratio_interval(np.ones(3), np.ones(2), seed=0)
    with pytest.raises(ValueError, match="nothing to resample"):
        mean_interval(np.ones(0), seed=0)


def test_the_interval_over_launches_is_students_over_their_log_ratios():
    generator = np.random.default_rng(5)
    base, slim = generator.lognormal(0, 0.1, (9, 4)), generator.lognormal(-0.3, 0.1, (9, 4))
    found = ratio_interval(base, slim, (3, 4, 2), seed=0)
    logs = []
    for start, end in ((0, 3), (3, 7), (7, 9)):
        rounds = [
            math.log(plain_median(after) / plain_median(before))
            for before, after in zip(base[start:end], slim[start:end], strict=True)
        ]
        logs.append(plain_median(rounds))
    mean = sum(logs) / 3
    error = math.sqrt(sum((log - mean) ** 2 for log in logs) / 2 / 3)
    students_t_of_two_degrees = 4.302652729911275
    reach = students_t_of_two_degrees * error
    assert found.low == pytest.approx(math.exp(mean - reach), rel=1e-9)
    assert found.high == pytest.approx(math.exp(mean + reach), rel=1e-9)


def test_the_interval_over_launches_covers_what_differs_between_processes():
    generator = np.random.default_rng(6)
    covered = {1: 0, 4: 0}
    for _ in range(200):
        for launches in covered:
            luck = np.repeat(generator.normal(0, 0.02, (2, launches)), 8 // launches, axis=1)
            base, slim = np.exp(luck + generator.normal(0, 0.005, (2, 8)))
            found = ratio_interval(base, slim, (8 // launches,) * launches, seed=1, resamples=200)
            covered[launches] += found.low <= 1 <= found.high
    assert covered[4] >= 180
    assert covered[1] < 100, "rounds of one launch cannot tell"


def test_the_ratio_over_launches_lies_in_the_middle_of_its_interval():
    generator = np.random.default_rng(7)
    base, slim = generator.lognormal(0, 0.3, (7, 3)), generator.lognormal(0, 0.3, (7, 3))
    found = ratio_interval(base, slim, (2, 4, 1), seed=0)
    assert launch_ratio(base, slim, (2, 4, 1)) == pytest.approx(math.sqrt(found.low * found.high))
    rounds = np.median(slim, axis=1) / np.median(base, axis=1)
    assert launch_ratio(base, slim, (7,)) == pytest.approx(np.median(rounds))


@pytest.mark.parametrize("launches", [None, (5, 5, 5, 5)])
def test_a_surer_interval_is_wider(launches: tuple[int, ...] | None) -> None:
    draw = np.random.default_rng(3)
    base, slim = draw.gamma(50, size=(20, 4)), draw.gamma(40, size=(20, 4))
    usual = ratio_interval(base, slim, launches, seed=0)
    surer = ratio_interval(base, slim, launches, seed=0, level=0.99)

    assert (usual.level, surer.level) == (0.95, 0.99)
    assert surer.low < usual.low < usual.high < surer.high


def test_several_statistics_are_those_of_each_alone(generator):
    values = generator.normal(size=(40, 3))
    together = statistic_intervals(lambda weights: weights @ values, rows=40, seed=3)
    alone = [
        statistic_interval(lambda weights, n=n: weights @ values[:, n], rows=40, seed=3)
        for n in range(3)
    ]
    for one, other in zip(together, alone, strict=True):
        assert (one.low, one.high) == pytest.approx((other.low, other.high))


@pytest.mark.parametrize(("launches", "trimmed"), [(7, 1), (13, 1), (15, 2)])
def test_of_many_launches_the_extremes_do_not_count(generator, launches: int, trimmed: int):
    ratios = np.exp(generator.normal(0, 0.02, launches))
    ratios[0] = 1.4
    base = np.ones(2 * launches)
    found = ratio_interval(base, np.repeat(ratios, 2), (2,) * launches, seed=0, level=0.99)
    share = trimmed / launches
    expected = trimmed_mean_ci(np.log(ratios), limits=(share, share), alpha=0.01)
    assert (found.low, found.high) == pytest.approx(tuple(np.exp(expected)))
    middle = launch_ratio(base, np.repeat(ratios, 2), (2,) * launches)
    assert middle == pytest.approx(math.sqrt(found.low * found.high))


def test_one_launch_that_is_far_off_hardly_widens_the_interval(generator):
    def width(launches: int) -> float:
        ratios = np.exp(generator.normal(0, 0.01, launches))
        ratios[0] = 1.3
        found = ratio_interval(np.ones(launches), ratios, (1,) * launches, seed=0)
        return found.high - found.low

    assert width(8) < width(6) / 4


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_has_no_interval(generator, value):
    values = generator.normal(size=20)
    values[3] = value
    with np.errstate(all="ignore"):
        with pytest.raises(InputError, match="lies between"):
            mean_interval(values, seed=0)
        with pytest.raises(InputError, match="lies between"):
            ratio_interval(np.full(20, value), np.ones(20), [10, 10], seed=0)
