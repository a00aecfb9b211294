"""What the bill of Flex Consumption counts for an app, in sentences with its own figures."""

from collections.abc import Iterator

import numpy as np

from functune.capacity.bills import flex_parts
from functune.capacity.configuration import Configuration
from functune.capacity.curve import InstanceCurve
from functune.capacity.forecast import Forecast
from functune.capacity.plan_sentence import p95_range_in_words
from functune.formatting import duration, money, number, percent, plural
from functune.plans.billing import BILLED_STEP, MINIMUM_BILLED, billed_time, gigabytes
from functune.plans.price_list import HOURS_PER_MONTH, Prices

TOGETHER = 10
"""Requests of the example."""
READY_HEAD = ("always ready", "for being there", "executing", "executions", "a month", "wait for a start", "p95")
"""The columns of a table of configurations that differ in their always-ready instances."""


def bill_reasons(
    present: Configuration, own: InstanceCurve, found: Forecast, *, rate: float, prices: Prices
) -> Iterator[str]:
    """
    The sentences: what requests alone, one after another and at once are billed, and what an always-ready instance is.

    ``own`` is the curve on an instance of the size, ``rate`` the mean of the traffic, requests per second.
    """
    alone = float(own.response(1.0))
    lone = billed_seconds([0.0], alone)
    in_turn = billed_seconds([place * alone for place in range(TOGETHER)], alone)
    at_once = billed_seconds([0.0] * TOGETHER, float(own.response(float(TOGETHER))))
    yield (
        f"An instance is billed for the time in which it executes anything, for at least {MINIMUM_BILLED * 1e3:,.0f} "
        f"ms and in steps of {BILLED_STEP * 1e3:g} ms; requests that it runs within that time add nothing to it."
    )
    yield (
        f"So a request of {duration(alone)} alone is billed as {lone:.1f} s, {TOGETHER} of them one after another in "
        f"an instance as {in_turn:.1f} s together, {TOGETHER} at once in an instance as {at_once:.1f} s, and "
        f"{TOGETHER} at once with perInstanceConcurrency 1 as {TOGETHER * lone:.1f} s, since each has an instance of "
        "its own."
    )
    if found.billed_seconds is not None:
        yield (
            f"With {plural(present.concurrency or 1, 'request')} at a time and {number(rate)} requests/s, "
            f"{number(found.billed_seconds)} s of an instance are billed for each request on average."
        )
    yield (
        f"An always-ready instance of {present.instance.memory_mb} MB costs {money(month_of_ready(present, prices))} "
        f"{prices.currency} a month for being there. What it executes costs "
        f"{percent(prices.ready_active_gb_second / prices.gb_second)} of the price on demand, and the free grant does "
        "not count for it."
    )


def billed_seconds(starts: list[float], response: float) -> float:
    """Seconds billed of one instance for requests that take ``response`` seconds each."""
    return billed_time(np.array(starts), np.full(len(starts), response))


def month_of_ready(present: Configuration, prices: Prices) -> float:
    """The baseline of one always-ready instance for a month."""
    return gigabytes(present.instance.memory_mb) * HOURS_PER_MONTH * 3600 * prices.ready_gb_second


def ready_cells(forecast: Forecast) -> tuple[str, ...]:
    """A configuration of Flex Consumption with the parts of its bill as cells."""
    ready, executing, executions = flex_parts(forecast.bill)
    return (
        f"{forecast.configuration.least:,}",
        money(ready),
        money(executing),
        money(executions),
        money(forecast.month),
        percent(forecast.cold_share),
        p95_range_in_words(forecast),
    )
