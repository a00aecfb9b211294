"""The hosting plans by name."""

from collections.abc import Mapping

import msgspec

from functune.analysis.numbers.figures import Price
from functune.analysis.search.exploration import Scope
from functune.errors import UsageError
from functune.plans.app_service import AppServicePlan
from functune.plans.container_apps import ContainerAppsPlan
from functune.plans.flex import FlexPlan
from functune.plans.local import LocalPlan
from functune.plans.plan import NOTHING_ASKED, Asked, Chosen, HostingPlan
from functune.plans.premium import PremiumPlan
from functune.plans.price_list import flex_prices
from functune.setting import Setting

LOCAL = LocalPlan()
FLEX = FlexPlan()
APP_SERVICE = AppServicePlan()
PLANS: Mapping[str, HostingPlan] = {
    plan.name: plan for plan in (LOCAL, FLEX, PremiumPlan(), APP_SERVICE, ContainerAppsPlan())
}
SCOPES: tuple[Scope, ...] = tuple(plan.allows for plan in PLANS.values())
"""The settings that each plan allows: a search looks for the best setting of every plan."""
CURRENCY = flex_prices().currency


class PlanPrice(msgspec.Struct, frozen=True):
    """Prices of a busy instance of Flex Consumption, and for a web server of App Service. See Price."""

    memory_mb: int
    """The memory of the instance of Flex Consumption."""

    def __call__(self, setting: Setting, throughput: float) -> float | None:
        """The cost of a million requests with a setting at a throughput."""
        chosen = Chosen(setting=setting, throughput=throughput, memory_mb=self.memory_mb)
        return priced_plan(setting).cost(chosen)

    def instance(self, setting: Setting) -> str:
        """``Flex Consumption with 2048 MB`` or ``App Service B1``."""
        plan = priced_plan(setting)
        size = plan.size(NOTHING_ASKED)
        return f"{plan.title} with {self.memory_mb} MB" if size is None else f"{plan.title} {size.name}"


def priced_plan(setting: Setting) -> HostingPlan:
    """The plan whose prices the figures of a setting have."""
    return FLEX if setting.is_on_functions else APP_SERVICE


def price_for(memory_mb: int) -> Price:
    """The prices with an instance of Flex Consumption of that size."""
    return PlanPrice(memory_mb)


def asked_of(plan: str, *, size: str | None, replicas: tuple[int, int] | None) -> Asked:
    """What the reader asks of a plan. Raises UsageError for a size or for replicas that it does not have."""
    known = PLANS[plan].sizes
    if size is not None and not known:
        having = [each.name for each in PLANS.values() if each.sizes]
        raise UsageError(f"--size {size}: {plan} has no sizes to choose from: allowed with {' or '.join(having)}")
    if size is not None and size not in known:
        raise UsageError(f"--size {size}: allowed for {plan} are {', '.join(known)}")
    if replicas is not None:
        if plan != ContainerAppsPlan.name:
            raise UsageError(f"--replicas: {plan} has no replicas: allowed with {ContainerAppsPlan.name}")
        if not 0 <= replicas[0] <= replicas[1] or replicas[1] < 1:
            raise UsageError(
                f"--replicas {replicas[0]} {replicas[1]}: allowed are a least number from 0 and a most number from 1 "
                "that is not below it"
            )
    return Asked(size=size, replicas=replicas)
