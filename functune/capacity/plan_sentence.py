"""The answer in one sentence: the cheapest configuration that meets the objective, and what the present one costs."""

from collections.abc import Sequence

from functune.analysis.search.objective import Objective
from functune.capacity.forecast import Forecast
from functune.formatting import duration, money

SHOWN = 0.03
"""The smallest relative difference of a p95 that the simulation shows."""


def plan_sentence(
    best: Forecast | None,
    present: Forecast | None,
    *,
    objective: Objective | None,
    currency: str,
    ordered: Sequence[Forecast],
) -> str:
    """The sentence; ``ordered`` are all forecasts by cost."""
    aim = "keeps up" if objective is None else f"meets {objective}"
    now = present_in_words(present, best, objective, currency)
    if best is not None:
        return f"The cheapest configuration that {aim} is {best.title}: {priced(best, currency)}{now}."
    fastest = min(ordered, key=lambda each: (not each.keeps_up, each.p95))
    return f"No configuration {aim}; the fastest is {fastest.title}: {priced(fastest, currency)}{now}."


def present_in_words(
    present: Forecast | None, best: Forecast | None, objective: Objective | None, currency: str
) -> str:
    """The clause about the present configuration."""
    if present is None:
        return ""
    if best is not None and best.configuration == present.configuration:
        return ", and it is the present one"
    if not present.keeps_up:
        judged = " and does not keep up"
    elif present.meets is False and objective is not None:
        judged = " and does not meet it"
    else:
        judged = ""
    return f"; the present one, {present.title}, costs {priced(present, currency)}{judged}"


def p95_range_in_words(forecast: Forecast) -> str:
    """The p95, or its range where the start of an instance makes a difference: ``1.10 s to 5.10 s``."""
    low, high = duration(forecast.p95_shortest_start), duration(forecast.p95)
    return high if forecast.p95_shortest_start > (1 - SHOWN) * forecast.p95 else f"{low} to {high}"


def priced(forecast: Forecast, currency: str) -> str:
    """``12.30 USD a month with a p95 of 210 ms``."""
    return f"{money(forecast.month)} {currency} a month with a p95 of {duration(forecast.p95)}"
