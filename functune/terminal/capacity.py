"""The plan as text: the answer, a table of configurations, and why there are so many instances."""

from collections.abc import Iterator, Sequence

from functune.capacity.capacity_plan import CapacityPlan
from functune.capacity.explain import Explanation, concurrency_cells
from functune.capacity.explain_bill import READY_HEAD, ready_cells
from functune.capacity.forecast import Forecast
from functune.capacity.plan_sentence import p95_range_in_words
from functune.formatting import count, duration, money, number, percent

HEAD = ("Configuration", "a month", "p50", "p95", "instances", "at the peak", "starts a day", "wait for a start", "")


def capacity_lines(plan: CapacityPlan, *, with_all: bool) -> Iterator[str]:
    """The plan; without ``with_all`` the frontier, the cheapest of each plan and the present configuration alone."""
    yield f"{plan.subject} under {plan.traffic.name}"
    yield ""
    yield plan.sentence
    yield ""
    shown = plan.forecasts if with_all else selected(plan)
    yield from table_lines([HEAD, *(forecast_cells(each, plan) for each in shown)])
    yield ""
    if len(shown) < len(plan.forecasts):
        yield f"{len(plan.forecasts) - len(shown)} more configurations: add --all, or see the page."
    yield f"Amounts are in {plan.currency}, a month of 730 hours. * on the frontier of cost and p95."
    yield from plan.notes
    yield from (f"{each.title}: left out, {each.reason}." for each in plan.left_out)


def selected(plan: CapacityPlan) -> list[Forecast]:
    """The forecasts that are worth a line, cheapest first."""
    of_plans: dict[str, Forecast] = {}
    for each in plan.forecasts:
        if each.keeps_up and each.meets is not False:
            of_plans.setdefault(each.configuration.plan, each)
    wanted = [*plan.frontier, *of_plans.values(), *([plan.present] if plan.present else [])]
    return [each for each in plan.forecasts if each in wanted]


def forecast_cells(forecast: Forecast, plan: CapacityPlan) -> tuple[str, ...]:
    """One configuration as cells."""
    marks = [
        "*" if forecast in plan.frontier else "",
        "cheapest" if forecast == plan.cheapest else "",
        "present" if forecast == plan.present else "",
        "does not keep up" if not forecast.keeps_up else "misses the objective" if forecast.meets is False else "",
    ]
    return (
        forecast.title,
        money(forecast.month),
        duration(forecast.p50),
        p95_range_in_words(forecast),
        number(forecast.instances),
        count(round(forecast.peak_instances)),
        number(forecast.starts),
        percent(forecast.cold_share),
        " ".join(filter(None, marks)),
    )


def explanation_lines(explanation: Explanation) -> Iterator[str]:
    """Why there are so many instances and what the bill counts, and what other configurations would have."""
    yield from explanation.sentences
    yield ""
    head = ("at a time", "instances", "at the peak", "starts a day", "a month", "p95")
    yield from table_lines([head, *map(concurrency_cells, explanation.by_concurrency)])
    yield ""
    yield from explanation.bill_sentences
    yield ""
    yield from table_lines([READY_HEAD, *map(ready_cells, explanation.by_always_ready)])


def table_lines(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows as aligned columns: the first and the last to the left, the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    last = len(widths) - 1
    for row in rows:
        cells = [
            cell.ljust(width) if place in (0, last) else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
