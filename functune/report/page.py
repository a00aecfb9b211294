"""The report page: analyses in, one HTML file out."""

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence

from functune.analysis import littles_law
from functune.analysis.formatting import count, percent, plural, rate
from functune.analysis.interference import cores
from functune.analysis.statistics import minimum_sample
from functune.analysis.verdict import Advice, Analysis
from functune.measurements import BUSY_MACHINE, Measurement
from functune.report.experiment_section import section
from functune.report.markup import Html, element, join
from functune.report.steps_table import steps_table
from functune.report.style import SCRIPT, STYLE


def render(analyses: Sequence[Analysis], environment: Mapping[str, object]) -> str:
    """The whole page. The same input gives the same page; nothing in it is loaded from anywhere."""
    title = analyses[0].experiment.question if len(analyses) == 1 else "What to set, and why"
    # Everything on the page passed through markup.py; the policy is the second lock: no request, no other script.
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="generator", content="functune"),
        element("title", f"{title} · functune"),
        element("style", Html(STYLE)),
    )
    body = element(
        "body",
        element("header", element("p", origin(environment), class_="eyebrow"), element("h1", title)),
        element(
            "main",
            element("div", *(verdict(analysis, single=len(analyses) == 1) for analysis in analyses), class_="verdicts"),
            run_tiles(analyses),
            *(section(analysis, single=len(analyses) == 1) for analysis in analyses),
            trust(analyses),
            machine(environment),
            all_steps(analyses),
        ),
        element("footer", element("p", "Made by functune from this run's files alone. Nothing was measured again.")),
        element("script", Html(SCRIPT)),
    )
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"


def origin(environment: Mapping[str, object]) -> str:
    """Where the figures come from, in a line: what the environment says of host, platform, cores, Python and time."""
    cores = environment.get("cpu_count")
    parts = [
        environment.get("host"),
        environment.get("platform"),
        plural(cores, "core") if isinstance(cores, int) else None,
        environment.get("python"),
        environment.get("started_at"),
    ]
    return " · ".join(["functune report", *(str(part) for part in parts if part not in (None, ""))])


def verdict(analysis: Analysis, *, single: bool) -> Html:
    """The answer to one experiment's question, with the settings to set."""
    experiment = analysis.experiment
    said = element(
        "div",
        element("p", element("a", experiment.name, href=f"#{experiment.name}"), class_="eyebrow"),
        None if single else element("h2", experiment.question, class_="question"),
        element("p", analysis.verdict, class_="answer"),
        *reasons(analysis),
        *(element("p", f"⚠ {warning}", class_="warning") for warning in analysis.warnings),
        badge(analysis),
        class_="said" if analysis.advice else "said only",
    )
    settings = element("div", *(to_set(advice) for advice in analysis.advice), class_="to-set")
    return element("article", said, settings if analysis.advice else None, class_="verdict")


def reasons(analysis: Analysis) -> list[Html]:
    """Why, per route; the route is named where there are several."""
    several = len(analysis.recommendations) > 1
    return [
        element("p", join(element("code", each.route), ": ") if several else None, each.reason, class_="muted")
        for each in analysis.recommendations
    ]


def badge(analysis: Analysis) -> Html | None:
    """How many expectations hold and were judged, and whether the run is complete."""
    results = Counter(outcome.result for outcome in analysis.outcomes)
    parts = []
    if results:
        mark = ("bad", "✗") if results["fails"] else ("good", "✓") if results["holds"] else ("muted", "?")
        met = f"{mark[1]} {results['holds']} of {plural(results.total(), 'expectation')} met"
        parts.append(element("span", met, class_=mark[0]))
    if results["not judged"]:
        parts.append(element("span", f"{results['not judged']} not judged", class_="muted"))
    if len(analysis.measurements) < analysis.planned:
        missing = f"{count(len(analysis.measurements))} of {plural(analysis.planned, 'step')} measured"
        parts.append(element("span", missing, class_="muted"))
    separated = [part for each in parts for part in (" · ", each)][1:]
    return element("p", *separated, class_="badge") if parts else None


def to_set(advice: Advice) -> Html:
    """The app settings, ready to be copied into the "Values" of local.settings.json."""
    values = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in advice.settings_to_set.items() if value]
    unset = [name for name, value in advice.settings_to_set.items() if value is None]
    return element(
        "div",
        element("h3", f"Set for {', '.join(advice.routes)}, in Values of local.settings.json"),
        element("div", element("pre", ",\n".join(values)), class_="copyable") if values else None,
        *(element("p", "Leave ", element("code", name), " unset.", class_="muted") for name in unset),
    )


def tile(name: str, value: str, note: str) -> Html:
    """One figure."""
    return element("div", element("dt", name), element("dd", value, element("div", note, class_="note")))


