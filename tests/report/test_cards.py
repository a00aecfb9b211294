"""The spread of a figure in words."""

import pytest

from functune.analysis.numbers.repeats import Spread
from functune.analysis.verdict.standings import Figure
from functune.formatting import duration
from functune.report.sections.cards import throughput_spread, with_ends


def spread(low: float, high: float, *, repeats: int = 2) -> Spread:
    return Spread(low=low, high=high, repeats=repeats)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (None, "measured once"),
        (spread(605, 618), "range 605 to 618, 2 repeats"),
        (spread(605, 618, repeats=5), "95 % interval 605 to 618, 5 repeats"),
        (spread(621.1, 621.4), "the same in 2 repeats"),
    ],
)
def test_throughput_has_its_spread_in_words(found: Spread | None, said: str) -> None:
    assert throughput_spread(found) == said


def test_ends_that_read_alike_are_left_out() -> None:
    assert with_ends(Figure(value=0.13, spread=spread(0.126, 0.133)), duration) == "130 ms (126 ms to 133 ms)"
    assert with_ends(Figure(value=0.13, spread=spread(0.1301, 0.1302)), duration) == "130 ms"
    assert with_ends(Figure(value=0.13, spread=None), duration) == "130 ms"
