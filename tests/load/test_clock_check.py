"""How far a clock is off, by round trips of a message."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functune.load.clock_check import ClockCheck, RoundTrip, clock_check, during_step

delays = st.floats(0.0, 0.5)


@given(st.floats(-100, 100), st.lists(st.tuples(delays, delays), min_size=1, max_size=12))
def test_offset_is_within_its_bound_however_the_two_ways_differ(offset: float, ways: list[tuple[float, float]]) -> None:
    """A message takes ``out`` there and ``back`` back; the other clock is ahead by ``offset``."""
    trips = [
        RoundTrip(sent=at, at=at + out + offset, received=at + out + back)
        for at, (out, back) in enumerate(ways, start=1_000)
    ]
    found = clock_check(trips)
    assert abs(found.offset - offset) <= found.bound + 1e-9
    assert found.bound == pytest.approx(min(out + back for out, back in ways) / 2, abs=1e-9)


def test_step_takes_the_tighter_of_two_checks_that_agree() -> None:
    idle, busy = ClockCheck(2.0, 0.001), ClockCheck(2.004, 0.01)
    assert during_step(idle, busy) == during_step(busy, idle) == idle


def test_bound_grows_when_a_clock_was_set_in_the_step() -> None:
    """It was ahead by 2 s, and by 2.5 s afterwards: neither is the offset of the whole step."""
    found = during_step(ClockCheck(2.0, 0.001), ClockCheck(2.5, 0.001))
    assert abs(found.offset - 2.5) <= found.bound + 1e-9
    assert abs(found.offset - 2.0) <= found.bound + 1e-9
