"""Forecasts for apps whose answer is known."""

import time

import msgspec
import numpy as np
import pytest

from functune.analysis.search.objective import parse_objective
from functune.capacity.app_curves import AppCurves
from functune.capacity.configuration import Configuration, parse_configuration
from functune.capacity.curve import InstanceCurve
from functune.capacity.forecast import Forecast, Forecaster
from functune.capacity.traffic import Traffic, bursts, daily, steady
from functune.errors import UsageError
from tests.capacity.apps import computing, under, waiting
from tests.capacity.simulated_platform import serve

MONTH = 730 * 3600


def forecast(text: str, traffic: Traffic, curve: InstanceCurve, objective: str = "", **changes: float) -> Forecast:
    """The forecast of a configuration, as --now takes it."""
    aim = parse_objective(objective) if objective else None
    return Forecaster(under(traffic, **changes), aim).forecast(parse_configuration(text), AppCurves(widest=curve))


def test_concurrency_divides_instances_and_bill_of_an_app_that_waits() -> None:
    one, sixteen = (forecast(f"flex:2048:{count}", steady(200), waiting()) for count in (1, 16))
    # 20 are in flight on average; instances stay for 30 s, and so does what chance needed within them.
    for found, concurrency in ((one, 1), (sixteen, 16)):
        seen = serve(200, 0.1, concurrency=concurrency, idle=30, requests=60_000)
        assert found.instances == pytest.approx(seen.instances, rel=0.05)
    assert one.bill["executions"] == pytest.approx(sixteen.bill["executions"])
    assert one.bill["executing"] > 8 * sixteen.bill["executing"]
    assert one.p95 == pytest.approx(sixteen.p95, rel=0.02) == pytest.approx(0.1, rel=0.02)


def test_instances_that_always_execute_cost_what_the_published_example_says() -> None:
    """40 requests/s of 0.25 s keep one instance busy all the time, where chance needs no second one."""
    found = forecast("flex:2048:64", steady(40), waiting(0.25))
    hourly = (found.bill["executing"] + 100_000 * 0.000026) / 730
    assert hourly == pytest.approx(0.1872, rel=0.01)


def test_computing_on_more_requests_at_a_time_saves_nothing_and_takes_longer() -> None:
    one, eight = (forecast(f"flex:2048:{count}", steady(100), computing()) for count in (1, 8))
    assert eight.p95 > 3 * one.p95
    assert eight.bill["executing"] == pytest.approx(one.bill["executing"], rel=0.45)


def test_rare_requests_find_no_instance_and_wait_for_a_start() -> None:
    found = forecast("flex:2048:16", steady(0.002), waiting(), cold_start_least=1, cold_start_most=4)
    assert found.cold_share == pytest.approx(np.exp(-0.002 * 30), rel=0.02)
    assert found.p95 == pytest.approx(4.1, rel=0.01)
    assert found.p95_shortest_start == pytest.approx(1.1, rel=0.01)
    assert found.starts == pytest.approx(0.002 * 86_400 * np.exp(-0.06), rel=0.02)
    assert found.cold_seconds == (pytest.approx(found.starts), pytest.approx(4 * found.starts))


def test_nothing_is_there_and_nothing_is_billed_while_nothing_comes() -> None:
    """An hour of 30 requests/s, and the same hour after eleven of rest."""
    busy = np.full(60, 30.0)
    alone, rested = (
        forecast(
            "flex:2048:1",
            Traffic(name="test", step=60, rates=rates),
            waiting(),
            cold_start_least=0.01,
            cold_start_most=0.01,
        )
        for rates in (busy, np.concatenate([np.zeros(11 * 60), busy]))
    )
    assert rested.instances == pytest.approx(alone.instances / 12, rel=0.02)
    assert rested.bill["executing"] + 2.6 == pytest.approx((alone.bill["executing"] + 2.6) / 12, rel=0.01)
    assert rested.p50 == alone.p50


def test_always_ready_instance_removes_those_starts_at_a_price() -> None:
    rare = steady(0.002)
    without, ready = (forecast(text, rare, waiting()) for text in ("flex:2048:16", "flex:2048:16:1"))
    assert ready.cold_share < 0.001
    assert ready.p95 == pytest.approx(0.1, rel=0.02)
    assert without.month == 0  # within the free grant
    assert ready.bill["always ready"] == pytest.approx(2 * MONTH * 0.000004)


def test_more_traffic_than_the_most_instances_serve_does_not_keep_up() -> None:
    few = forecast("flex:2048:1", steady(200), waiting(), "p95 < 1s", flex_most=10)
    assert not few.keeps_up
    assert few.meets is False
    assert few.peak_instances == 10
    assert few.p95 > 230
    assert forecast("flex:2048:1", steady(200), waiting(), "p95 < 1s").meets


