"""The prices in prices.toml, the one place for them."""

import tomllib
from functools import cache
from importlib.resources import files

import msgspec


class Prices(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """On-demand prices of Flex Consumption, and the monthly free grant of a subscription."""

    currency: str
    as_of: str
    gb_second: float
    million_executions: float
    free_gb_seconds: float
    free_executions: float


class InstancePrices(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Prices of App Service on Linux or of Premium: an instance costs the same whether it serves requests or not."""

    currency: str
    as_of: str
    source: str
    month: dict[str, float]
    """An instance for 730 hours, by its size."""

    def per_hour(self, size: str) -> float:
        """An instance of a size for an hour."""
        return self.month[size] / HOURS_PER_MONTH


HOURS_PER_MONTH = 730
"""The hours for which the price list has its prices per month."""


class ContainerAppsPrices(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Prices of Container Apps in the Consumption profile, of a replica while it serves requests."""

    currency: str
    as_of: str
    source: str
    vcpu_second: float
    gib_second: float
    million_requests: float


@cache
def flex_prices() -> Prices:
    """Those of Flex Consumption."""
    return msgspec.convert(price_table("flex"), Prices)


@cache
def app_service_prices() -> InstancePrices:
    """Those of App Service."""
    return msgspec.convert(price_table("app-service"), InstancePrices)


@cache
def premium_prices() -> InstancePrices:
    """Those of Premium."""
    return msgspec.convert(price_table("premium"), InstancePrices)


@cache
def container_apps_prices() -> ContainerAppsPrices:
    """Those of Container Apps."""
    return msgspec.convert(price_table("container-apps"), ContainerAppsPrices)


def price_table(name: str) -> object:
    """One table of the file."""
    return tomllib.loads((files("functune.plans") / "prices.toml").read_text("utf-8"))[name]
