"""One way to host an app: a plan, the size of its instances, and the numbers that are set."""

import re
from collections.abc import Mapping
from typing import Literal

import msgspec

from functune.capacity.assumptions import APP_SERVICE_MOST, MOST_INSTANCES
from functune.errors import UsageError
from functune.formatting import joined, number, plural
from functune.plans.registry import PLANS
from functune.setting import MAX_PER_INSTANCE_CONCURRENCY
from functune.shapes import APP_SERVICE_SIZES, CONTAINER_APPS_SIZES, FLEX_SIZES, PREMIUM_SIZES, InstanceSize

type PlannedPlan = Literal["flex", "premium", "app-service", "container-apps"]

PLANNED_SIZES: Mapping[str, Mapping[str, InstanceSize]] = {
    "flex": FLEX_SIZES,
    "premium": PREMIUM_SIZES,
    "app-service": APP_SERVICE_SIZES,
    "container-apps": CONTAINER_APPS_SIZES,
}
"""The sizes of an instance of each plan, by name."""
CONFIGURATION_FORMS = (
    "allowed are flex:MB:CONCURRENCY[:ALWAYS_READY], premium:SIZE[:INSTANCES], app-service:SIZE:INSTANCES and "
    "container-apps:CORES[:LEAST_REPLICAS]"
)


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """A plan with its settings."""

    plan: PlannedPlan
    """The hosting plan."""
    size: str
    """The name of the size of an instance."""
    concurrency: int | None = None
    """perInstanceConcurrency of Flex Consumption."""
    least: int = 0
    """Always-ready instances, the least instances or replicas, or on App Service all of them."""

    @property
    def instance(self) -> InstanceSize:
        """The size of an instance."""
        return PLANNED_SIZES[self.plan][self.size]

    @property
    def title(self) -> str:
        """In words: ``Flex Consumption 2048 MB, 16 at a time, 1 always ready``."""
        unit = {"flex": " MB", "container-apps": " cores"}.get(self.plan, "")
        parts = [f"{PLANS[self.plan].title} {self.size}{unit}"]
        if self.concurrency is not None:
            parts.append(f"{self.concurrency:,} at a time")
        if self.plan == "flex" and self.least:
            parts.append(f"{self.least:,} always ready")
        if self.plan == "app-service":
            parts.append(plural(self.least, "instance"))
        if self.plan in ("premium", "container-apps"):
            parts.append(f"{plural(self.least, 'instance' if self.plan == 'premium' else 'replica')} or more")
        return ", ".join(parts)

    def __str__(self) -> str:
        """As --now takes it."""
        numbers = [self.least] if self.concurrency is None else [self.concurrency, self.least]
        return ":".join([self.plan, self.size, *map(str, numbers)])


PYTHON_DEFAULT = Configuration(plan="flex", size="2048", concurrency=1)
"""What a Python app on Flex Consumption has where nothing is set."""


def parse_configuration(text: str) -> Configuration:
    """
    The configuration of a text, such as ``flex:2048:16:1``.

    Raises UsageError that names the text, the part that is wrong and what is allowed.
    """
    plan, *parts = text.strip().split(":")
    sizes = PLANNED_SIZES.get(plan)
    if sizes is None or not parts or not all(re.fullmatch("[0-9]{1,9}", part) for part in parts[1:]):
        raise UsageError(f"--now {text}: {CONFIGURATION_FORMS}")
    if parts[0] not in sizes:
        raise UsageError(f"--now {text}: {plan} has no size {parts[0]}: allowed are {', '.join(sizes)}")
    numbers = [int(part) for part in parts[1:]]
    match plan, numbers:
        case _ if max(numbers, default=0) > MOST_INSTANCES:
            pass  # refused below
        case "flex", [concurrency, *rest] if 1 <= concurrency <= MAX_PER_INSTANCE_CONCURRENCY and len(rest) <= 1:
            return Configuration(plan="flex", size=parts[0], concurrency=concurrency, least=rest[0] if rest else 0)
        case "premium", [] | [_] if 0 not in numbers:
            return Configuration(plan="premium", size=parts[0], least=numbers[0] if numbers else 1)
        case "app-service", [count] if 1 <= count <= APP_SERVICE_MOST.get(parts[0], MOST_INSTANCES):
            return Configuration(plan="app-service", size=parts[0], least=count)
        case "container-apps", [] | [_]:
            return Configuration(plan="container-apps", size=parts[0], least=numbers[0] if numbers else 0)
    fewer = joined([f"{most} of size {size}" for size, most in APP_SERVICE_MOST.items()])
    raise UsageError(
        f"--now {text}: {CONFIGURATION_FORMS}; a concurrency is from 1 to {number(MAX_PER_INSTANCE_CONCURRENCY)}, "
        f"instances are up to {MOST_INSTANCES:,}, on app-service up to {fewer}, and premium and app-service have at "
        "least one"
    )
