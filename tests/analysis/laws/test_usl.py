import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functune.analysis.laws.usl import Curve, Fit, Refused, Throughputs, curve_of, design_of, fit, solve, weighted

DOUBLING = (1, 2, 4, 8, 16, 32, 64)

# Throughput of a Cisco benchmark at 1 to 32 users, from Gunther's "Guerrilla Capacity Planning" (2007); the numbers as
# the tests of codahale's usl-rs have them, and with them the coefficients of the book.
CISCO = (
    *(955.16, 1878.91, 2688.01, 3548.68, 4315.54, 5130.43, 5931.37, 6531.08, 7219.8, 7867.61, 8278.71),
    *(8646.7, 9047.84, 9426.55, 9645.37, 9897.24, 10097.6, 10240.5, 10532.39, 10798.52, 11151.43, 11518.63),
    *(11806.0, 12089.37, 12075.41, 12177.29, 12211.41, 12158.93, 12155.27, 12118.04, 12140.4, 12074.39),
)
BOOK = Curve(performance=995.6486, contention=0.02671591, coherency=7.690945e-4)


def falling() -> Curve:
    """A curve with its peak of 740 requests/s at 21.8 users, the truth of the simulated fits below."""
    shape = Curve(performance=1, contention=0.05, coherency=0.95 / 21.8**2)
    return Curve(performance=740 / shape.throughput(21.8), contention=shape.contention, coherency=shape.coherency)


def exact(curve: Curve, levels: tuple[int, ...] = DOUBLING) -> Throughputs:
    return {users: [curve.throughput(users)] for users in levels}


def noisy(curve: Curve, *, noise: float, repeats: int, chance: np.random.Generator) -> Throughputs:
    return {users: list(curve.throughput(users) * chance.normal(1, noise, repeats)) for users in DOUBLING}


def fitted(levels: Throughputs, generator: np.random.Generator | None = None) -> Fit:
    found = fit(levels, generator=generator)
    assert isinstance(found, Fit), found
    return found


def test_least_squares_of_throughput_itself_give_the_published_coefficients() -> None:
    """
    Books fit X. With the weights N^2 / (y r^3), r = N / X of the curve before, the normal equations of the linear fit
    become those of least squares in X: where repetition stops moving the curve, it is that fit.
    """
    users = np.arange(1.0, len(CISCO) + 1)
    ratio = users / np.array(CISCO)
    coefficients = weighted(design_of(users), ratio, ratio**-2)
    for _ in range(200):
        fitted_ratio = design_of(users) @ coefficients
        coefficients = weighted(design_of(users), ratio, users**2 / (ratio * fitted_ratio**3))
    found = curve_of(coefficients)
    assert found is not None
    assert found.performance == pytest.approx(BOOK.performance, rel=2e-4)
    assert found.contention == pytest.approx(BOOK.contention, rel=2e-4)
    assert found.coherency == pytest.approx(BOOK.coherency, rel=2e-4)


def test_fit_of_relative_errors_is_nearer_at_every_level_of_the_published_data() -> None:
    """The book's curve overshoots one user by 4 %: that is what absolute errors cost."""
    found = fitted({users: [x] for users, x in enumerate(CISCO, start=1)})
    off = [abs(x / BOOK.throughput(users) - 1) for users, x in enumerate(CISCO, start=1)]
    assert max(map(abs, found.residuals)) < max(off)
    assert sum(residual**2 for residual in found.residuals) < sum(value**2 for value in off)
    assert found.r_squared > 0.998


@given(
    performance=st.floats(0.1, 1e5),
    contention=st.one_of(st.just(0.0), st.floats(1e-4, 0.9)),
    coherency=st.one_of(st.just(0.0), st.floats(1e-6, 0.05)),
)
def test_fit_finds_the_coefficients_of_an_exact_curve(performance: float, contention: float, coherency: float) -> None:
    truth = Curve(performance=performance, contention=contention, coherency=coherency)
    found = fitted(exact(truth)).curve
    assert found.performance == pytest.approx(performance, rel=1e-6)
    assert found.contention == pytest.approx(contention, rel=1e-4, abs=1e-7)
    assert found.coherency == pytest.approx(coherency, rel=1e-4, abs=1e-8)


def test_fit_names_a_peak_only_where_the_levels_passed_it() -> None:
    passed = fitted(exact(falling()))
    assert passed.peak is not None
    assert passed.peak.users == pytest.approx(21.8)
    assert passed.peak.throughput == pytest.approx(740)
    assert passed.peak_in_words == "peak of 740 requests/s at about 22 users"
    before = fitted(exact(falling(), (1, 2, 4, 8, 12, 16)))
    assert before.peak is None
    assert before.peak_in_words == "no peak found up to 16 users"


def test_fit_without_coherency_has_no_peak() -> None:
    found = fitted(exact(Curve(performance=100, contention=0.1, coherency=0)))
    assert found.peak is None
    assert found.curve.peak_users is None


