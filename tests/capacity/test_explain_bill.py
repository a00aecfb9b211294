"""What the bill of Flex Consumption counts, in sentences and amounts."""

import pytest

from functune.capacity.app_curves import AppCurves
from functune.capacity.bills import flex_parts
from functune.capacity.configuration import Configuration
from functune.capacity.curve import InstanceCurve
from functune.capacity.explain import explain_instances
from functune.capacity.explain_bill import bill_reasons, ready_cells
from functune.capacity.forecast import Forecaster
from functune.capacity.traffic import steady
from functune.plans.price_list import shipped_prices
from tests.capacity.apps import computing, under, waiting
from tests.capacity.simulated_platform import serve

ONE = Configuration(plan="flex", size="2048", concurrency=1)
RATE = 2.0
PRICES = shipped_prices().flex


@pytest.mark.parametrize(
    ("curve", "said"),
    [
        (
            waiting(0.1),
            "100 ms alone is billed as 1.0 s, 10 of them one after another in an instance as 1.0 s together",
        ),
        (
            waiting(0.4),
            "400 ms alone is billed as 1.0 s, 10 of them one after another in an instance as 4.0 s together",
        ),
        (waiting(0.4), "10 at once in an instance as 1.0 s, and 10 at once with perInstanceConcurrency 1 as 10.0 s"),
        (computing(0.25), "10 at once in an instance as 2.5 s, and 10 at once with perInstanceConcurrency 1 as 10.0 s"),
    ],
    ids=["short in turn", "long in turn", "waits at once", "computes at once"],
)
def test_minimum_counts_for_an_instance_and_not_for_a_request(curve: InstanceCurve, said: str) -> None:
    found = Forecaster(under(steady(RATE)), None).forecast(ONE, AppCurves(widest=curve))
    assert said in " ".join(bill_reasons(ONE, curve, found, rate=RATE, prices=PRICES))


@pytest.mark.parametrize("concurrency", [1, 16])
def test_seconds_billed_for_a_request_are_those_of_the_simulated_platform(concurrency: int) -> None:
    configuration = Configuration(plan="flex", size="2048", concurrency=concurrency)
    found = Forecaster(under(steady(RATE)), None).forecast(configuration, AppCurves(widest=waiting(0.1)))
    seen = serve(RATE, 0.1, concurrency=concurrency, idle=30, requests=20_000)
    assert found.billed_seconds == pytest.approx(seen.billed / RATE, rel=0.05)


def test_plan_without_executions_bills_none() -> None:
    found = Forecaster(under(steady(RATE)), None).forecast(
        Configuration(plan="premium", size="EP1", least=1), AppCurves(widest=waiting(0.1))
    )
    assert found.billed_seconds is None


def test_always_ready_instances_have_the_parts_of_their_bill() -> None:
    present = Configuration(plan="flex", size="2048", concurrency=16, least=3)
    found = explain_instances(Forecaster(under(steady(RATE)), None), present, AppCurves(widest=waiting(0.1)))
    assert [each.configuration.least for each in found.by_always_ready] == [0, 1, 2, 3]
    month = 2 * 730 * 3600 * 0.000004
    for number, each in enumerate(found.by_always_ready):
        parts = flex_parts(each.bill)
        assert parts[0] == pytest.approx(number * month)
        assert sum(parts) == pytest.approx(each.month)
        assert ready_cells(each)[:2] == (str(number), f"{number * month:.2f}")
    assert any(f"costs {month:.2f} USD a month for being there" in sentence for sentence in found.bill_sentences)
