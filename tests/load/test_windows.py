"""From the requests of a step to its measurement, on closed loops simulated to the microsecond."""

import heapq
import random
from collections.abc import Callable
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functune.errors import LoadError
from functune.experiments.subject import Subject
from functune.load import windows
from functune.load.records import Request, StepEnd
from functune.run.measurement import Measurement
from functune.setting import Setting
from functune.timing.header import ReportedCall


def closed_loop(
    users: int, threads: int, service: Callable[[], float], *, warm_up: float, seconds: float
) -> tuple[StepEnd, list[Request]]:
    """What a step records when the users share one queue before that many threads, each without think time."""
    closed = warm_up + seconds
    free = [0.0] * threads
    queue = [(0.0, user) for user in range(users)]
    requests, unfinished = [], []
    while queue:
        began, user = heapq.heappop(queue)
        ended = max(began, heapq.heappop(free)) + service()
        heapq.heappush(free, ended)
        if ended > closed:
            unfinished.append(began)
        else:
            requests.append(Request(began, ended, None))
            heapq.heappush(queue, (ended, user))
    return StepEnd(users, 0.0, warm_up, closed, tuple(unfinished), 0.1), requests


def measured(step: StepEnd, requests: list[Request]) -> Measurement:
    return windows.measure(step, requests, windows.Place("e", 0, Subject(route="/r"), Setting()))


def littles_residual(measurement: Measurement) -> float:
    """|N - X R| / N."""
    latency = fmean(measurement.latencies_us) / 1e6
    return abs(measurement.concurrency - measurement.throughput * latency) / measurement.concurrency


@given(
    users=st.integers(1, 80),
    threads=st.integers(1, 80),
    service=st.floats(0.01, 0.2),
    spread=st.floats(0, 0.02),
    late=st.floats(0, 0.3),
    seed=st.integers(0, 2**32),
)
def test_window_counts_bursts_whole(
    users: int, threads: int, service: float, spread: float, late: float, seed: int
) -> None:
    """Wherever in a burst the nominal edges fall, the throughput is threads / service time."""
    noise = random.Random(seed)

    def time() -> float:
        return service * (1 + spread * noise.random())

    first_round = users / min(users, threads) * service  # the least warm-up, see LoadPlan.settle_limit
    step, requests = closed_loop(users, threads, time, warm_up=2 * first_round + late, seconds=2)
    measurement = measured(step, requests)

    expected = min(users, threads) / (service * (1 + spread / 2))
    assert measurement.throughput == pytest.approx(expected, rel=0.02)
    assert littles_residual(measurement) < 0.03
    assert measurement.concurrency == pytest.approx(users, rel=1e-6)
    assert 1 <= measurement.duration <= 2


def test_window_is_harmless_on_smooth_flow() -> None:
    """Random service times: the moved edges misstate throughput by less than a quarter of the random scatter."""
    noise = random.Random(1)
    steps = [closed_loop(32, 8, lambda: noise.expovariate(1 / 0.02), warm_up=1, seconds=2) for _ in range(60)]
    moved = [measured(*step).throughput / (8 / 0.02) for step in steps]
    scatter = 1 / (8 / 0.02 * 2) ** 0.5

    assert abs(fmean(moved) - 1) < scatter / 4


def test_window_opens_and_closes_before_longest_pause() -> None:
    ends = [0.1, 0.2, 0.5, 0.6, 3.3, 3.4, 3.9]
    assert windows.window(0.0, 4.0, ends) == (0.6, 3.4)


def test_window_keeps_edges_that_lie_in_a_pause() -> None:
    assert windows.window(0.0, 4.0, [1.5, 2.5]) == (0.0, 4.0)


def test_window_with_one_completion_is_not_empty() -> None:
    """The only completion would open the window and so fall out of it."""
    assert windows.window(0.0, 4.0, [0.5]) == (0.0, 4.0)


