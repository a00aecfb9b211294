"""
The cost of a million requests on an instance that is always busy, and the time that Flex Consumption bills.

Flex Consumption bills an instance, not a request: its memory for the time in which it executes anything. Requests that
overlap share the bill, and requests far apart pay the minimum each, so real traffic costs more than a busy instance:
``functune plan`` computes it.

Throughput and times are those of the machine that measured, and an instance has other cores. So the order of settings
holds there, the amounts do not.
"""

import math

import msgspec
import numpy as np

from functune.plans.price_list import ContainerAppsPrices, Prices, container_apps_prices, flex_prices
from functune.shapes import INSTANCE_MEMORY_MB, MB_PER_GIB

MINIMUM_BILLED = 1.0
"""Seconds billed at least each time an instance begins to execute (documented for Flex Consumption)."""
BILLED_STEP = 0.1
"""Seconds that billed time is rounded up to."""
FLUSH = 5.0
"""Seconds after which the host's timer closes an interval that is still open, and opens the next."""


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """The cost of a million requests, before the free grant: it compares settings and is no budget."""

    per_million: float
    """The price in the currency of the price list."""
    currency: str


def busy_cost(throughput: float, memory_mb: int, prices: Prices | None = None) -> Cost:
    """
    A million requests on an instance that never rests: memory / X GB-s each, and the price of executions.

    Raises ValueError for a throughput (requests per second) of 0 or less and for a size that Flex does not have.
    """
    if throughput <= 0:
        raise ValueError(f"throughput is {throughput:g} requests/s: allowed is above 0")
    prices = prices or flex_prices()
    gb_seconds = gigabytes(memory_mb) / throughput * 1e6
    return Cost(per_million=gb_seconds * prices.gb_second + prices.million_executions, currency=prices.currency)


def billed_time(starts: np.ndarray, responses: np.ndarray) -> float:
    """
    The seconds billed of one instance for calls by start and response time, seconds, in the order of their starts.

    The rule of the Functions host (FlexConsumptionMetricsPublisher, 2024; it may have changed): from the first call in
    to the last one out is an interval, and a timer cuts those that are open every FLUSH seconds. Each is billed for at
    least MINIMUM_BILLED and in steps of BILLED_STEP. Time billed already is not billed again, so an interval that
    begins before the end of the last bill counts from there.
    """
    total, paid_until = 0.0, -math.inf
    origin = float(starts[0])
    for begin, end in executing(starts, responses):
        cut = origin + (math.floor((begin - origin) / FLUSH) + 1) * FLUSH
        while cut < end:
            total, paid_until = pay(begin, cut, total, paid_until)
            begin, cut = cut, cut + FLUSH
        total, paid_until = pay(begin, end, total, paid_until)
    return total


def executing(starts: np.ndarray, responses: np.ndarray) -> list[tuple[float, float]]:
    """The intervals in which any of the calls runs, begin and end, for calls in the order of their starts."""
    until = np.maximum.accumulate(starts + responses)
    first = np.flatnonzero(np.concatenate([[True], starts[1:] > until[:-1]]))
    last = np.append(first[1:] - 1, len(starts) - 1)
    return list(zip(starts[first].tolist(), until[last].tolist(), strict=True))


def pay(begin: float, end: float, total: float, paid_until: float) -> tuple[float, float]:
    """The total and the time paid until, after an interval of execution."""
    begin = max(begin, paid_until)
    if end <= begin:
        return total, paid_until
    steps = math.ceil(round(max(end - begin, MINIMUM_BILLED) / BILLED_STEP, 9))
    return total + steps * BILLED_STEP, begin + steps * BILLED_STEP


def fixed_cost(throughput: float, price_per_hour: float, currency: str = "USD") -> Cost:
    """
    A million requests on an instance with a fixed price, as on Premium and Dedicated plans: price / (3600 X).

    At full use; an instance that rests costs the same and serves less. Raises ValueError for a throughput of 0 or less.
    """
    if throughput <= 0 or price_per_hour < 0:
        raise ValueError(
            f"throughput is {throughput:g} requests/s and the price {price_per_hour:g} an hour: "
            "allowed are above 0, and at least 0"
        )
    return Cost(per_million=price_per_hour / 3600 / throughput * 1e6, currency=currency)


def replica_cost(throughput: float, cores: float, memory_mb: int, prices: ContainerAppsPrices | None = None) -> Cost:
    """
    A million requests on a replica of Container Apps that never rests: 1e6 / X s of cores and memory, and the requests.

    Raises ValueError for a throughput of 0 or less.
    """
    if throughput <= 0:
        raise ValueError(f"throughput is {throughput:g} requests/s: allowed is above 0")
    prices = prices or container_apps_prices()
    second = cores * prices.vcpu_second + memory_mb / MB_PER_GIB * prices.gib_second
    return Cost(per_million=1e6 / throughput * second + prices.million_requests, currency=prices.currency)


def gigabytes(memory_mb: int) -> float:
    """
    The memory of an instance in the GB of GB-s. Raises ValueError for a size that Flex Consumption does not have.

    2048 MB are 2 GB: ten such instances cost $1.872 an hour in the example of Microsoft's cost page.
    """
    if memory_mb not in INSTANCE_MEMORY_MB:
        raise ValueError(f"instance memory is {memory_mb} MB: allowed are {', '.join(map(str, INSTANCE_MEMORY_MB))}")
    return memory_mb / MB_PER_GIB
