"""The answer in one sentence: the cheapest configuration that meets the objective, and what the present one costs."""

from collections.abc import Sequence

from functune.analysis.search.objective import Objective
from functune.capacity.forecast import Forecast
from functune.formatting import duration, money


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


def priced(forecast: Forecast, currency: str) -> str:
    """``12.30 USD a month with a p95 of 210 ms``."""
    return f"{money(forecast.month)} {currency} a month with a p95 of {duration(forecast.p95)}"