@given(st.lists(st.floats(0, 4, exclude_min=True), min_size=1).map(sorted))
def test_window_is_never_empty(ends: list[float]) -> None:
    opened, closed = windows.window(0.0, 4.0, ends)
    assert 0 <= opened < closed <= 4
    assert any(opened < end <= closed for end in ends)


def test_concurrency_counts_the_part_inside() -> None:
    """A request before, across, inside and after the window's edges, and one that never ended."""
    requests = [Request(0, 1, None), Request(0.5, 1.5, None), Request(1.25, 1.5, None), Request(1.75, 4, None)]
    inside = 0.5 + 0.25 + 0.25 + 0.125
    assert windows.concurrency(requests, [1.875, 3.0], opened=1.0, closed=2.0) == inside


def test_measurement_separates_successes_failures_and_workers() -> None:
    requests = [
        Request(1.0, 1.1, None, ReportedCall(7, 70, 2, "def", 3_000, 90_000, 1_500)),
        Request(1.1, 1.3, None, ReportedCall(7, 71, 1, "def", 2_000, 91_000)),
        Request(1.2, 1.5, "HTTP 500", ReportedCall(8, 80, 4, "def", 1_000, 92_000, 4, 3, 2)),
        Request(1.6, 1.9, "TimeoutError"),
    ]
    measurement = measured(StepEnd(4, 0.0, 1.0, 2.0, (), 0.1, 1.5, 0.2), requests)

    # From 1.1, before the longest pause of the first quarter, to 1.9.
    assert measurement.latencies_us == [200_000]
    assert sorted(measurement.error_latencies_us) == [300_000, 300_000]
    assert measurement.errors == {"HTTP 500": 1, "TimeoutError": 1}
    assert measurement.handler == "def"
    assert measurement.worker_requests == {"7": 1, "8": 1}
    assert measurement.worker_peak_in_flight == {"7": 1, "8": 4}
    assert measurement.worker_threads == {"7": 1, "8": 1}
    assert measurement.wait_times_us == [2_000, 1_000]
    assert measurement.service_times_us == [91_000, 92_000]
    assert (measurement.cpu_times_us, measurement.loop_times_us, measurement.hold_times_us) == ([4], [3], [2])
    assert (measurement.generator_cpu, measurement.host_cpu, measurement.other_cpu) == (0.1, 1.5, 0.2)
    assert measurement.warm_up == pytest.approx(1.1)


def test_step_without_completion_is_an_error() -> None:
    step = StepEnd(16, 0.0, 1.0, 4.0, (0.5, 0.5), 0.1)
    with pytest.raises(LoadError, match=r"/r at T=unset P=1, 16 users: .* no request ended and 2 were in flight"):
        measured(step, [Request(0.1, 0.9, None)])


def test_step_without_answer_names_the_failure() -> None:
    step = StepEnd(16, 0.0, 1.0, 4.0, (), 0.1)
    refused = [Request(at, at + 0.01, "ConnectionRefusedError") for at in (1.8, 2.0, 2.5)]
    with pytest.raises(LoadError, match="none of 3 requests was answered, most failed with ConnectionRefusedError"):
        measured(step, refused)


def test_step_of_failing_answers_is_measured() -> None:
    step = StepEnd(2, 0.0, 1.0, 4.0, (), 0.1)
    measurement = measured(step, [Request(1.5, 2.5, "HTTP 500"), Request(2.5, 3.5, "HTTP 500")])
    assert (measurement.throughput, measurement.error_ratio) == (0.0, 1.0)


def test_longest_pause_counts_from_edge_to_edge() -> None:
    assert windows.longest_pause(0.0, 10.0, [4.0, 1.0, 9.5]) == 5.5
    assert windows.longest_pause(0.0, 10.0, [6.0, 7.0]) == 6.0
    assert windows.longest_pause(0.0, 10.0, [1.0, 2.0]) == 8.0
