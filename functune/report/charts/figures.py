"""Each chart under the finding it shows, with the words needed to read it."""

from functune.analysis import objective
from functune.analysis.diagnosis import SAME
from functune.analysis.findings import Findings, RouteFindings
from functune.analysis.formatting import duration, joined, number, percent, plural, rate
from functune.analysis.formatting import setting as in_words
from functune.analysis.prediction import Model, Prediction
from functune.analysis.statistics import minimum_sample, percentile
from functune.analysis.usl import Fit, Refused
from functune.measurements import Measurement
from functune.report.charts.line_chart import arrivals_chart, latency_chart, throughput_chart
from functune.report.charts.pareto import pareto_chart
from functune.report.charts.time_split import legend, time_chart
from functune.report.markup import Html, element, join


def figure(title: str, note: str, drawing: Html, *, class_: str | None = None) -> Html:
    """A chart under the finding it shows."""
    caption = element("figcaption", element("h3", title), element("p", note))
    return element("figure", caption, drawing, class_=class_)


def pareto_figure(findings: Findings, route: RouteFindings, *, currency: str) -> Html | None:
    """Cost against latency; None where fewer than two steps have a p95."""
    drawing = pareto_chart(route, currency=currency)
    if drawing is None:
        return None
    memory = findings.analysis.experiment.memory_mb
    note = (
        f"A point per setting and number of users. Cost is that of a busy {memory} MB instance of Flex Consumption "
        "with this machine's throughput: compare settings by it, do not budget with it. On the dashed line is what no "
        "other point beats in both."
    )
    bars = " Bars there: what repeats span." if any(len(one.repeats) > 1 for one in route.candidates) else ""
    return figure(pareto_finding(route, currency=currency), note + bars, drawing)


def pareto_finding(route: RouteFindings, *, currency: str) -> str:
    """What the cost chart shows: the ends of the front, or the one setting that is best in both."""
    cheapest, quickest = route.front[0], route.front[-1]
    cost, p95 = number(cheapest.figures.cost or 0.0), duration(cheapest.figures.p95 or 0.0)
    if cheapest is quickest:
        return f"{in_words(cheapest.setting)} at {plural(cheapest.users, 'user')} is both cheapest and quickest"
    return (
        f"From {cost} {currency} a million at a p95 of {p95} to {number(quickest.figures.cost or 0.0)} at "
        f"{duration(quickest.figures.p95 or 0.0)}"
    )


def throughput_figure(findings: Findings, route: RouteFindings) -> Html | None:
    """Throughput against concurrency; None where nothing succeeded."""
    demand = findings.analysis.demands.get(route.route)
    drawing = throughput_chart(route, demand, cores=findings.analysis.cores)
    if drawing is None:
        return None
    note = "Successful requests per second; the recommended setting is bold."
    dashed = " Dashed: the most possible, from one user's CPU and waiting time." if demand else ""
    return figure(throughput_finding(route), f"{note}{dashed} {laws_in_words(route)}", drawing)


def laws_in_words(route: RouteFindings) -> str:
    """Which lines are the Universal Scalability Law, where they peak, and why others are not."""
    fits = {setting: law for setting, law in route.curves.items() if isinstance(law, Fit)}
    refused = [law for law in route.curves.values() if isinstance(law, Refused)]
    chosen = route.curves.get(route.recommended.setting) if route.recommended else None
    sentences = []
    if fits:
        shade = ", shaded: its 95 % interval" if any(law.resampled for law in fits.values()) else ""
        sentences.append(f"Curves are the Universal Scalability Law{shade}.")
    if isinstance(chosen, Fit):
        sentences.append(f"The recommended setting: {chosen.peak_in_words}.")
    if isinstance(chosen, Refused):
        sentences.append(f"No curve for the recommended setting: {chosen.reason}.")
    others = len(refused) - isinstance(chosen, Refused)
    if others:
        sentences.append(f"Straight lines for {plural(others, 'other setting')} that the law does not describe.")
    return " ".join(sentences)


def throughput_finding(route: RouteFindings) -> str:
    """What the throughput chart shows."""
    recommended = route.recommended
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


