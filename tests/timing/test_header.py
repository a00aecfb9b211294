"""The headers that report a call: written by the host, read by the load generator."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functune.timing.calls import CallTimes
from functune.timing.header import ReportedCall, parse, server_timing, worker_value

SECONDS = st.integers(0, 10**9).map(lambda microseconds: microseconds / 1e6)
NUMBERS = st.integers(0, 2**31)
DEF = "12;thread=14;calls=3;kind=def"


@st.composite
def call_times(draw: st.DrawFn) -> CallTimes:
    is_async = draw(st.booleans())
    loop, hold = (draw(SECONDS), draw(SECONDS)) if is_async else (None, None)
    return CallTimes(
        draw(SECONDS), draw(SECONDS), draw(SECONDS), loop, hold, draw(NUMBERS), draw(NUMBERS), draw(NUMBERS)
    )


def microseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1e6)


OWN = st.sampled_from(["db;dur=3", "cpu;dur=9", 'a;desc="x, loop;dur=1, y"', "hold;dur=7"])


@given(call_times(), SECONDS, st.lists(OWN, max_size=2))
def test_report_comes_back_as_it_was_written(times: CallTimes, wait: float, before: list[str]) -> None:
    """Times of the same names that the app reports itself do not count."""
    value = ", ".join([*before, server_timing(times, wait=wait).decode()])
    assert parse(worker_value(times).decode(), value) == ReportedCall(
        times.pid,
        times.thread,
        times.calls,
        "def" if times.loop is None else "async",
        microseconds(wait),
        *(microseconds(each) for each in times[1:5]),
    )


def test_headers_are_as_documented() -> None:
    times = CallTimes(100.0, 0.0513, 0.0009, 0.001, 0.0008, 4121, 4127, 3)
    assert worker_value(times) == b"4121;thread=4127;calls=3;kind=async"
    assert (
        server_timing(times, wait=0.000412)
        == b"wait;dur=0.412, service;dur=51.300, cpu;dur=0.900, loop;dur=1.000, hold;dur=0.800"
    )


@pytest.mark.parametrize("worker", [None, "", "web-7", "12", "12;thread=x;calls=1;kind=def", DEF + ";more", "9" * 16])
def test_times_do_not_count_without_a_worker(worker: str | None) -> None:
    assert parse(worker, "wait;dur=1, service;dur=2, cpu;dur=3") is None


@pytest.mark.parametrize("timing", [None, "", "service", "service;dur=", "service;dur=-1", "service;dur=1e9", "cache"])
def test_time_that_is_not_well_formed_is_unknown(timing: str | None) -> None:
    assert parse(DEF, timing) == ReportedCall(12, 14, 3, "def")
