"""The trend of the baseline over the time of a run."""

import math

import msgspec
import numpy as np
import pytest

from functune.analysis.checks.drift import Drift, drift
from functune.analysis.numbers.levels import levels_of
from functune.run.measurement import Measurement
from functune.setting import Setting
from tests.analysis.simulated import step

RUNS = 200


def baseline(throughput: float, *, at: float, users: int = 8, setting: Setting | None = None) -> Measurement:
    """A step of 1000 calls that took as long as its throughput says."""
    return msgspec.structs.replace(
        step(users=users, setting=setting), started_at=at, duration=1000 / throughput, latencies_us=[50_000] * 1000
    )


def baselines(*, change: float, noise: float, seed: int = 6) -> list[Measurement]:
    """Two kinds of steps of the baseline in turn, a minute apart, whose throughput changes by so much in all."""
    chance = np.random.default_rng(seed)
    return [
        baseline(level * (1 + change) ** (at / 11) * chance.normal(1, noise), at=60.0 * at, setting=setting)
        for at, (level, setting) in enumerate([(100.0, Setting(thread_count=4)), (400.0, Setting())] * 6)
    ]


def found_drift(steps: list[Measurement]) -> Drift:
    found = drift(levels_of(steps))
    assert found is not None
    return found


def test_drift_finds_a_trend_across_kinds_of_steps() -> None:
    found = found_drift(baselines(change=-0.2, noise=0.01))
    assert found.change == pytest.approx(-0.2, abs=0.04)
    assert found.interval.low < -0.2 < found.interval.high
    assert found.matters
    assert "% less at the end than at the start" in found.in_words
    assert "cannot be compared" in found.in_words


def test_drift_of_one_step_is_the_line_of_another_implementation() -> None:
    """scipy's regression of ln X over the time of the run, whose length is 1."""
    from scipy.stats import linregress  # slow to import, and every process of a test run collects this file
    from scipy.stats import t as student

    rates = [100.0, 97.0, 99.0, 94.0, 95.0, 90.0]
    found = found_drift([baseline(rate, at=30.0 * at) for at, rate in enumerate(rates)])
    line = linregress(np.linspace(0, 1, len(rates)), np.log(rates))
    reach = float(student.ppf(0.975, len(rates) - 2)) * line.stderr
    assert found.change == pytest.approx(math.expm1(line.slope))
    assert (found.interval.low, found.interval.high) == pytest.approx(
        (math.expm1(line.slope - reach), math.expm1(line.slope + reach))
    )


def test_drift_within_what_settings_may_differ_by_does_not_matter() -> None:
    found = found_drift(baselines(change=0.03, noise=0.002))
    assert not found.matters
    assert "more at the end" in found.in_words


def test_drift_is_seen_in_a_steady_run_as_seldom_as_it_says() -> None:
    seen = sum(
        "No drift" not in found_drift(baselines(change=0, noise=0.03, seed=seed)).in_words for seed in range(RUNS)
    )
    assert 0.01 * RUNS <= seen <= 0.10 * RUNS


def test_drift_needs_five_measurements() -> None:
    steps = [baseline(100, at=at) for at in (0.0, 1.0, 2.0, 3.0)]
    assert drift(levels_of(steps)) is None
    assert drift(levels_of([baseline(100, at=0.0)] * 5)) is None
    assert drift(levels_of(baseline(100, at=at, users=users) for at, users in enumerate((1, 2, 4, 8, 16)))) is None
