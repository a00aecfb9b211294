"""summary.md: the verdicts as Markdown, for a pull request or a job summary."""

import re

from functune.analysis.checks.expectations import Result, result_in_words
from functune.analysis.experiment import ExperimentFindings
from functune.analysis.verdict.limiter_line import limiter_note
from functune.analysis.verdict.recommendation import Recommendation
from functune.analysis.verdict.sentences import reasons_in_words
from functune.formatting import count, duration, number, percent
from functune.plans.advice import PlanAdvice
from functune.plans.registry import LOCAL
from functune.report.document import ReportDocument
from functune.report.live_plan import live_plan
from functune.report.sections.hot_lines import hot_line_in_words

RESULT_MARKS: dict[Result, str] = {"holds": "✅", "fails": "❌", "not judged": "❔"}


def summary(document: ReportDocument) -> str:
    """One section per experiment: verdict, settings, each setting's best step, the line that waits, expectations."""
    return "\n".join(summary_section(each, document) for each in document.experiments)


def summary_section(findings: ExperimentFindings, document: ReportDocument) -> str:
    """One experiment."""
    lines = [f"## {as_markdown(findings.experiment.question)}", "", f"**{as_markdown(findings.verdict)}**", ""]
    for warning in findings.warnings:
        lines += [f"⚠️ {as_markdown(warning)}", ""]
    lines += settings_lines(findings, document)
    for recommended, reason in zip(findings.recommendations, reasons_in_words(findings.recommendations), strict=True):
        lines += [as_markdown(reason), "", *best_steps_table(recommended), ""]
    profiles = [each for each in document.profile if each.experiment == findings.name]
    for sentence in filter(None, map(hot_line_in_words, profiles)):
        lines += [as_markdown(sentence), ""]
    if findings.outcomes:
        lines += ["| | Expectation | Observed | Allowed |", "|---|---|---:|---:|"]
        lines += [
            f"| {RESULT_MARKS[outcome.result]} {as_markdown(result_in_words(outcome))} | {as_markdown(outcome.claim)} "
            f"| {as_markdown(outcome.observed_text)} | {as_markdown(outcome.allowed)} |"
            for outcome in findings.outcomes
        ]
        lines.append("")
    measured = f"{count(len(findings.levels))} of {count(findings.planned)} steps of {findings.name} measured."
    caveats = dict.fromkeys(caveat for each in findings.recommendations for caveat in each.caveats)
    return "\n".join([*lines, as_markdown(" ".join([measured, *caveats])), ""])


def settings_lines(findings: ExperimentFindings, document: ReportDocument) -> list[str]:
    """The settings of the plan that the app runs on, or of local.settings.json for an app here."""
    live = live_plan(findings, document.environment)
    block = settings_list if live is None else commands_block
    advice = [each for each in document.advice_for(findings.name) if each.plan == (live or LOCAL).name]
    return [line for each in advice for line in (*block(each), "")]


def commands_block(found: PlanAdvice) -> list[str]:
    """The commands that set what is recommended, for an app on Azure."""
    return [f"Settings for {subjects_as_markdown(found)}:", "", "```", (found.commands or "").strip(), "```"]


def subjects_as_markdown(found: PlanAdvice) -> str:
    """The subjects that an advice is for."""
    return ", ".join(as_markdown(str(subject)) for subject in found.subjects)


def settings_list(found: PlanAdvice) -> list[str]:
    """The app settings to set."""
    return [
        f"Settings for {subjects_as_markdown(found)}:",
        "",
        *(
            f"- leave `{name}` unset" if value is None else f"- `{name}={value}`"
            for name, value in found.app_settings.items()
        ),
        *([] if (note := limiter_note(found.setting)) is None else [f"- {as_markdown(note)}"]),
    ]


def best_steps_table(recommended: Recommendation) -> list[str]:
    """Every setting's best step, fastest first."""
    fastest = max(each.throughput for each in recommended.evidence)
    rows = [
        f"| {each.setting.in_words}{' (recommended)' if each == recommended.best else ''} | {count(each.users)} "
        f"| {number(each.throughput)} | {percent(each.throughput / fastest)} "
        f"| {'-' if each.p95 is None else duration(each.p95)} |"
        for each in sorted(recommended.evidence, key=lambda each: -each.throughput)
    ]
    return [
        f"| Best step of each setting, {as_markdown(str(recommended.subject))} "
        "| Users | Requests/s | Of the fastest | p95 |",
        "|---|---:|---:|---:|---:|",
        *rows,
    ]


def as_markdown(value: str) -> str:
    """A string as Markdown shows it literally, on one line."""
    return re.sub(r"([\\`*_{}\[\]<>#|~])", r"\\\1", " ".join(value.split()))
