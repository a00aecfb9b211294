"""The answer to an experiment's question, the reason, and the settings to set."""

import json
from collections import Counter

from functune.analysis.formatting import count, plural
from functune.analysis.plan_settings import PlanSettings
from functune.analysis.verdict import Advice, Analysis
from functune.report.contents import Contents
from functune.report.markup import Html, element, join
from functune.report.settings_files import TEMPLATES, bicepparam, commands

PLAN_NAMES = {"flex": "Flex Consumption", "premium": "Premium"}


def verdict_article(analysis: Analysis, contents: Contents, *, single: bool) -> Html:
    """The verdict on one experiment; where it is the ``single`` one, the page's title is its question already."""
    experiment = analysis.experiment
    answer = element(
        "div",
        element("p", element("a", experiment.name, href=f"#{experiment.name}"), class_="eyebrow"),
        None if single else element("h2", experiment.question, class_="question"),
        element("p", analysis.verdict, class_="answer"),
        *reason_paragraphs(analysis),
        *(element("p", f"⚠ {warning}", class_="warning") for warning in analysis.warnings),
        expectations_badge(analysis),
        class_="said" if analysis.advice else "said only",
    )
    settings = element(
        "div",
        *(local_values(advice) for advice in analysis.advice),
        *(plan_details(each) for each in contents.apply.get(experiment.name, ()) if each.plan in TEMPLATES),
        class_="to-set",
    )
    return element("article", answer, settings if analysis.advice else None, class_="verdict")


def reason_paragraphs(analysis: Analysis) -> list[Html]:
    """The reason for each recommendation; it names its route where there are several."""
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


def expectations_badge(analysis: Analysis) -> Html | None:
    """How many expectations were met or not judged, and how many steps are missing; None where there is neither."""
    results = Counter(outcome.result for outcome in analysis.outcomes)
    parts = []
    if results:
        class_, sign = ("bad", "✗") if results["fails"] else ("good", "✓") if results["holds"] else ("muted", "?")
        met = f"{sign} {results['holds']} of {plural(results.total(), 'expectation')} met"
        parts.append(element("span", met, class_=class_))
    if results["not judged"]:
        parts.append(element("span", f"{results['not judged']} not judged", class_="muted"))
    if len(analysis.measurements) < analysis.planned:
        measured = f"{count(len(analysis.measurements))} of {plural(analysis.planned, 'step')} measured"
        parts.append(element("span", measured, class_="muted"))
    separated = [part for each in parts for part in (" · ", each)][1:]
    return element("p", *separated, class_="badge") if parts else None


def local_values(advice: Advice) -> Html:
    """The app settings, ready for the "Values" of local.settings.json."""
    values = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in advice.settings_to_set.items() if value]
    unset = [name for name, value in advice.settings_to_set.items() if value is None]
    return element(
        "div",
        element("h3", f"Set for {', '.join(advice.routes)}, in Values of local.settings.json"),
        copyable(",\n".join(values)) if values else None,
        *(element("p", "Leave ", element("code", name), " unset.", class_="muted") for name in unset),
    )


def plan_details(found: PlanSettings) -> Html:
    """The settings for a hosting plan: parameters of the template, and commands for an existing app."""
    return element(
        "details",
        element("summary", f"On {PLAN_NAMES[found.plan]}: Bicep parameters and commands"),
        element("p", f"For {', '.join(found.routes)}. Save in infra/ and deploy:", class_="muted"),
        copyable(bicepparam(found).strip()),
        element("p", "Or change an existing app:", class_="muted"),
        copyable(commands(found).strip()),
    )


def copyable(text: str) -> Html:
    """Text that report.js gives a button to copy it."""
    return element("div", element("pre", text), class_="copyable")
