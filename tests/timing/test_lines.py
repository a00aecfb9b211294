"""The exact line and the kind of its wait, for faults as they stand in application code, up to two modules deep."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from functune.sweep.profile_lines import WorkerSamples
from functune.timing.asking import TIMES_ASKED
from tests.host.serving import wait_until
from tests.timing.sampled import SHOP, SampledHost, calling, marked_line, sampled_host


class Truth(NamedTuple):
    """The known limit of a route."""

    route: str
    kind: str
    waits_in: str | None
    on_loop: bool = False
    users: int = 16


TRUTHS = [
    Truth("blocking-request", "network", "socket.recv_into", on_loop=True),
    Truth("blocking-sleep", "sleep", "time.sleep", on_loop=True),
    Truth("lock", "lock", "Lock.acquire"),
    Truth("async-lock", "lock", "asyncio.Lock.acquire"),
    Truth("file-lock", "file lock", "fcntl.flock"),
    Truth("connection-pool", "pool", "Queue.get"),
    Truth("thread-semaphore", "pool", "Semaphore.acquire"),
    Truth("condition-pool", "pool", "Condition.wait"),
    Truth("semaphore", "pool", "asyncio.Semaphore.acquire"),
    Truth("gathered", "pool", "asyncio.Semaphore.acquire"),
    Truth("to-thread", "executor", "a free thread of the executor"),
    Truth("library-in-thread", "sleep", "time.sleep", users=2),
    Truth("network", "network", "socket.recv_into", users=4),
    Truth("sleep", "sleep", "time.sleep", users=4),
    Truth("stream", "sleep", "asyncio.sleep", users=4),
    Truth("grouped", "sleep", "asyncio.sleep", users=4),
    Truth("own-loop", "sleep", "asyncio.sleep", users=4),
    Truth("python-cpu", "cpu", None, users=4),
    Truth("builtin-cpu", "cpu", None, users=4),
    Truth("loop-cpu", "cpu", None, on_loop=True, users=4),
    Truth("hashing", "cpu", None, users=4),
    Truth("child-process", "other", "subprocess", users=2),
]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SampledHost]:
    with sampled_host(SHOP, tmp_path_factory.mktemp("profile")) as host:
        yield host


@pytest.fixture(scope="module")
def shop_of_one_thread(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SampledHost]:
    with sampled_host(SHOP, tmp_path_factory.mktemp("one"), threads=1) as host:
        yield host


@pytest.mark.parametrize("truth", TRUTHS, ids=lambda truth: truth.route)
def test_line_with_the_most_time_is_the_fault(shop: SampledHost, truth: Truth) -> None:
    line = shop.lines(f"/api/{truth.route}", users=truth.users)[0]
    assert f"{line.file}:{line.line}" == marked_line(SHOP, truth.route)
    assert (line.kind, line.waits_in, line.on_loop) == (truth.kind, truth.waits_in, truth.on_loop)
    assert line.state == ("running" if truth.kind == "cpu" else "waiting")


def test_stack_leads_from_the_route_to_the_wait(shop: SampledHost) -> None:
    stack = shop.lines("/api/connection-pool", users=8)[0].stack
    assert [frame.partition(" ")[0] for frame in stack] == [
        *("connection_pool", "Repository.load", "Repository._connection", "Queue.get", "Condition.wait")
    ]


def test_handlers_without_code_that_takes_time_have_no_line_of_weight(shop: SampledHost) -> None:
    period = shop.period("/api/noop", users=4)
    assert sum(line.seconds for line in period.lines()) < 0.4 * period.sampled


def test_thread_of_the_app_that_serves_no_call_is_no_line(shop: SampledHost) -> None:
    """The app polls in a thread of its own, and its stand-in for a partner sleeps in others."""
    lines = shop.lines("/api/network", users=4)
    assert {line.file for line in lines if line.state == "waiting"} == {"shop/waiting.py"}


def test_seconds_are_those_of_the_calls(shop: SampledHost) -> None:
    """A handler that does nothing but sleep has as many calls at that line as its answers report."""
    period, service = shop.period_and_service("/api/sleep", users=8, seconds=1.0, headers={TIMES_ASKED: "1"})
    calls = service / (period.ended - period.began)
    assert calls > 1
    assert period.lines()[0].seconds / period.sampled == pytest.approx(calls, rel=0.15)


def cpu_of_process_and_line(samples: WorkerSamples) -> tuple[float, float]:
    """CPU seconds of a process, and those at the line that computes."""
    used = sum(cpu for _, cpu, _ in samples.process.values())
    return used, sum(cpu for row in samples.rows for _, cpu, _ in row.slices.values() if row.function == "total")


def test_cpu_time_is_that_of_the_thread(shop_of_one_thread: SampledHost) -> None:
    """One call at a time computes, in the only thread: the line has most of the CPU time of the process."""
    [samples] = shop_of_one_thread.period("/api/python-cpu", users=1, seconds=0.8).samples
    used, at_line = cpu_of_process_and_line(samples)
    assert 0.4 * used < at_line <= 1.05 * used  # on a busy machine the rest of the worker has a larger share


def test_cpu_time_before_a_period_does_not_count(shop_of_one_thread: SampledHost) -> None:
    host = shop_of_one_thread
    host.period("/api/python-cpu", users=1, seconds=0.2)
    with calling(host.serving.url, "/api/python-cpu", users=1) as answers:
        wait_until(lambda: len(answers) > 60, "many calls between the periods")
    [samples] = host.period("/api/python-cpu", users=1, seconds=0.2).samples
    used, at_line = cpu_of_process_and_line(samples)
    assert at_line <= 1.05 * used