def run_tiles(analyses: Sequence[Analysis]) -> Html:
    """The run at a glance."""
    steps = [step for analysis in analyses for step in analysis.measurements]
    results = Counter(outcome.result for analysis in analyses for outcome in analysis.outcomes)
    unjudged = f"; {results['not judged']} not judged" if results["not judged"] else ""
    failed = sum(len(step.error_latencies_us) for step in steps)
    worst = max((littles_law.residual(step) or 0.0 for step in steps), default=0.0)
    return element(
        "dl",
        tile(
            "Expectations met",
            f"{results['holds']} of {results.total()}" if results else "none stated",
            f"checked against this run{unjudged}" if results else "an experiment file can state some",
        ),
        tile(
            "Steps measured",
            f"{count(len(steps))} of {count(sum(analysis.planned for analysis in analyses))}",
            "each once",
        ),
        tile("Requests", count(sum(len(step.latencies_us) for step in steps)), f"and {count(failed)} failed"),
        tile("Little's law, worst residual", percent(worst), f"sound below {percent(littles_law.LIMIT)}"),
        class_="tiles",
    )


def trust(analyses: Sequence[Analysis]) -> Html:
    """What the figures can bear."""
    steps = [step for analysis in analyses for step in analysis.measurements]
    off = [step for step in steps if (littles_law.residual(step) or 0.0) > littles_law.LIMIT]
    errors = sum((Counter(step.errors) for step in steps), Counter[str]())
    kinds = ", ".join(f"{kind}: {count(times)}" for kind, times in sorted(errors.items()))
    facts = [
        "Each step was measured once: no figure has an interval across repeats, and throughputs less than 5 % apart "
        "count as equal.",
        f"Little's law N = X R holds within {percent(littles_law.LIMIT)} at {count(len(steps) - len(off))} of "
        f"{plural(len(steps), 'step')}. It ties users, throughput and latency together whatever the app does, so a "
        "step that breaks it was measured wrongly.",
        *(f"Off by {percent(littles_law.residual(step) or 0.0)}: {name(step)}." for step in off),
        f"Failed requests: {kinds}." if kinds else "No request failed.",
        *cores_used(steps),
        "Percentiles are order statistics of every successful request, none interpolated. They are left out of steps "
        f"with too few requests to bound them: p50 below {minimum_sample(0.5)}, p95 below {minimum_sample(0.95)}, p99 "
        f"below {minimum_sample(0.99)}.",
        "The load is a closed loop: every user sends the next request when the last is answered. It shows capacity; "
        "latency at a given arrival rate is another question.",
    ]
    return element(
        "section",
        element("h2", "How far to trust this"),
        element("ul", *(element("li", fact) for fact in facts), class_="notes"),
        id="trust",
    )


def cores_used(steps: Sequence[Measurement]) -> list[str]:
    """Who used the cores, at most: a figure taken while something else needed them is not the setting's."""
    if not steps:
        return []
    busiest = max(steps, key=lambda step: step.generator_cpu)
    facts = [
        f"The load generator used at most {cores(busiest.generator_cpu)} ({name(busiest)}); it has one thread, so near "
        "1 its own limit is measured."
    ]
    known = [(step.other_cpu, step) for step in steps if step.other_cpu is not None]
    if known:
        most, disturbed = max(known, key=lambda pair: pair[0])
        facts.append(
            f"Programs other than host and load generator used at most {cores(most)} ({name(disturbed)}); above "
            f"{BUSY_MACHINE:g} a step is warned of."
        )
    if len(known) < len(steps):
        facts.append(f"What other programs used is not known for {plural(len(steps) - len(known), 'step')}.")
    return facts


def name(step: Measurement) -> str:
    """A step in words."""
    return f"{step.route}, {step.setting}, {plural(step.users, 'user')}, {rate(step.throughput)}"


def machine(environment: Mapping[str, object]) -> Html:
    """Everything the run noted about its environment, known to us or not."""
    return element(
        "section",
        element("h2", "Measured on"),
        element(
            "dl",
            *(
                join(element("dt", key.replace("_", " ")), element("dd", shown(environment[key])))
                for key in environment
            ),
            class_="facts",
        ),
        id="environment",
    )


def shown(value: object) -> str:
    """A value of the environment in words."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {shown(each)}" for key, each in value.items())
    if isinstance(value, list):
        return " ".join(map(shown, value))
    return "unknown" if value is None else str(value)


def all_steps(analyses: Sequence[Analysis]) -> Html:
    """Every step of the run, one table per experiment and route."""
    tables = [
        element("div", element("h3", analysis.experiment.name), steps_table(analysis, route), class_="block")
        for analysis in analyses
        for route in dict.fromkeys(step.route for step in analysis.measurements)
    ]
    return element("section", element("h2", "Every step"), *tables, id="steps")
