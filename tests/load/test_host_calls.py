"""The average of open calls between two readings of the host's totals."""

import pytest

from functune.load.host_calls import HostCalls, WorkerCalls, open_calls, read_host_calls


def reading(at: float, **open_seconds: float) -> HostCalls:
    return HostCalls(1, at, {pid: WorkerCalls(9, 8, seconds, 0.0) for pid, seconds in open_seconds.items()})


def test_open_calls_are_summed_over_the_workers() -> None:
    assert open_calls(reading(10.0, a=5.0, b=1.0), reading(12.0, a=9.0, b=2.0)) == pytest.approx(2.5)


def test_open_calls_are_unknown_when_a_worker_was_replaced_or_nothing_was_read() -> None:
    assert open_calls(reading(10.0, a=5.0), reading(12.0, b=9.0)) is None
    assert open_calls(None, reading(12.0, a=9.0)) is None
    assert open_calls(reading(10.0), None) is None
    assert open_calls(reading(10.0), reading(12.0)) is None


def test_host_that_does_not_answer_has_no_totals() -> None:
    assert read_host_calls("http://127.0.0.1:1") is None
