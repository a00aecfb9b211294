"""One experiment on the page: per route its tiles, charts and heat map, then expectations and caveats."""

from functune.analysis.diagnosis import SAME
from functune.analysis.expectations import Result
from functune.analysis.formatting import duration, number, plural, rate
from functune.analysis.formatting import setting as in_words
from functune.analysis.recommendation import Evidence, Recommendation
from functune.analysis.statistics import minimum_sample
from functune.analysis.verdict import Analysis
from functune.measurements import Setting
from functune.report.charts import latency_chart, p95, throughput_chart
from functune.report.heat_map import heat_map
from functune.report.markup import Content, Html, element, table

MARKS: dict[Result, tuple[str, str]] = {"holds": ("✓", "good"), "fails": ("✗", "bad"), "not judged": ("?", "muted")}
"""The sign and the class of each result."""


def section(analysis: Analysis, *, single: bool) -> Html:
    """The section of one experiment; of a single one the question is the page's title already."""
    experiment = analysis.experiment
    caveats = dict.fromkeys(caveat for each in analysis.recommendations for caveat in each.caveats)
    return element(
        "section",
        element("p", experiment.name, class_="eyebrow"),
        element("h2", "What was measured" if single else experiment.question),
        element("p", experiment.lesson, class_="lead") if experiment.lesson else None,
        *(route_block(analysis, route) for route in analysis.subjects),
        expectations(analysis),
        element("ul", *(element("li", caveat) for caveat in caveats), class_="notes") if caveats else None,
        id=experiment.name,
    )


def route_block(analysis: Analysis, route: str) -> Html | None:
    """One route of an experiment; None where nothing of it was measured."""
    if not any(step.route == route for step in analysis.measurements):
        return None
    recommended = next((each for each in analysis.recommendations if each.route == route), None)
    handlers = {step.handler for step in analysis.measurements if step.route == route and step.handler}
    latency = latency_figure(analysis, route, recommended)
    return element(
        "div",
        element("h3", element("code", route), element("span", " / ".join(sorted(handlers)), class_="eyebrow")),
        element("p", recommended.reason, class_="reason") if recommended else None,
        tiles(recommended) if recommended else None,
        element(
            "div",
            throughput_figure(analysis, route, recommended),
            latency,
            heat_map(analysis, route, recommended, whole=latency is not None),
            class_="figures",
        ),
        class_="route",
    )


def tiles(recommended: Recommendation) -> Html:
    """The settings worth comparing: recommended, fastest where it is another, Azure's defaults, next best."""
    fastest = max(recommended.evidence, key=lambda each: each.throughput)
    first = "Recommended" if len(recommended.evidence) > 1 else "Measured"
    chosen: dict[Setting, tuple[str, Evidence]] = {recommended.setting: (first, recommended.best)}
    chosen.setdefault(fastest.setting, ("Fastest, tied", fastest))
    for each in recommended.evidence:
        if each.setting == Setting():
            chosen.setdefault(each.setting, ("Azure's defaults", each))
    if recommended.next_best:
        chosen.setdefault(recommended.next_best.setting, ("Next best", recommended.next_best))
    return element("dl", *(tile(name, each, recommended) for name, each in chosen.values()), class_="tiles")


def tile(name: str, each: Evidence, recommended: Recommendation) -> Html:
    """A setting's best step, and how it compares with the recommended one."""
    ratio = each.throughput / recommended.best.throughput
    compared = "" if each == recommended.best else f", {(ratio - 1) * 100:+.1f} %"
    tail = f"p95 {duration(each.p95)}" if each.p95 is not None else "too few requests for p95"
    return element(
        "div",
        element("dt", f"{name}: {in_words(each.setting)}"),
        element(
            "dd",
            rate(each.throughput),
            element("div", f"at {plural(each.users, 'user')}{compared}; {tail}", class_="note"),
        ),
    )


def figure(title: str, note: str, drawing: Html) -> Html:
    """A chart under the finding it shows."""
    caption = element("figcaption", element("h3", title), element("p", note))
    return element("figure", caption, drawing)


def throughput_figure(analysis: Analysis, route: str, recommended: Recommendation | None) -> Html | None:
    """Throughput against concurrency; None where nothing succeeded."""
    drawing = throughput_chart(analysis, route)
    if drawing is None:
        return None
    note = "Successful requests per second; the recommended setting is bold."
    dashed = " Dashed: the most possible, from one user's CPU and waiting time." if route in analysis.demands else ""
    return figure(throughput_finding(recommended), note + dashed, drawing)


def throughput_finding(recommended: Recommendation | None) -> str:
    """What the throughput chart shows."""
    if recommended is None:
        return "No setting answered reliably"
    best = recommended.best
    slowest = min(recommended.evidence, key=lambda each: each.throughput)
    if len(recommended.evidence) == 1:
        return f"Throughput reaches {rate(best.throughput)}"
    if len(recommended.ties) == len(recommended.evidence):
        return f"Every setting reaches about {rate(best.throughput)}"
    return (
        f"{rate(best.throughput)} with {in_words(best.setting)}, "
        f"{number(best.throughput / slowest.throughput)} times {in_words(slowest.setting)}"
    )


def latency_figure(analysis: Analysis, route: str, recommended: Recommendation | None) -> Html | None:
    """p95 against concurrency; None where no step has requests enough."""
    drawing = latency_chart(analysis, route)
    if drawing is None:
        return None
    steps = [step for step in analysis.measurements if step.route == route]
    left_out = sum(p95(step) is None for step in steps)
    note = f"95 of 100 requests are at least this fast; lower is better. It takes {minimum_sample(0.95)} requests"
    return figure(
        latency_finding(analysis, route, recommended),
        f"{note}; {plural(left_out, 'step')} had fewer and {'is' if left_out == 1 else 'are'} left out."
        if left_out
        else f"{note}.",
        drawing,
    )


def latency_finding(analysis: Analysis, route: str, recommended: Recommendation | None) -> str:
    """What the latency chart shows: the recommended setting and the slowest one, at the most users."""
    if recommended is None:
        return "Latency against concurrency"
    known = {
        (step.users, step.setting): value
        for step in analysis.measurements
        if step.route == route and (value := p95(step)) is not None
    }
    ours = [users for users, setting in known if setting == recommended.setting]
    if not ours:
        return "Latency against concurrency"
    users = max(ours)
    here = f"{duration(known[users, recommended.setting])} with {in_words(recommended.setting)}"
    slowest, value = max(
        ((setting, value) for (at, setting), value in known.items() if at == users), key=lambda one: one[1]
    )
    is_slower = value > (1 + SAME) * known[users, recommended.setting]
    there = f", {duration(value)} with {in_words(slowest)}" if is_slower else ""
    return f"At {plural(users, 'user')} p95 is {here}{there}"


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
