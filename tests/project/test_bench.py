"""The benchmarks judge figures as they say; what they measure is not measured here."""

import subprocess
import sys
from pathlib import Path

import pytest

from bench.__main__ import Outcome, judged
from bench.figure import Bound, Figure, NotMeasuredError
from bench.suites.lessons import law_figure
from bench.suites.search import agree, columns, regrets
from functune.analysis.numbers.figures import Figures
from functune.setting import Setting
from tests.analysis.simulated import plain_level

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize(
    ("values", "is_held"),
    [((0.95,), True), ((1.02,), True), ((0.949,), False), ((1.021,), False), ((0.5, 1.0, 1.5), True)],
    ids=["lower limit", "upper limit", "below", "above", "median within"],
)
def test_figure_is_held_if_its_median_keeps_both_limits(values: tuple[float, ...], is_held: bool) -> None:
    figure = Figure(Bound("throughput / law", "", at_least=0.95, at_most=1.02), values)
    assert figure.is_held == is_held
    assert ("NOT HELD" in str(figure)) != is_held
    assert ">= 0.95 and <= 1.02" in str(figure)


def test_bound_without_a_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="has no limit"):
        Bound("throughput", "requests/s")


def test_regret_compares_with_the_best_median_and_not_with_the_luckiest_measurement() -> None:
    """Setting 1 has the highest single throughput, 130, but setting 0 the highest median."""
    rounds = [[100.0, 130.0, 90.0], [100.0, 80.0, 95.0], [100.0, 80.0, 90.0]]
    assert regrets(rounds, chosen=0) == (0.0, 0.0, 0.0)
    assert regrets(rounds, chosen=2) == pytest.approx((0.1, 0.05, 0.1))
    assert regrets(rounds, chosen=1) == pytest.approx((-0.3, 0.2, 0.2))


def test_rounds_of_a_contest_agree_where_all_regrets_are_on_one_side_of_the_bound() -> None:
    assert agree((0.0, -0.2, 0.05))
    assert agree((0.06, 0.2))
    assert not agree((0.049, 0.051))


def test_rounds_of_a_plan_hold_its_entrants_only() -> None:
    one, two = (plain_level(Figures(throughput=50.0), setting=Setting(process_count=count)) for count in (1, 2))
    rounds = [{one.setting: 48.0, two.setting: 97.0}, {one.setting: 49.0, two.setting: 98.0}]
    assert columns(rounds, [two, one]) == [[97.0, 48.0], [98.0, 49.0]]
    assert columns(rounds, [one]) == [[50.0]]  # it was far ahead: nothing of it was measured again


@pytest.mark.parametrize(
    ("is_held", "is_complete", "is_busy", "outcome"),
    [
        (True, True, False, Outcome.HELD),
        (True, True, True, Outcome.HELD),
        (True, False, False, Outcome.NOT_JUDGED),
        (False, True, False, Outcome.NOT_HELD),
        (False, False, False, Outcome.NOT_HELD),
        (False, True, True, Outcome.NOT_JUDGED),
    ],
)
def test_missed_bound_counts_on_an_idle_machine_only(
    is_held: bool, is_complete: bool, is_busy: bool, outcome: Outcome
) -> None:
    assert judged(is_held=is_held, is_complete=is_complete, is_busy=is_busy) == outcome


def law(in_flight: float, *, window: float) -> Figures:
    """10 requests a second of 1 s each, so 10 in flight by Little's law."""
    return Figures(
        throughput=10.0,
        requests=100,
        duration=10.0,
        in_flight=in_flight,
        rate_times_latency=10.0,
        shortest_window=window,
    )


def test_largest_residual_of_littles_law_is_that_of_the_levels_that_can_be_checked() -> None:
    """A window of 5 s explains a residual of 10 %, one of 100 s does not."""
    sound, short, broken = law(10.1, window=100), law(9.0, window=5), law(8.0, window=100)
    levels = [plain_level(figures) for figures in (sound, short, short)]
    figure = law_figure(levels)
    assert figure.is_held
    assert figure.median == pytest.approx(0.1 / 10.1)
    assert "1 level checked, 2 with a window too short for a check" in figure.detail
    assert not law_figure([*levels, plain_level(broken)]).is_held
    with pytest.raises(NotMeasuredError, match="checked at no level"):
        law_figure([plain_level(short)])


def test_command_refuses_a_suite_there_is_not() -> None:
    command = [sys.executable, "-m", "bench", "speed"]
    outcome = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert outcome.returncode == 2
    assert "unknown suite speed; there are host, connections," in outcome.stderr