def test_burst_waits_for_the_instances_to_start() -> None:
    burst = bursts(1, 400, 60, 3600)
    slow, quick = (
        forecast("flex:2048:4", burst, waiting(), cold_start_least=0.1, cold_start_most=start) for start in (8, 0.2)
    )
    assert slow.p95 > 1
    assert quick.p95 < 0.2 * slow.p95
    assert slow.peak_instances > 10


def test_instances_follow_the_day() -> None:
    forecaster = Forecaster(under(daily(100, 400)), None)
    course = forecaster.course(Configuration(plan="flex", size="2048", concurrency=4), AppCurves(widest=waiting()))
    assert len(course.hours) == 288
    highest = int(np.argmax(course.values))
    assert course.hours[highest] == pytest.approx(14, abs=0.5)
    assert max(course.values) > 5 * min(course.values)


def test_latency_of_fixed_instances_is_that_of_the_queue_and_one_more_shortens_it() -> None:
    """Computing for 50 ms at 16 requests/s fills one core to 0.8: processor sharing has a mean of 250 ms."""
    one, two, five = (forecast(f"app-service:S1:{count}", steady(16), computing()) for count in (1, 2, 5))
    assert one.month == pytest.approx(69.35)
    assert one.p50 > two.p50 > five.p50
    assert one.p95 > 0.5
    assert five.p95 == pytest.approx(0.05 * np.log(20) / (1 - 16 * 0.05 / 5), rel=0.1)  # exponential sizes, shared
    assert not forecast("app-service:S1:1", steady(25), computing()).keeps_up


def test_premium_adds_instances_at_the_peak_and_pays_them_by_the_hour() -> None:
    quiet, busy = (forecast("premium:EP1", daily(mean, 4 * mean), waiting(places=16)) for mean in (5, 100))
    assert quiet.month == pytest.approx(157.72)
    assert busy.peak_instances == np.ceil(400 / (0.7 * 160))
    assert 157.72 < busy.month < 157.72 * busy.peak_instances
    assert busy.cold_share == 0


def test_replicas_go_to_zero_where_nothing_comes_and_one_can_stay() -> None:
    rare = steady(0.001)
    zero, one = (forecast(text, rare, waiting()) for text in ("container-apps:0.5:0", "container-apps:0.5:1"))
    assert zero.cold_share == pytest.approx(np.exp(-0.3), rel=0.02)
    assert zero.instances == pytest.approx(1 - np.exp(-0.3), rel=0.02)
    assert one.cold_share == 0
    assert one.p95 < 0.2 < zero.p95
    # It serves for less than the free grant, and rests nearly all of the time.
    assert one.bill["cores"] == pytest.approx((0.5 * MONTH - 180_000) * 0.000003, rel=0.001)


def test_sizes_with_less_than_a_core_are_slower_and_cheaper_for_an_app_that_computes() -> None:
    small, large = (forecast(f"flex:{size}:1", steady(2), computing()) for size in ("512", "2048"))
    assert small.p50 == pytest.approx(4 * large.p50, rel=0.05)


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("flex:2048:16", "Flex Consumption 2048 MB, 16 at a time"),
        ("flex:512:1:2", "Flex Consumption 512 MB, 1 at a time, 2 always ready"),
        ("premium:EP1", "Premium EP1, 1 instance or more"),
        ("app-service:P1v3:3", "App Service P1v3, 3 instances"),
        ("container-apps:0.5", "Container Apps 0.5 cores, 0 replicas or more"),
    ],
)
def test_configurations_are_read_and_named(text: str, title: str) -> None:
    found = parse_configuration(text)
    assert found.title == title
    assert parse_configuration(str(found)) == found
    assert msgspec.json.decode(msgspec.json.encode(found), type=Configuration) == found


@pytest.mark.parametrize(
    "text",
    [
        *("", "flex", "flex:2048", "flex:1024:1", "flex:2048:0", "flex:2048:x", "flex:2048:1:2:3", "premium:EP9"),
        *("premium:EP1:0", "app-service:B1", "app-service:B1:0", "consumption:1", "container-apps:9"),
        *("flex:2048:²", "flex:2048:1:1001", "app-service:B1:4", "app-service:P1v3:1001", f"premium:EP1:{'9' * 5000}"),
    ],
)
def test_wrong_configuration_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(UsageError, match=r"allowed are"):
        parse_configuration(text)


def test_a_million_requests_a_second_take_no_longer_to_plan_than_a_hundred() -> None:
    """A day of requests is not simulated one by one. Each app is another, since the last simulations are kept."""

    def seconds(mean: float, response: float) -> float:
        started = time.process_time()
        found = forecast("flex:2048:64", daily(mean, 2 * mean), waiting(response), flex_most=1000)
        assert found.peak_instances > 0
        return time.process_time() - started

    seconds(1e6, 0.01)  # imports and memory
    # The least of some: programs that share the caches of a core only make one take longer.
    many = min(seconds(1e6, response) for response in (0.0101, 0.0102, 0.0103))
    few = min(seconds(100, response) for response in (0.0104, 0.0105, 0.0106))
    assert many < 5 * few