def test_fit_clamps_a_negative_coefficient_and_fits_the_others_again() -> None:
    """Throughput a little better than linear at the end: noise that would ask for a coherency below zero."""
    levels = {users: [100 * users * (1 + 0.0004 * users)] for users in DOUBLING}
    curve = fitted(levels).curve
    assert (curve.contention, curve.coherency) == (0, 0)
    assert curve.performance == pytest.approx(100, rel=0.02)


@pytest.mark.parametrize(
    ("noise", "low", "high"), [(0.02, 20.4, 23.2), (0.05, 18.9, 25.5)], ids=["2 % noise", "5 % noise"]
)
def test_fit_finds_a_peak_as_well_as_its_noise_allows(noise: float, low: float, high: float) -> None:
    """1000 fits up to 64 users; from 5 to 95 % they spread over 21.1 to 22.5 and 20.1 to 23.8 users."""
    chance = np.random.default_rng(15)
    curves = [
        solve(np.array(DOUBLING, dtype=float), np.concatenate(list(levels.values())))
        for levels in (noisy(falling(), noise=noise, repeats=1, chance=chance) for _ in range(1000))
    ]
    peaks = [math.inf if curve is None or curve.peak_users is None else curve.peak_users for curve in curves]
    assert low < np.quantile(peaks, 0.05) < 21.8 < np.quantile(peaks, 0.95) < high


def test_fit_refuses_fewer_than_six_levels() -> None:
    found = fit(exact(falling(), (1, 2, 4, 8, 16)))
    assert found == Refused(reason="5 numbers of users measured: a curve needs 6 or more")


@pytest.mark.parametrize("threads", [4, 16, 32, 64])
def test_fit_refuses_the_corner_of_a_full_thread_pool(threads: int) -> None:
    found = fit({users: [10.0 * min(users, threads)] for users in (*DOUBLING, 128)})
    assert isinstance(found, Refused)
    assert "explains" in found.reason or "not smooth" in found.reason


def test_curve_that_is_worse_than_a_horizontal_line_explains_nothing() -> None:
    found = fit({users: [100.0 if users in (2, 16) else 10.0] for users in (1, 2, 4, 8, 16, 32)})
    assert found == Refused(reason="the curve explains 0.0 % of the variation of throughput, less than 98.0 %")


def test_fit_refuses_a_slow_wave_around_the_curve_and_not_the_same_values_in_another_order() -> None:
    levels = range(1, 33)
    wave = [0.07 * math.sin(users / 3) for users in levels]
    shuffled = list(np.random.default_rng(2).permutation(wave))
    slow, scattered = (
        fit({users: [falling().throughput(users) * (1 + off)] for users, off in zip(levels, offs, strict=True)})
        for offs in (wave, shuffled)
    )
    assert isinstance(slow, Refused)
    assert "not smooth" in slow.reason
    assert isinstance(scattered, Fit)


def test_fit_accepts_a_flat_curve_that_has_no_variation_to_explain() -> None:
    chance = np.random.default_rng(4)
    found = fitted({users: [10 * chance.normal(1, 0.01)] for users in DOUBLING})
    assert found.curve.throughput(64) == pytest.approx(10, rel=0.03)


def test_fit_intervals_cover_the_truth() -> None:
    """Resampling five repeats per level; 95 % is what a large sample would reach."""
    chance = np.random.default_rng(11)
    truth = falling()
    covered = {"peak": 0, "contention": 0, "coherency": 0, "performance": 0, "band": 0}
    rounds = 40
    for _ in range(rounds):
        found = fitted(noisy(truth, noise=0.03, repeats=5, chance=chance), chance)
        assert found.peak is not None
        assert found.peak.users_interval is not None
        low, high = found.peak.users_interval
        covered["peak"] += low <= 21.8 <= (high or math.inf)
        for name in ("contention", "coherency", "performance"):
            interval = getattr(found, f"{name}_interval")
            assert interval is not None
            covered[name] += interval.low <= getattr(truth, name) <= interval.high
        users, low_end, high_end = min(found.band, key=lambda place: abs(place[0] - 32))
        covered["band"] += low_end <= truth.throughput(users) <= high_end
    assert all(0.85 * rounds <= count for count in covered.values()), covered
    assert not all(count == rounds for count in covered.values()), covered


def test_fit_of_single_repeats_has_no_intervals() -> None:
    found = fitted(exact(falling()), np.random.default_rng(1))
    assert (found.performance_interval, found.contention_interval, found.coherency_interval) == (None, None, None)
    assert found.band == ()
    assert found.peak is not None
    assert found.peak.users_interval is None


def test_fit_takes_no_throughput_of_zero() -> None:
    with pytest.raises(ValueError, match="above 0"):
        fit({1: [10.0], 2: [0.0]})
