"""One experiment on the page: per route its cards, charts and heat map, then expectations and caveats."""

from functune.analysis.expectations import Result
from functune.analysis.findings import Findings, RouteFindings
from functune.analysis.verdict import Analysis
from functune.report.charts.figures import (
    arrivals_figure,
    latency_figure,
    pareto_figure,
    throughput_figure,
    time_figure,
)
from functune.report.charts.heat_map import heat_map
from functune.report.markup import Content, Html, element, table
from functune.report.sections.cards import cards

MARKS: dict[Result, tuple[str, str]] = {"holds": ("✓", "good"), "fails": ("✗", "bad"), "not judged": ("?", "muted")}
"""The sign and the class of each result."""


def section(findings: Findings, *, single: bool, currency: str) -> Html:
    """The section of one experiment; of a single one the question is the page's title already."""
    analysis = findings.analysis
    experiment = analysis.experiment
    caveats = dict.fromkeys(caveat for each in analysis.recommendations for caveat in each.caveats)
    return element(
        "section",
        element("p", experiment.name, class_="eyebrow"),
        element("h2", "What was measured" if single else experiment.question),
        element("p", experiment.lesson, class_="lead") if experiment.lesson else None,
        *(route_block(findings, route, currency=currency) for route in findings.routes),
        expectations(analysis),
        element("ul", *(element("li", caveat) for caveat in caveats), class_="notes") if caveats else None,
        id=experiment.name,
    )


def route_block(findings: Findings, route: RouteFindings, *, currency: str) -> Html:
    """One route of an experiment."""
    recommended = route.recommended
    handlers = {step.handler for step in route.steps if step.handler}
    halves = [
        pareto_figure(findings, route, currency=currency),
        throughput_figure(findings, route),
        latency_figure(findings, route),
        arrivals_figure(findings, route),
    ]
    fills_a_row = sum(each is not None for each in halves) % 2 == 0
    return element(
        "div",
        element("h3", element("code", route.route), element("span", " / ".join(sorted(handlers)), class_="eyebrow")),
        element("p", recommended.reason if recommended else findings.analysis.unmet.get(route.route), class_="reason"),
        cards(route, currency=currency),
        element(
            "div",
            *halves,
            heat_map(findings, route),
            time_figure(route, whole=fills_a_row),
            class_="figures",
        ),
        class_="route",
    )


def expectations(analysis: Analysis) -> Html | None:
    """The experiment's expectations and whether they hold; why not judged stands in a line below the table."""
    if not analysis.outcomes:
        return None
    rows: list[list[Content]] = [
        [
            outcome.claim,
            outcome.observed_text,
            outcome.allowed,
            element("span", f"{MARKS[outcome.result][0]} {outcome.result}", class_=MARKS[outcome.result][1]),
        ]
        for outcome in analysis.outcomes
    ]
    unjudged = [
        element("li", f"Not judged: {outcome.claim}. It {outcome.reason}.")
        for outcome in analysis.outcomes
        if outcome.reason
    ]
    return element(
        "div",
        element("h3", "What was expected"),
        table(
            f"Expectations of {analysis.experiment.name}, checked against this run",
            ["Claim", "Observed", "Allowed", "Outcome"],
            rows,
            class_="claims",
        ),
        element("ul", *unjudged, class_="notes") if unjudged else None,
        class_="block",
    )
