import pytest

from functune.analysis.numbers.deviations import deviations_of
from functune.analysis.numbers.levels import levels_of
from tests.analysis.simulated import step


def test_deviations_are_around_the_mean_of_the_repeats() -> None:
    found = deviations_of(levels_of([step(repeat=repeat, users=8, noise=0.1) for repeat in range(3)]))
    assert [each.repeat.number for each in found] == [0, 1, 2]
    assert max(each.relative for each in found) > 0.01
    assert sum(each.relative for each in found) == pytest.approx(0, abs=1e-9)


def test_step_that_was_measured_once_has_no_deviation() -> None:
    assert deviations_of(levels_of([step()])) == []
