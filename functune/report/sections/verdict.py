"""The answer to an experiment's question, the reason, and the settings to set."""

import json
from collections import Counter
from collections.abc import Iterator

from functune.analysis.experiment import ExperimentFindings
from functune.analysis.verdict.limiter_line import limiter_note
from functune.formatting import count, plural
from functune.plans.advice import PlanAdvice
from functune.plans.registry import LOCAL, PLANS
from functune.report.document import ReportDocument
from functune.report.live_plan import live_plan
from functune.report.markup import Html, element, join
from functune.run.environment import ON_AZURE, Environment


def verdict_article(findings: ExperimentFindings, document: ReportDocument, *, single: bool) -> Html:
    """The verdict on one experiment; where it is the ``single`` one, the page's title is its question already."""
    experiment = findings.experiment
    answer = element(
        "div",
        element("p", element("a", experiment.name, href=f"#{experiment.name}"), class_="eyebrow"),
        None if single else element("h2", experiment.question, class_="question"),
        element("p", findings.verdict, class_="answer"),
        *reason_paragraphs(findings),
        *(element("p", f"⚠ {warning}", class_="warning") for warning in findings.warnings),
        expectations_badge(findings),
        class_="said" if findings.advice else "said only",
    )
    settings = element("div", *settings_blocks(findings, document), class_="to-set") if findings.advice else None
    return element("article", answer, settings, class_="verdict")


def settings_blocks(findings: ExperimentFindings, document: ReportDocument) -> Iterator[Html]:
    """The settings to set: first those of the plan that the app runs on, or of local.settings.json for an app here."""
    advice, live = document.advice_for(findings.name), live_plan(findings, document.environment)
    local = [local_values(each) for each in advice if each.plan == LOCAL.name]
    if live is None:
        yield from local
    else:
        yield from (live_values(each, document.environment) for each in advice if each.plan == live.name)
    yield from (plan_details(each) for each in advice if each.commands and (live is None or each.plan != live.name))
    for left_out in document.left_out_of(findings.name):
        yield element("p", f"{PLANS[left_out.plan].title} is left out: {left_out.reason}.", class_="muted")
    if live is not None:
        yield from local


def reason_paragraphs(findings: ExperimentFindings) -> list[Html]:
    """The reason for each recommendation; it names its route where there are several."""
    several = len(findings.recommendations) > 1
    return [
        element(
            "p",
            join(element("code", str(each.subject)), ": ") if several else None,
            f"{each.reason} {each.certainty}".strip(),
            class_="muted",
        )
        for each in findings.recommendations
    ]


def expectations_badge(findings: ExperimentFindings) -> Html | None:
    """How many expectations were met or not judged, and how many steps are missing; None where there is neither."""
    results = Counter(outcome.result for outcome in findings.outcomes)
    parts = []
    if results:
        class_, sign = ("bad", "✗") if results["fails"] else ("good", "✓") if results["holds"] else ("muted", "?")
        met = f"{sign} {results['holds']} of {plural(results.total(), 'expectation')} met"
        parts.append(element("span", met, class_=class_))
    if results["not judged"]:
        parts.append(element("span", f"{results['not judged']} not judged", class_="muted"))
    if len(findings.levels) < findings.planned:
        measured = f"{count(len(findings.levels))} of {plural(findings.planned, 'step')} measured"
        parts.append(element("span", measured, class_="muted"))
    separated = [part for each in parts for part in (" · ", each)][1:]
    return element("p", *separated, class_="badge") if parts else None


def local_values(found: PlanAdvice) -> Html:
    """The app settings, ready for the "Values" of local.settings.json."""
    values = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in found.app_settings.items() if value]
    unset = [name for name, value in found.app_settings.items() if value is None]
    return element(
        "div",
        element("h3", f"Set for {', '.join(map(str, found.subjects))}, in Values of local.settings.json"),
        copyable(",\n".join(values)) if values else None,
        *(element("p", "Leave ", element("code", name), " unset.", class_="muted") for name in unset),
        None if (note := limiter_note(found.setting)) is None else element("p", note),
    )


def live_values(found: PlanAdvice, environment: Environment) -> Html:
    """The settings for the app on Azure that was measured: commands that set them, and Bicep for its template."""
    return element(
        "div",
        element("h3", f"Set for {', '.join(map(str, found.subjects))}, on the app that was measured"),
        copyable((found.commands or "").strip()),
        element(
            "p",
            element("code", f"functune azure apply RUN {environment.host_kind.removeprefix(ON_AZURE)}"),
            " shows the difference and sets them.",
            class_="muted",
        ),
        *(element("p", note, class_="muted") for note in found.notes if note not in found.template_notes),
        element("details", element("summary", "As Bicep"), *bicep_texts(found)),
    )


def plan_details(found: PlanAdvice) -> Html:
    """The settings for a hosting plan: Bicep, and commands for an existing app."""
    return element(
        "details",
        element("summary", f"On {PLANS[found.plan].title}: Bicep and commands"),
        *bicep_texts(found),
        element("p", "Or change an existing app:", class_="muted"),
        copyable((found.commands or "").strip()),
    )


def bicep_texts(found: PlanAdvice) -> list[Html]:
    """The settings as Bicep: for a template of the reader's own, and for the templates of this project."""
    return [
        element("p", f"For {', '.join(map(str, found.subjects))}. In a template of your own:", class_="muted"),
        copyable((found.fragment or "").strip()),
        *parameters_file(found),
    ]


def parameters_file(found: PlanAdvice) -> list[Html]:
    """The parameters file, which has the notes as comments; the notes alone where there is no file for the setting."""
    if found.bicepparam is None:
        return [element("p", note, class_="muted") for note in found.notes]
    return [
        element("p", "With the templates of this project, as a parameters file in infra/:", class_="muted"),
        copyable(found.bicepparam.strip()),
    ]


def copyable(text: str) -> Html:
    """Text that report.js gives a button to copy it."""
    return element("div", element("pre", text), class_="copyable")
