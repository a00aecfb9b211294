"""Repeats in one."""

import msgspec
import pytest

from functune.analysis.pooling import by_step, pooled
from tests.analysis.simulated import step


def test_pooled_step_holds_every_request_and_the_time_average() -> None:
    first = msgspec.structs.replace(step(users=1, duration=2.0), host_cpu=0.5, worker_rss_mb={"1": 40.0})
    second = msgspec.structs.replace(step(users=1, duration=6.0), repeat=1, host_cpu=0.1, worker_rss_mb={"1": 50.0})
    both = pooled([first, second])
    assert both.duration == 8.0
    assert both.latencies_us == first.latencies_us + second.latencies_us
    assert both.throughput == pytest.approx((2 * first.throughput + 6 * second.throughput) / 8)
    assert both.concurrency == pytest.approx((2 * first.concurrency + 6 * second.concurrency) / 8)
    assert both.host_cpu == pytest.approx(0.2)
    assert both.worker_requests == {"4242": len(both.latencies_us)}
    assert both.worker_rss_mb == {"1": 50.0}


def test_pooled_step_does_not_know_what_one_repeat_did_not() -> None:
    assert pooled([step(), msgspec.structs.replace(step(), host_cpu=None)]).host_cpu is None


def test_one_repeat_is_the_step() -> None:
    assert pooled([step()]) == step()


def test_steps_are_told_apart_and_repeats_are_not() -> None:
    again = msgspec.structs.replace(step(), repeat=1, trial=7)
    confirmed = msgspec.structs.replace(step(), phase="confirm")
    arrivals = msgspec.structs.replace(step(), phase="arrivals", arrival_rate=5.0)
    beside = msgspec.structs.replace(step(), background="/b", background_users=1)
    groups = by_step([step(), step(users=2), again, confirmed, arrivals, beside])
    assert [len(group) for group in groups.values()] == [3, 1, 1, 1]
