"""
The costs of each plan and tier in docs/tutorial/2-first-deployment.md, for an app whose calls are known.

    python -m functune.capacity.tier_page      write them; `make docs` does
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from functune.analysis.search.objective import parse_objective
from functune.capacity.app_curves import AppCurves
from functune.capacity.assumptions import assumptions
from functune.capacity.candidates import ISOLATED, candidates
from functune.capacity.configuration import PLANNED_SIZES
from functune.capacity.curve import InstanceCurve
from functune.capacity.day import Conditions
from functune.capacity.forecast import Forecast, Forecaster
from functune.capacity.traffic_spec import parse_traffic
from functune.formatting import money
from functune.marked_block import MarkedBlock
from functune.plans.price_list import shipped_prices
from functune.plans.registry import PLANS

TIERS = MarkedBlock(Path("docs/tutorial/2-first-deployment.md"), "tiers")
EXAMPLE_SECONDS, EXAMPLE_CPU = 0.15, 0.004
"""The latency of a call that meets no other, and the CPU time in it."""
EXAMPLE_USERS = (1, 2, 4, 8, 16, 32, 64)
EXAMPLE_TRAFFIC = ("steady:1", "daily:40:120")
EXAMPLE_OBJECTIVE = "p95 < 500ms"
BY_SIZE = frozenset({"flex", "app-service"})
"""Plans with a row for each size; the others have one, for the cheapest size."""


def example_curve() -> InstanceCurve:
    """A handler that waits in a thread of its own for each call, up to the most users."""
    users = np.array(EXAMPLE_USERS, dtype=float)
    return InstanceCurve(
        in_flight=users, seconds=np.full(len(users), EXAMPLE_SECONDS), cpu=EXAMPLE_CPU, sizes=np.ones(100)
    )


def tier_of(forecast: Forecast) -> str:
    """The row that a configuration belongs to: ``App Service B1``."""
    own = forecast.configuration
    title = PLANS[own.plan].title
    return f"{title} {own.size}{' MB' if own.plan == 'flex' else ''}" if own.plan in BY_SIZE else title


def cheapest_of_tiers(traffic: str) -> Mapping[str, Forecast]:
    """The cheapest configuration of each tier that meets the objective, in the order of the plans and sizes."""
    given = Conditions(traffic=parse_traffic(traffic), assumptions=assumptions(), prices=shipped_prices())
    forecaster, app = Forecaster(given, parse_objective(EXAMPLE_OBJECTIVE)), AppCurves(widest=example_curve())
    found: dict[str, Forecast] = {}
    for plan in PLANNED_SIZES:
        wanted = list(candidates(plan, app, given.traffic, given.assumptions))
        forecaster.prepare(wanted, app)
        for forecast in (forecaster.forecast(each, app) for each in wanted):
            tier = tier_of(forecast)
            if forecast.meets and (tier not in found or forecast.month < found[tier].month):
                found[tier] = forecast
    return found


def tier_text(months: Sequence[Mapping[str, Forecast]]) -> Iterator[str]:
    """The table as Markdown: what a month of each traffic costs on each tier."""
    yield f"| Plan and tier | {' | '.join(f'`{traffic}`' for traffic in EXAMPLE_TRAFFIC)} |"
    yield "|---|---|---|"
    for tier in dict.fromkeys(name for month in months for name in month):
        yield f"| {tier} | {' | '.join(cost_cell(tier, month.get(tier)) for month in months)} |"
    prices = shipped_prices().app_service
    for size in sorted(ISOLATED):
        price = f"{money(prices.month[size])} for each instance, and its environment **[U]**"
        yield f"| {PLANS['app-service'].title} {size} | {price} | {price} |"


def cost_cell(tier: str, forecast: Forecast | None) -> str:
    """What a month costs, and with which numbers."""
    if forecast is None:
        return "misses the objective"
    return f"{money(forecast.month)}: {forecast.title.removeprefix(tier).lstrip(', ')}"


if __name__ == "__main__":
    TIERS.write("\n".join(tier_text([cheapest_of_tiers(traffic) for traffic in EXAMPLE_TRAFFIC])))