def latency_figure(findings: Findings, route: RouteFindings) -> Html | None:
    """p95 against concurrency; None where no step has requests enough."""
    experiment = findings.analysis.experiment
    drawing = latency_chart(route, experiment)
    if drawing is None:
        return None
    left_out = sum(p95(step) is None for step in route.steps)
    note = (
        "p95: 95 of 100 requests are at least this fast; lower is better. Dashed: p50 and p99 of the recommended "
        f"setting.{objective_in_words(experiment.objective)}"
    )
    takes = f" A p95 takes {minimum_sample(0.95)} requests, a p99 {minimum_sample(0.99)}"
    fewer = f"; {plural(left_out, 'step')} had fewer than the former" if left_out else ""
    return figure(latency_finding(route), f"{note}{takes}{fewer}.", drawing)


def objective_in_words(text: str) -> str:
    """That the objective is drawn, as far as it limits latency."""
    limits = [each for each in objective.parse(text).conditions if each.metric in objective.QUANTILES] if text else []
    return f" Dotted: the objective, {joined([str(each) for each in limits])}." if limits else ""


def p95(step: Measurement) -> float | None:
    """The 95th percentile of latency, seconds; None below 72 requests."""
    value = percentile(step.latencies_us, 0.95)
    return None if value is None else value / 1e6


def latency_finding(route: RouteFindings) -> str:
    """What the latency chart shows: the recommended setting and the slowest one, at the most users."""
    recommended = route.recommended
    if recommended is None:
        return "Latency against concurrency"
    known = {(step.users, step.setting): value for step in route.steps if (value := p95(step)) is not None}
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


BUSY: dict[Model, str] = {
    "threads": "the threads are busy {} of the time",
    "core": "the cores are busy {} of the time",
    "event loop": "the event loop is busy {} of the time",
}


def arrivals_figure(findings: Findings, route: RouteFindings) -> Html | None:
    """Latency against arrivals; None where none were measured."""
    drawing = arrivals_chart(route, findings.analysis.experiment)
    if drawing is None:
        return None
    missing = sum(
        max(step.arrivals - len(step.latencies_us) - len(step.error_latencies_us), 0) for step in route.arrivals
    )
    late = [value for step in route.arrivals if (value := percentile(step.send_delays_us, 0.99)) is not None]
    note = (
        "Open loop: requests arrive by chance (Poisson), whether or not earlier ones were answered. Latency counts "
        "from the intended moment. Solid p95, dashed p50 and p99."
        f"{objective_in_words(findings.analysis.experiment.objective)}"
    )
    backlog = f" Sent late by {duration(max(late) / 1e6)} at p99 at worst" if late else ""
    lost = f"{plural(missing, 'arrival')} not answered in its window"
    theory = expected(route.predictions[-1]) if route.predictions else ""
    return figure(arrivals_finding(route), f"{note}{backlog}{'; ' if late else ' '}{lost}.{theory}", drawing)


def expected(prediction: Prediction) -> str:
    """What queueing theory expects beside what was measured, in a sentence."""
    step = prediction.step
    return (
        f" With {in_words(step.setting)} at {number(step.arrival_rate or 0.0)} arrivals/s, where "
        f"{BUSY[prediction.model].format(percent(prediction.utilisation))}, queueing theory expects a mean of "
        f"{duration(prediction.expected)}; measured were {duration(prediction.measured)}."
    )


def arrivals_finding(route: RouteFindings) -> str:
    """What the open loop shows: p95 at the highest rate of arrivals."""
    known = [(step, value) for step in route.arrivals if (value := p95(step)) is not None]
    if not known:
        return "Latency against arrivals"
    step, value = max(
        known,
        key=lambda pair: (
            route.recommended is not None and pair[0].setting == route.recommended.setting,
            pair[0].arrival_rate or 0.0,
        ),
    )
    return f"At {number(step.arrival_rate or 0.0)} arrivals/s p95 is {duration(value)} with {in_words(step.setting)}"


def time_figure(route: RouteFindings, *, whole: bool) -> Html | None:
    """Where the time goes; None where the answers do not tell. ``whole`` when it has a row of the page to itself."""
    drawing = time_chart(route.splits)
    if drawing is None or route.recommended is None:
        return None
    last = route.splits[-1]
    title = (
        f"At {plural(last.users, 'user')}, {percent(last.wait / last.latency)} of the time is waiting "
        f"and {percent(last.run / last.latency)} the handler"
    )
    note = (
        f"Mean latency with {in_words(route.recommended.setting)}. Waiting is what comes on top of a lone user's way "
        "to the handler; host and transport are both ways."
    )
    return figure(title, note, join(legend(), drawing), class_="whole" if whole else None)
