"""
Why an app on Flex Consumption has so many instances at a low rate, and what its bill counts, with its own figures.
"""

import math

import msgspec

from functune.capacity.app_curves import AppCurves
from functune.capacity.candidates import useful_concurrencies
from functune.capacity.configuration import Configuration
from functune.capacity.curve import InstanceCurve
from functune.capacity.explain_bill import bill_reasons
from functune.capacity.forecast import Forecast, Forecaster
from functune.capacity.plan_sentence import p95_range_in_words
from functune.formatting import count, duration, money, number, percent, plural

OTHERS = (1, 4, 16)
"""Concurrencies that are shown in any case: the defaults of Python, and of other languages on two sizes."""
PARALLEL = 6
"""Requests that a browser sends at a time to one server over HTTP/1.1."""
READY = (0, 1, 2)
"""Always-ready instances that are shown in any case."""


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """The reasons, and the same app with other concurrencies and other always-ready instances."""

    sentences: tuple[str, ...]
    """The reasons."""
    by_concurrency: tuple[Forecast, ...]
    """Forecasts for other per-instance concurrencies."""
    bill_sentences: tuple[str, ...]
    """What the bill counts."""
    by_always_ready: tuple[Forecast, ...]
    """Forecasts for other numbers of always-ready instances."""


def explain_instances(forecaster: Forecaster, present: Configuration, app: AppCurves) -> Explanation:
    """Why the present configuration has that many instances and that bill, and what others would have."""
    own = app.of(present.plan, present.size)
    found = forecaster.forecast(present, app)
    choices = sorted({*OTHERS, *useful_concurrencies(own), present.concurrency or 1})
    others = [msgspec.structs.replace(present, concurrency=each) for each in choices]
    ready = [msgspec.structs.replace(present, least=each) for each in sorted({*READY, present.least})]
    given = forecaster.given
    billed = bill_reasons(present, own, found, rate=given.traffic.mean, prices=given.prices.flex)
    return Explanation(
        sentences=tuple(reasons(forecaster, present, own, found)),
        by_concurrency=tuple(forecaster.forecast(each, app) for each in others),
        bill_sentences=tuple(billed),
        by_always_ready=tuple(forecaster.forecast(each, app) for each in ready),
    )


def reasons(forecaster: Forecaster, present: Configuration, own: InstanceCurve, found: Forecast) -> list[str]:
    """The sentences, from the arithmetic of the mean rate to the minutes that instances are kept."""
    concurrency = present.concurrency or 1
    rate, idle = forecaster.given.traffic.mean, forecaster.given.assumptions["flex-idle"]
    alone = float(own.response(1.0))
    load = rate * alone
    others = 1 - math.exp(-load)
    needed = math.ceil(load / concurrency)
    return [
        f"At {number(rate)} requests/s of {duration(alone)} each, {number(load)} requests are in flight on average: "
        f"{plural(max(needed, 1), 'instance')} would do if they came one after another.",
        f"They come at random, so {percent(others)} of the requests find another one running"
        + (
            ". With perInstanceConcurrency 1, the default of Python, each of those needs an instance of its own."
            if concurrency == 1
            else f"; an instance takes {concurrency:,} at a time, and another one starts for the next."
        ),
        f"A client that sends {PARALLEL} requests at once, as a browser does, gets "
        f"{plural(math.ceil(PARALLEL / concurrency), 'instance')} at any rate.",
        f"An instance stays {idle:g} s after its last request [U], so there are always as many as the last {idle:g} s "
        f"needed at most: {number(found.instances)} instances on average and {count(round(found.peak_instances))} at "
        f"the busiest moment, with {number(found.starts)} starts a day.",
    ]


def concurrency_cells(forecast: Forecast) -> tuple[str, ...]:
    """A configuration of Flex Consumption as cells: its concurrency, instances, bill of a month and p95."""
    return (
        f"{forecast.configuration.concurrency:,}",
        number(forecast.instances),
        count(round(forecast.peak_instances)),
        number(forecast.starts),
        money(forecast.month),
        p95_range_in_words(forecast),
    )
