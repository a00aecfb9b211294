"""Bills of a month, and of the hour of Microsoft's example."""

import msgspec
import pytest

from functune.capacity.bills import FlexUse, ReplicaUse, flex_bill, instances_bill, replicas_bill
from functune.errors import UsageError
from functune.plans.price_list import changed_prices, shipped_prices
from functune.shapes import CONTAINER_APPS_SIZES

PRICES = shipped_prices()


@pytest.mark.parametrize(("instances", "hourly"), [(10, "1.93"), (1, "0.245")])
def test_bill_is_that_of_the_published_example_to_the_cent(instances: int, hourly: str) -> None:
    """40 requests/s on instances of 2 GB that always execute: ten with one request each, or one with all ten."""
    use = FlexUse(memory_mb=2048, executing=instances, rate=40)
    bill = flex_bill(use, PRICES.flex, hours=1, with_grant=False)
    assert f"{bill.total:.{len(hourly.split('.')[1])}f}" == hourly


def test_free_grant_is_for_on_demand_instances_alone() -> None:
    use = FlexUse(memory_mb=2048, executing=0.01, rate=0.09, ready=1, ready_executing=0.2, ready_rate=0.5)
    bill = flex_bill(use, PRICES.flex)
    assert bill.parts["executing"] == bill.parts["executions"] == 0
    assert bill.parts["always ready"] == pytest.approx(2 * 730 * 3600 * 0.000004)
    assert bill.parts["always ready, executing"] == pytest.approx(0.2 * 2 * 730 * 3600 * 0.000016)
    assert bill.parts["always ready, executions"] == pytest.approx(0.5 * 730 * 3600 * 0.4 / 1e6)
    assert bill.total == pytest.approx(sum(bill.parts.values()))


def test_grant_is_taken_off_once() -> None:
    use = FlexUse(memory_mb=512, executing=1, rate=1)
    difference = flex_bill(use, PRICES.flex, with_grant=False).total - flex_bill(use, PRICES.flex).total
    assert difference == pytest.approx(100_000 * 0.000026 + 0.25 * 0.40)


def test_free_grant_is_taken_off_a_month() -> None:
    def month_of(requests: int) -> float:
        """At 100/s an instance of 2 GB executes for a hundredth of a second for each: 20,000 GB-s for a million."""
        use = FlexUse(memory_mb=2048, executing=requests / 100 / 3600, rate=requests / 3600)
        return flex_bill(use, PRICES.flex, hours=1).total

    assert month_of(250_000) == 0
    assert month_of(1_000_000) == pytest.approx(0.75 * 0.40)
    assert month_of(10_000_000) == pytest.approx(100_000 * 0.000026 + 9.75 * 0.40)


def test_instances_cost_their_price_whatever_they_serve() -> None:
    assert instances_bill(2, "P1v3", PRICES.app_service).total == pytest.approx(226.30)
    assert instances_bill(1, "EP1", PRICES.premium, hours=1).total == pytest.approx(157.72 / 730)


def test_idle_replicas_cost_less_and_the_grant_goes_to_the_others_first() -> None:
    size = CONTAINER_APPS_SIZES["0.5"]
    month = 730 * 3600
    bill = replicas_bill(ReplicaUse(active=0.25, idle=0.75, rate=1), size, PRICES.container_apps)
    active, idle = 0.125 * month - 180_000, 0.375 * month
    assert bill.parts["cores"] == pytest.approx(active * 0.000024 + idle * 0.000003)
    assert bill.parts["memory"] == pytest.approx((month - 360_000) * 0.000003)
    assert bill.parts["requests"] == pytest.approx((month - 2e6) * 0.4 / 1e6)
    assert replicas_bill(ReplicaUse(active=0.01, idle=0, rate=0.1), size, PRICES.container_apps).total == 0


def test_prices_of_a_file_take_the_place_of_the_shipped_ones() -> None:
    found = changed_prices(
        '[flex]\ngb_second = 0.00003\nas_of = "2026-11"\n[premium.month]\nEP1 = 200', name="mine.toml"
    )
    assert (found.flex.gb_second, found.flex.as_of, found.premium.month["EP1"]) == (0.00003, "2026-11", 200)
    shipped = {name: getattr(PRICES.flex, name) for name in ("gb_second", "as_of", "source")}
    assert msgspec.structs.replace(found.flex, **shipped) == PRICES.flex
    assert found.premium.month["EP2"] == PRICES.premium.month["EP2"]


def test_source_of_changed_prices_names_the_file() -> None:
    found = changed_prices('[flex]\ngb_second = 0.00003\n[premium]\nsource = "our contract"', name="mine.toml")
    assert found.flex.source == f"{PRICES.flex.source}, changed by mine.toml"
    assert found.premium.source == "our contract"
    assert found.app_service == PRICES.app_service


def test_another_currency_is_that_of_every_plan() -> None:
    tables = "".join(f'[{plan}]\ncurrency = "EUR"\n' for plan in ("flex", "premium", "app-service", "container-apps"))
    assert changed_prices(tables, name="mine.toml").container_apps.currency == "EUR"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[flex]\ngb_seconds = 1", "gb_seconds"),
        ("[flex]\ngb_second = 'much'", "flex"),
        ("[flex]\ngb_second = -1", "flex.gb_second is -1: allowed are numbers from 0"),
        ("[flex]\ngb_second = nan", "flex.gb_second is nan: allowed are numbers from 0"),
        ("[premium.month]\nEP1 = inf", "premium.month.EP1 is inf: allowed are numbers from 0"),
        ("[premium.month]\nEP9 = 1", "premium.month has no size EP9: allowed are EP1, EP2, EP3"),
        ("[app-service.month]\np1v3 = 1", "app-service.month has no size p1v3: allowed are B1, S1, "),
        ("[flex]\ncurrency = 'EUR'", "the currencies differ (flex EUR, premium USD, "),
        ("flex = 1", "flex"),
        ("[flex", "mine.toml"),
    ],
)
def test_wrong_prices_are_refused_with_the_file_and_the_key(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=r"--prices mine.toml") as refused:
        changed_prices(text, name="mine.toml")
    assert said in str(refused.value)
