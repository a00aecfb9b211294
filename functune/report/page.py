"""The report page: contents in, one HTML file out."""

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Mapping

from functune.analysis import littles_law
from functune.analysis.diagnosis import SAME
from functune.analysis.findings import RouteFindings
from functune.analysis.formatting import count, percent, plural
from functune.analysis.plan_settings import PlanSettings
from functune.analysis.verdict import Advice, Analysis
from functune.report import document
from functune.report.assets.style import SCRIPT, STYLE
from functune.report.charts.figures import figure
from functune.report.charts.pareto import repeat_chart
from functune.report.contents import Contents
from functune.report.markup import Html, element, join
from functune.report.sections.experiment import section
from functune.report.sections.hosts import host_section
from functune.report.sections.steps_table import arrivals_table, steps_table
from functune.report.sections.trust import trust_section
from functune.report.settings_files import TEMPLATES, bicepparam, commands


def render(contents: Contents) -> str:
    """The whole page. The same input gives the same page; nothing in it is loaded from anywhere."""
    analyses = contents.analyses
    single = len(analyses) == 1
    title = analyses[0].experiment.question if single else "What to set, and why"
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
        element("header", element("p", origin(contents.environment), class_="eyebrow"), element("h1", title)),
        element(
            "main",
            element("div", *(verdict(each, contents, single=single) for each in analyses), class_="verdicts"),
            run_tiles(contents),
            *(section(each, single=single, currency=contents.currency) for each in contents.findings),
            host_section(contents),
            repeats_section(contents),
            trust_section(contents),
            machine(contents.environment),
            all_steps(contents),
        ),
        element("footer", element("p", "Made by functune from this run's files alone. Nothing was measured again.")),
        # A data block: no browser runs it. Every figure of the page for programs, as in report.json.
        element(
            "script", Html(document.to_compact_json(document.report(contents))), type="application/json", id="data"
        ),
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


def verdict(analysis: Analysis, contents: Contents, *, single: bool) -> Html:
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
    settings = element(
        "div",
        *(to_set(advice) for advice in analysis.advice),
        *(on_plan(each) for each in contents.apply.get(experiment.name, ()) if each.plan in TEMPLATES),
        class_="to-set",
    )
    return element("article", said, settings if analysis.advice else None, class_="verdict")


def reasons(analysis: Analysis) -> list[Html]:
    """Why, per route; the route is named where there are several."""
    several = len(analysis.recommendations) > 1
    return [
        element(
            "p",
            join(element("code", each.route), ": ") if several else None,
            f"{each.reason} {each.certainty}".strip(),
            class_="muted",
        )
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
        copyable(",\n".join(values)) if values else None,
        *(element("p", "Leave ", element("code", name), " unset.", class_="muted") for name in unset),
    )


PLAN_NAMES = {"flex": "Flex Consumption", "premium": "Premium"}


def on_plan(found: PlanSettings) -> Html:
    """The same for a hosting plan: parameters of the template, and commands for an app that exists."""
    return element(
        "details",
        element("summary", f"On {PLAN_NAMES[found.plan]}: Bicep parameters and commands"),
        element("p", f"For {', '.join(found.routes)}. Save in infra/ and deploy:", class_="muted"),
        copyable(bicepparam(found).strip()),
        element("p", "Or change the app that is there:", class_="muted"),
        copyable(commands(found).strip()),
    )


def copyable(text: str) -> Html:
    """Text that a button copies, where there is script."""
    return element("div", element("pre", text), class_="copyable")


def tile(name: str, value: str, note: str) -> Html:
    """One figure."""
    return element("div", element("dt", name), element("dd", value, element("div", note, class_="note")))


def run_tiles(contents: Contents) -> Html:
    """The run at a glance."""
    analyses = contents.analyses
    steps = [step for analysis in analyses for step in analysis.measurements]
    results = Counter(outcome.result for analysis in analyses for outcome in analysis.outcomes)
    unjudged = f"; {results['not judged']} not judged" if results["not judged"] else ""
    failed = sum(len(step.error_latencies_us) for step in steps)
    worst = contents.trust.littles_law
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
            repeats_in_words(contents.trust.repeats),
        ),
        tile("Requests", count(sum(len(step.latencies_us) for step in steps)), f"and {count(failed)} failed"),
        tile(
            "Little's law, worst residual",
            percent(worst.value) if worst else "unknown",
            f"sound below {percent(littles_law.LIMIT)}",
        ),
        class_="tiles",
    )


def repeats_in_words(repeats: tuple[int, int]) -> str:
    """How often steps were measured."""
    fewest, most = repeats
    if most <= 1:
        return "each once"
    return f"each {most} times" if fewest == most else f"each {fewest} to {most} times"


def repeats_section(contents: Contents) -> Html | None:
    """Every repeat as a dot; None where each step was measured once, which the trust section says."""
    figures = [
        figure(f"{each.route}", f"{findings.analysis.experiment.name}: a row per setting.", drawing, class_="whole")
        for findings in contents.findings
        for each in findings.routes
        if (drawing := repeat_chart(each)) is not None
    ]
    if not figures:
        return None
    return element(
        "section",
        element("h2", "Every repeat"),
        element(
            "p",
            "Each dot is one repeat of one step, against the mean of that step's repeats. Shaded: the "
            f"{percent(SAME)} within which settings count as equal.",
            class_="lead",
        ),
        element("div", *figures, class_="figures"),
        id="repeats",
    )


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


def all_steps(contents: Contents) -> Html:
    """Every step of the run, one table per experiment and route."""
    tables = [
        element(
            "div",
            element("h3", heading(findings.analysis, route)),
            steps_table(route),
            arrivals_table(route),
            class_="block",
        )
        for findings in contents.findings
        for route in findings.routes
    ]
    return element("section", element("h2", "Every step"), *tables, id="steps")


def heading(analysis: Analysis, route: RouteFindings) -> str:
    """What a table is of; the route only where there are several."""
    name = analysis.experiment.name
    return name if len(analysis.subjects) == 1 else f"{name}: {route.route}"
