"""The costs of the tiers in the tutorial are those that the forecasts give."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from functune.capacity.forecast import Forecast
from functune.capacity.tier_page import EXAMPLE_TRAFFIC, TIERS, cheapest_of_tiers, tier_text
from functune.plans.price_list import HOURS_PER_MONTH, shipped_prices

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / TIERS.page).read_text(encoding="utf-8")
PRICES = shipped_prices()


def amounts(tier: str) -> list[float]:
    """The amounts in the row of a tier."""
    [row] = re.findall(rf"^\| {tier} \|(.*)\|$", PAGE, re.MULTILINE)
    return [float(amount.replace(",", "")) for amount in re.findall(r"(?:^|\|) ([\d,.]+)", row)]


@pytest.fixture(scope="module")
def months() -> list[Mapping[str, Forecast]]:
    """The cheapest of each tier, by traffic."""
    return [cheapest_of_tiers(traffic) for traffic in EXAMPLE_TRAFFIC]


def test_page_has_the_costs_of_the_forecasts(months: list[Mapping[str, Forecast]]) -> None:
    assert TIERS.filled(PAGE, "\n".join(tier_text(months))) == PAGE, f"{TIERS.page} is out of date: run make docs"


@pytest.mark.parametrize("size", PRICES.app_service.month)
def test_app_service_costs_whole_instances_whatever_arrives(size: str) -> None:
    counts = [amount / PRICES.app_service.month[size] for amount in amounts(f"App Service {size}")]
    assert len(counts) == len(EXAMPLE_TRAFFIC)
    assert counts == [pytest.approx(max(1, round(count)), rel=0.001) for count in counts]


def test_flex_costs_less_than_an_instance_that_never_rests() -> None:
    busy = 0.5 * HOURS_PER_MONTH * 3600 * PRICES.flex.gb_second + HOURS_PER_MONTH * 3600e-6 * 0.4
    assert 0 < amounts("Flex Consumption 512 MB")[0] < busy


def test_every_tier_shown_meets_the_objective(months: list[Mapping[str, Forecast]]) -> None:
    for found in months:
        assert len(found) > 5
        assert all(forecast.keeps_up and forecast.p95 < 0.5 for forecast in found.values())
