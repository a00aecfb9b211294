"""The bill of a month, or of any number of hours, from averages over that time and the prices of a plan."""

from collections.abc import Mapping

import msgspec

from functune.plans.billing import gigabytes
from functune.plans.price_list import HOURS_PER_MONTH, ContainerAppsPrices, InstancePrices, Prices
from functune.shapes import MB_PER_GIB, InstanceSize


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    """What some time costs, by what is paid for, in the currency of the price list."""

    parts: dict[str, float]
    currency: str

    @property
    def total(self) -> float:
        """All parts together."""
        return sum(self.parts.values())


class FlexUse(msgspec.Struct, frozen=True, kw_only=True):
    """Averages of an app on Flex Consumption."""

    memory_mb: int
    executing: float
    """On-demand instances that are billed as executing."""
    rate: float
    """Executions per second on them."""
    ready: int = 0
    """Always-ready instances."""
    ready_executing: float = 0.0
    """Those of them that are billed as executing."""
    ready_rate: float = 0.0
    """Executions per second on them."""


def flex_bill(use: FlexUse, prices: Prices, *, hours: float = HOURS_PER_MONTH, with_grant: bool = True) -> Bill:
    """
    The bill of Flex Consumption; the free grant of a month is that of a subscription which nothing else uses.

    It is for on-demand instances alone.
    """
    seconds = hours * 3600
    gb_seconds = gigabytes(use.memory_mb) * seconds
    executing, executions = use.executing * gb_seconds, use.rate * seconds
    free_executing = min(executing, prices.free_gb_seconds) if with_grant else 0.0
    free_executions = min(executions, prices.free_executions) if with_grant else 0.0
    parts = {
        "executing": (executing - free_executing) * prices.gb_second,
        "executions": (executions - free_executions) / 1e6 * prices.million_executions,
        "always ready": use.ready * gb_seconds * prices.ready_gb_second,
        "always ready, executing": use.ready_executing * gb_seconds * prices.ready_active_gb_second,
        "always ready, executions": use.ready_rate * seconds / 1e6 * prices.million_executions,
    }
    kept = {name: amount for name, amount in parts.items() if use.ready or not name.startswith("always")}
    return Bill(parts=kept, currency=prices.currency)


def flex_parts(parts: Mapping[str, float]) -> tuple[float, float, float]:
    """Of the parts of a bill of Flex Consumption: always-ready instances, what executes, and executions."""
    executing = parts["executing"] + parts.get("always ready, executing", 0.0)
    executions = parts["executions"] + parts.get("always ready, executions", 0.0)
    return parts.get("always ready", 0.0), executing, executions


def instances_bill(instances: float, size: str, prices: InstancePrices, *, hours: float = HOURS_PER_MONTH) -> Bill:
    """The bill of a plan whose instances cost the same whatever they serve; ``instances`` on average."""
    return Bill(parts={"instances": instances * prices.hour(size) * hours}, currency=prices.currency)


class ReplicaUse(msgspec.Struct, frozen=True, kw_only=True):
    """Averages of an app on Container Apps."""

    active: float
    """Replicas that serve requests, or that are more than the least number."""
    idle: float
    """Replicas of the least number that serve nothing."""
    rate: float
    """Requests per second."""


def replicas_bill(
    use: ReplicaUse, size: InstanceSize, prices: ContainerAppsPrices, *, hours: float = HOURS_PER_MONTH
) -> Bill:
    """
    The bill of Container Apps after the free grant of a month, of a subscription which nothing else uses.

    The grant of core-seconds goes to the active ones first, which cost more.
    """
    seconds = hours * 3600
    active, idle = (share * size.cores * seconds for share in (use.active, use.idle))
    free_active = min(active, prices.free_vcpu_seconds)
    free_idle = min(idle, prices.free_vcpu_seconds - free_active)
    memory = (use.active + use.idle) * size.memory_mb / MB_PER_GIB * seconds
    parts = {
        "cores": (active - free_active) * prices.vcpu_second + (idle - free_idle) * prices.idle_vcpu_second,
        "memory": max(memory - prices.free_gib_seconds, 0.0) * prices.gib_second,
        "requests": max(use.rate * seconds - prices.free_requests, 0.0) / 1e6 * prices.million_requests,
    }
    return Bill(parts=parts, currency=prices.currency)
