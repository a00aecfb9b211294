"""summary.md: the verdicts as Markdown, for a pull request or a job summary."""

import re
from collections.abc import Sequence

from functune.analysis.expectations import Result, result_in_words
from functune.formatting import count, duration, number, percent
from functune.formatting import setting as in_words
from functune.analysis.recommendation import Recommendation
from functune.analysis.verdict import Advice, Analysis

MARKS: dict[Result, str] = {"holds": "✅", "fails": "❌", "not judged": "❔"}


def summary(analyses: Sequence[Analysis]) -> str:
    """One section per experiment: verdict, settings to set, each setting's best step, expectations."""
    return "\n".join(section(analysis) for analysis in analyses)


def section(analysis: Analysis) -> str:
    """One experiment."""
    experiment = analysis.experiment
    lines = [f"## {text(experiment.question)}", "", f"**{text(analysis.verdict)}**", ""]
    for warning in analysis.warnings:
        lines += [f"⚠️ {text(warning)}", ""]
    for advice in analysis.advice:
        lines += [*settings_block(advice), ""]
    for recommended in analysis.recommendations:
        lines += [text(f"{recommended.reason} {recommended.certainty}".strip()), "", *steps_table(recommended), ""]
    if analysis.outcomes:
        lines += ["| | Expectation | Observed | Allowed |", "|---|---|---:|---:|"]
        lines += [
            f"| {MARKS[outcome.result]} {text(result_in_words(outcome))} | {text(outcome.claim)} "
            f"| {text(outcome.observed_text)} | {text(outcome.allowed)} |"
            for outcome in analysis.outcomes
        ]
        lines.append("")
    measured = f"{count(len(analysis.measurements))} of {count(analysis.planned)} steps of {experiment.name} measured."
    caveats = dict.fromkeys(caveat for each in analysis.recommendations for caveat in each.caveats)
    return "\n".join([*lines, text(" ".join([measured, *caveats])), ""])


def settings_block(advice: Advice) -> list[str]:
    """The settings to set as a list."""
    routes = ", ".join(text(route) for route in advice.routes)
    return [
        f"Settings for {routes}:",
        "",
        *(
            f"- leave `{name}` unset" if value is None else f"- `{name}={value}`"
            for name, value in advice.settings_to_set.items()
        ),
    ]


def steps_table(recommended: Recommendation) -> list[str]:
    """Every setting's best step, fastest first."""
    fastest = max(each.throughput for each in recommended.evidence)
    rows = [
        f"| {in_words(each.setting)}{' (recommended)' if each == recommended.best else ''} | {count(each.users)} "
        f"| {number(each.throughput)} | {percent(each.throughput / fastest)} "
        f"| {'-' if each.p95 is None else duration(each.p95)} |"
        for each in sorted(recommended.evidence, key=lambda each: -each.throughput)
    ]
    return [
        f"| Best step of each setting, {text(recommended.route)} | Users | Requests/s | Of the fastest | p95 |",
        "|---|---:|---:|---:|---:|",
        *rows,
    ]


def text(value: str) -> str:
    """A string as Markdown shows it literally, on one line."""
    return re.sub(r"([\\`*_{}\[\]<>#|~])", r"\\\1", " ".join(value.split()))
