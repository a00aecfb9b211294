"""The costs in the documents are those of the price list."""

import re
from pathlib import Path

import msgspec
import pytest

from functune.capacity.assumptions import ROWS
from functune.capacity.assumptions_page import ASSUMPTIONS, assumptions_table
from functune.capacity.bills import ReplicaUse, replicas_bill
from functune.capacity.cost_page import (
    COSTS,
    INFRA,
    PREMIUM_LEAST,
    PREMIUM_MOST,
    PREMIUM_SIZE,
    cost_text,
    full_use,
    scale_of_file,
)
from functune.plans.price_list import ContainerAppsPrices, shipped_prices
from functune.shapes import CONTAINER_APPS_SIZES

ROOT = Path(__file__).parents[2]
DEPLOY = (ROOT / COSTS.page).read_text(encoding="utf-8")
CONTAINER_APPS = (ROOT / "docs" / "container-apps.md").read_text(encoding="utf-8")
APP_SERVICE = (ROOT / "docs" / "app-service.md").read_text(encoding="utf-8")
PRICES = shipped_prices()


def test_deploy_page_has_the_costs_of_the_price_list() -> None:
    filled = COSTS.filled(DEPLOY, "\n".join(cost_text(ROOT / INFRA)))
    assert filled == DEPLOY, f"{COSTS.page} is out of date: run make docs"


@pytest.mark.parametrize(
    ("name", "running", "calls"),
    [
        ("small", 40 * 0.5 * 3600 * 0.000026, 40 * 4 * 10 * 3600 * 0.4e-6),
        ("medium", 40 * 2 * 3600 * 0.000026, 40 * 16 * 10 * 3600 * 0.4e-6),
        ("large", 100 * 4 * 3600 * 0.000026 + 4 * 3600 * 0.00002, 101 * 32 * 10 * 3600 * 0.4e-6),
    ],
)
def test_bound_of_a_parameter_file_has_the_calls_in_it(name: str, running: float, calls: float) -> None:
    row = next(line for line in DEPLOY.splitlines() if line.startswith(f"| with `{name}`"))
    amounts = [float(cell.replace(",", "")) for cell in re.findall(r"\| ([\d,.]+)(?= \|)", row)]
    assert amounts == [pytest.approx(each, abs=0.006) for each in (running, calls, running + calls)]


def test_full_use_is_what_the_parameter_file_allows() -> None:
    scale = scale_of_file("large", ROOT / INFRA)
    use = full_use(scale)
    assert (use.executing, use.ready, use.memory_mb) == (100, 1, 4096)
    assert use.rate == pytest.approx(100 * 32 / 0.1)


def test_premium_of_the_page_is_the_default_of_the_template() -> None:
    template = (ROOT / INFRA / "premium.bicep").read_text(encoding="utf-8")
    defaults = dict(re.findall(r"^param (\w+) \w+ = '?(\w+)'?$", template, re.MULTILINE))
    assert defaults["planSku"] == PREMIUM_SIZE
    assert (defaults["minimumInstanceCount"], defaults["maximumInstanceCount"]) == (
        str(PREMIUM_LEAST),
        str(PREMIUM_MOST),
    )


def test_app_service_page_has_the_prices_of_the_list() -> None:
    rows = re.findall(r"^\| `(\w+)` \| \d, [\d.]+ GB \| ([\d.]+) \|", APP_SERVICE, re.MULTILINE)
    assert {size: float(price) for size, price in rows} == PRICES.app_service.month


def test_container_apps_page_has_the_costs_of_the_price_list() -> None:
    prices, size = PRICES.container_apps, CONTAINER_APPS_SIZES["0.5"]
    active, idle = (
        replicas_bill(use, size, without_grant(), hours=720).total
        for use in (ReplicaUse(active=1, idle=0, rate=0), ReplicaUse(active=0, idle=1, rate=0))
    )
    ten = 10 * replicas_bill(ReplicaUse(active=1, idle=0, rate=0), size, without_grant(), hours=1).total
    for said in (
        f"{prices.vcpu_second:.6f} per core-second, {prices.gib_second:.6f} per GiB-second",
        f"= {active:.2f} |",
        f"about {prices.idle_vcpu_second:.6f} per core-second",
        f"0.5 cores and 1 Gi for 30 days: {idle:.2f} |",
        f"{prices.million_requests:.2f} per million",
        f"{prices.free_vcpu_seconds:,.0f} core-seconds, {prices.free_gib_seconds:,.0f} GiB-seconds",
        f"10 busy replicas with 0.5 cores and 1 Gi cost {ten:.2f} an hour",
    ):
        assert said in CONTAINER_APPS


def without_grant() -> ContainerAppsPrices:
    """The prices of Container Apps with nothing free."""
    return msgspec.structs.replace(PRICES.container_apps, free_vcpu_seconds=0, free_gib_seconds=0, free_requests=0)


def test_capacity_page_lists_every_assumption() -> None:
    page = (ROOT / ASSUMPTIONS.page).read_text(encoding="utf-8")
    assert ASSUMPTIONS.filled(page, assumptions_table()) == page, f"{ASSUMPTIONS.page} is out of date: run make docs"
    assert [row.name for row in ROWS if f"| `{row.name}` |" not in page] == []


def test_no_page_has_an_amount_of_its_own_for_the_prices_of_the_list() -> None:
    """The amounts of docs/deploy.md outside of the block that is generated."""
    outside = re.sub(r"<!-- costs.*?<!-- end of costs -->", "", DEPLOY, flags=re.DOTALL)
    # Versions, such as Python 3.10 and az 2.76, are no amounts.
    assert re.findall(r"(?<!az )(?<!Python from )\b\d+\.\d\d\b(?! *(?:s|cores?))", outside) == []
