"""The hosting plans by name."""

from collections.abc import Callable
from functools import partial

from functune.analysis.numbers.figures import Price
from functune.analysis.search.exploration import Scope
from functune.plans.billing import flex_prices
from functune.plans.flex import FlexPlan
from functune.plans.local import LocalPlan
from functune.plans.plan import HostingPlan
from functune.plans.premium import PremiumPlan

LOCAL = LocalPlan()
FLEX = FlexPlan()
PLANS: dict[str, HostingPlan] = {plan.name: plan for plan in (LOCAL, FLEX, PremiumPlan())}
SCOPES: tuple[Scope, ...] = tuple(plan.allows for plan in PLANS.values())
"""The settings that each plan allows: a search looks for the best setting of every plan."""
CURRENCY = flex_prices().currency


def price_for(memory_mb: int) -> Price:
    """The cost of a million requests at a throughput, on a busy Flex Consumption instance of that size."""
    price: Callable[[float], float] = partial(FLEX.price, memory_mb)
    return price
