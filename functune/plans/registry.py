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
from functune.plans.plan import Asked, Chosen, HostingPlan, on_its_instance
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
    """Prices of a busy instance: that of the setting, else of Flex Consumption, and for a web server of App Service."""

    memory_mb: int
    """The memory of the instance of Flex Consumption."""

    def __call__(self, setting: Setting, throughput: float) -> float | None:
        """The cost of a million requests with a setting at a throughput."""
        plan = priced_plan(setting)
        chosen = Chosen(setting=setting, throughput=throughput, memory_mb=self.memory_mb)
        return None if plan is None else plan.cost(on_its_instance(chosen, plan.name))

    def instance(self, setting: Setting) -> str:
        """``Flex Consumption with 2048 MB`` or ``App Service B1``."""
        plan = priced_plan(setting)
        if plan is None:
            return f"{setting.instance}, which no plan has"
        chosen = on_its_instance(Chosen(setting=setting, memory_mb=self.memory_mb), plan.name)
        if plan is FLEX:
            return f"{plan.title} with {chosen.memory_mb} MB"
        size = plan.size(chosen.asked)
        return f"{plan.title} {chosen.asked.size if size is None else size.name}"


def priced_plan(setting: Setting) -> HostingPlan | None:
    """The plan whose prices the figures of a setting have: that of its instance; None for one that no plan has."""
    if setting.instance is not None:
        return None if setting.instance.plan is None else PLANS[setting.instance.plan]
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
