"""The prices in prices.toml, the one place for them, and those of a file of the reader's own."""

import math
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from functune.errors import UsageError

HOURS_PER_MONTH = 730
"""The hours for which the price list has its prices per month."""


class Prices(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Prices of Flex Consumption, and the monthly free grant of a subscription, which is for on-demand instances."""

    currency: str
    as_of: str
    source: str
    gb_second: float
    million_executions: float
    free_gb_seconds: float
    free_executions: float
    ready_gb_second: float
    """Always-ready instances, for all the time that they are provisioned."""
    ready_active_gb_second: float
    """The same while they execute, in addition."""


class InstancePrices(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Prices of instances, which cost the same whether they serve requests or not: App Service on Linux, Premium."""

    currency: str
    as_of: str
    source: str
    month: dict[str, float]
    """An instance for 730 hours, by its size."""

    def hour(self, size: str) -> float:
        """An instance of a size for an hour."""
        return self.month[size] / HOURS_PER_MONTH


class ContainerAppsPrices(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Prices of Container Apps in the Consumption profile, and the monthly free grant of a subscription."""

    currency: str
    as_of: str
    source: str
    vcpu_second: float
    """Of a replica that serves requests."""
    gib_second: float
    million_requests: float
    idle_vcpu_second: float
    """Of a replica of the least number that serves nothing."""
    free_vcpu_seconds: float
    free_gib_seconds: float
    free_requests: float


class PriceList(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """The prices of all plans."""

    flex: Prices
    premium: InstancePrices
    app_service: InstancePrices
    container_apps: ContainerAppsPrices


@cache
def shipped_prices() -> PriceList:
    """Those of prices.toml."""
    return msgspec.convert(shipped_table(), PriceList)


def shipped_table() -> dict[str, Any]:
    """The tables of prices.toml."""
    return tomllib.loads((files("functune.plans") / "prices.toml").read_text("utf-8"))


def changed_prices(text: str, *, name: str) -> PriceList:
    """
    The shipped prices with those of a file of the same form in their place.

    Raises UsageError that names the file where it is no TOML, or a table, key, size, price or currency of it is wrong.
    """
    try:
        given = tomllib.loads(text)
        table = with_sources(merged(shipped_table(), given), given, name=name)
        found = msgspec.convert(table, PriceList)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise UsageError(f"--prices {name}: {error}; the file has the form of functune/plans/prices.toml") from error
    if wrong := next(wrong_prices(table, found), None):
        raise UsageError(f"--prices {name}: {wrong}")
    return found


def with_sources(table: Mapping[str, Any], given: Mapping[str, Any], *, name: str) -> dict[str, Any]:
    """The merged table whose sources name the file, for each plan that it has without a source of its own."""
    return {
        plan: {**prices, "source": f"{prices['source']}, changed by {name}"}
        if isinstance(given.get(plan), Mapping) and isinstance(prices, Mapping) and "source" not in given[plan]
        else prices
        for plan, prices in table.items()
    }


def wrong_prices(table: Mapping[str, Any], found: PriceList) -> Iterator[str]:
    """A sentence for each thing that the types allow and a bill does not."""
    for key, price in numbers_of(table):
        if not (math.isfinite(price) and price >= 0):
            yield f"{key} is {price:g}: allowed are numbers from 0"
    for plan, prices in (("premium", found.premium), ("app-service", found.app_service)):
        known = shipped_table()[plan]["month"]
        for size in prices.month.keys() - known.keys():
            yield f"{plan}.month has no size {size}: allowed are {', '.join(known)}"
    currencies = {plan: prices["currency"] for plan, prices in table.items()}
    if len(set(currencies.values())) > 1:
        listed = ", ".join(f"{plan} {currency}" for plan, currency in currencies.items())
        yield f"the currencies differ ({listed}): give every plan the same one, so that the bills can be compared"


def merged(table: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """A table with the values of another in place of its own, tables inside of it likewise."""
    both = {
        key: merged(table[key], value) if isinstance(value, Mapping) and isinstance(table.get(key), Mapping) else value
        for key, value in other.items()
    }
    return {**table, **both}


def numbers_of(table: Mapping[str, Any], path: str = "") -> list[tuple[str, float]]:
    """The numbers of a table by their path, ``premium.month.EP1``."""
    found: list[tuple[str, float]] = []
    for key, value in table.items():
        place = f"{path}{key}"
        if isinstance(value, Mapping):
            found += numbers_of(value, f"{place}.")
        elif isinstance(value, int | float):
            found.append((place, float(value)))
    return found


def flex_prices() -> Prices:
    """Those of Flex Consumption."""
    return shipped_prices().flex


def app_service_prices() -> InstancePrices:
    """Those of App Service."""
    return shipped_prices().app_service


def premium_prices() -> InstancePrices:
    """Those of Premium."""
    return shipped_prices().premium


def container_apps_prices() -> ContainerAppsPrices:
    """Those of Container Apps."""
    return shipped_prices().container_apps
