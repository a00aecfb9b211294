"""All repeats of a step as one level."""

import msgspec
import pytest

from functune.analysis.numbers.figures import figures_of
from functune.analysis.numbers.levels import levels_of, paired_ratio
from functune.plans.billing import busy_cost
from functune.plans.registry import price_for
from functune.setting import Setting
from tests.analysis.simulated import arrivals, level, step


def test_figures_hold_every_request_and_the_time_average() -> None:
    first = msgspec.structs.replace(step(users=1, duration=2.0), host_cpu=0.5, worker_rss_mb={"1": 40.0})
    second = msgspec.structs.replace(step(users=1, duration=6.0), repeat=1, host_cpu=0.1, worker_rss_mb={"1": 50.0})
    both = figures_of([first, second])
    assert both.duration == 8.0
    assert both.requests == len(first.latencies_us) + len(second.latencies_us)
    assert both.throughput == pytest.approx((2 * first.throughput + 6 * second.throughput) / 8)
    assert both.in_flight == pytest.approx((2 * first.concurrency + 6 * second.concurrency) / 8)
    assert both.host_cpu == pytest.approx(0.2)
    assert both.shortest_window == 2.0


def test_figures_of_repeats_are_those_of_all_their_requests() -> None:
    steps = [
        msgspec.structs.replace(
            step(), latencies_us=[time] * 50, error_latencies_us=[1] * failed, errors={"HTTP 500": failed}, duration=2.0
        )
        for time, failed in ((100_000, 25), (300_000, 0))
    ]
    found = figures_of(steps)
    assert found.throughput == 25
    assert found.error_ratio == pytest.approx(0.2)
    assert found.errors == {"HTTP 500": 25}
    assert (found.p50, found.p95, found.p99) == (0.1, 0.3, None)
    with pytest.raises(ValueError, match="one measurement or more"):
        figures_of([])


def test_memory_of_repeats_with_other_processes_is_not_added_up() -> None:
    """Each repeat starts a host of its own, so its processes have pids of their own."""
    first = msgspec.structs.replace(step(), worker_rss_mb={"1": 60.0, "2": 40.0})
    second = msgspec.structs.replace(step(), repeat=1, worker_rss_mb={"3": 62.0, "4": 45.0})
    assert figures_of([first, second]).host_memory_mb == 107.0


def test_figure_is_unknown_where_one_repeat_does_not_know_it() -> None:
    assert figures_of([step(), msgspec.structs.replace(step(), host_cpu=None)]).host_cpu is None


def test_one_repeat_is_the_level() -> None:
    found = level(step())
    assert [each.figures for each in found.repeats] == [found.figures]
    assert found.spread is None


def test_steps_are_kept_apart_and_repeats_are_not() -> None:
    again = msgspec.structs.replace(step(), repeat=1, trial=7)
    confirmed = msgspec.structs.replace(step(), phase="confirm")
    opened = arrivals(5.0, share=0.5)
    with_background = step(background="/b", background_users=1)
    found = levels_of([step(), step(users=2), again, confirmed, opened, with_background])
    assert [len(each.repeats) for each in found] == [3, 1, 1, 1]
    assert [each.share for each in found] == [None, None, 0.5, None]


def test_arrivals_of_one_share_are_one_level_whatever_their_rate() -> None:
    """Each round may measure another capacity, so the rates at one share differ."""
    found = level(arrivals(20.0, share=0.5), arrivals(21.0, share=0.5, repeat=1))
    assert found.arrival_rate == 20.5
    assert len(found.repeats) == 2


def test_price_is_that_of_the_throughput_of_each_repeat() -> None:
    setting = Setting(thread_count=4)
    steps = [step(setting=setting, users=8, duration=30, repeat=repeat, noise=0.05) for repeat in range(2)]
    [found] = levels_of(steps, price=price_for(2048))
    assert found.figures.cost == pytest.approx(busy_cost(found.throughput, 2048).per_million)
    costs = [busy_cost(one.throughput, 2048).per_million for one in steps]
    assert found.cost_spread is not None
    assert (found.cost_spread.low, found.cost_spread.high) == pytest.approx((min(costs), max(costs)))


def test_void_repeats_do_not_count_unless_asked_for() -> None:
    busy = msgspec.structs.replace(step(), repeat=1, generator_cpu=0.95)
    found = level(step(), busy)
    assert [each.number for each in found.repeats] == [0]
    assert [each.repeat for each in found.void] == [1]
    assert found.figures.requests == len(step().latencies_us)
    [counted] = levels_of([step(), busy], count_void=True)
    assert (len(counted.repeats), counted.void) == (2, ())
    nothing = level(busy)
    assert (nothing.counts, nothing.throughput) == (False, pytest.approx(busy.throughput))


def test_ratio_the_other_way_round_spans_the_inverse() -> None:
    few, many = (
        level(*(step(setting=Setting(thread_count=count), users=64, repeat=each, noise=0.05) for each in range(6)))
        for count in (1, 16)
    )
    ratio, inverse = (
        paired_ratio(one, other, lambda figures: figures.throughput, seed=1)
        for one, other in ((few, many), (many, few))
    )
    assert ratio is not None
    assert inverse is not None
    assert (ratio.low, ratio.high) == pytest.approx((1 / inverse.high, 1 / inverse.low), rel=1e-9)
