"""summary.md: the verdicts as Markdown, for a pull request or a CI job summary."""

import re
from collections.abc import Sequence

from functune.analysis.expectations import Result, result_in_words
from functune.analysis.formatting import count, duration, number, percent
from functune.analysis.formatting import setting as in_words
from functune.analysis.recommendation import Recommendation
from functune.analysis.verdict import Advice, Analysis

RESULT_MARKS: dict[Result, str] = {"holds": "✅", "fails": "❌", "not judged": "❔"}


def summary(analyses: Sequence[Analysis]) -> str:
    """One section per experiment: verdict, settings to set, each setting's best step, expectations."""
    return "\n".join(summary_section(analysis) for analysis in analyses)


def summary_section(analysis: Analysis) -> str:
    """One experiment."""
    experiment = analysis.experiment
    lines = [f"## {as_markdown(experiment.question)}", "", f"**{as_markdown(analysis.verdict)}**", ""]
    for warning in analysis.warnings:
        lines += [f"⚠️ {as_markdown(warning)}", ""]
    for advice in analysis.advice:
        lines += [*settings_block(advice), ""]
    for recommended in analysis.recommendations:
        lines += [
            as_markdown(f"{recommended.reason} {recommended.certainty}".strip()),
            "",
            *best_steps_table(recommended),
            "",
        ]
    if analysis.outcomes:
        lines += ["| | Expectation | Observed | Allowed |", "|---|---|---:|---:|"]
        lines += [
            f"| {RESULT_MARKS[outcome.result]} {as_markdown(result_in_words(outcome))} | {as_markdown(outcome.claim)} "
            f"| {as_markdown(outcome.observed_text)} | {as_markdown(outcome.allowed)} |"
            for outcome in analysis.outcomes
        ]
        lines.append("")
    measured = f"{count(len(analysis.measurements))} of {count(analysis.planned)} steps of {experiment.name} measured."
    caveats = dict.fromkeys(caveat for each in analysis.recommendations for caveat in each.caveats)
    return "\n".join([*lines, as_markdown(" ".join([measured, *caveats])), ""])


def settings_block(advice: Advice) -> list[str]:
    """The settings to set as a list."""
    routes = ", ".join(as_markdown(route) for route in advice.routes)
    return [
        f"Settings for {routes}:",
        "",
        *(
            f"- leave `{name}` unset" if value is None else f"- `{name}={value}`"
            for name, value in advice.settings_to_set.items()
        ),
    ]


def best_steps_table(recommended: Recommendation) -> list[str]:
    """Every setting's best step, fastest first."""
    fastest = max(each.throughput for each in recommended.evidence)
    rows = [
        f"| {in_words(each.setting)}{' (recommended)' if each == recommended.best else ''} | {count(each.users)} "
        f"| {number(each.throughput)} | {percent(each.throughput / fastest)} "
        f"| {'-' if each.p95 is None else duration(each.p95)} |"
        for each in sorted(recommended.evidence, key=lambda each: -each.throughput)
    ]
    return [
        f"| Best step of each setting, {as_markdown(recommended.route)} | Users | Requests/s "
        "| Share of the fastest | p95 |",
        "|---|---:|---:|---:|---:|",
        *rows,
    ]


def as_markdown(value: str) -> str:
    """The string escaped, so that Markdown shows it literally, on one line."""
    return re.sub(r"([\\`*_{}\[\]<>#|~])", r"\\\1", " ".join(value.split()))
