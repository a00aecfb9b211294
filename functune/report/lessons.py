"""
docs/lessons.md: the lesson of each experiment of a run, with a picture and the figures behind it.

Only ``write_lessons`` touches files. The same run gives the same bytes.
"""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from functune.analysis.checks.expectations import Outcome, observe, result_in_words
from functune.analysis.experiment import ExperimentFindings
from functune.analysis.numbers.levels import Level
from functune.experiments.model import Experiment, Metric
from functune.formatting import joined, number, plural
from functune.report.charts.lesson_picture import LessonBar, LessonPicture, Panel, picture_files
from functune.report.decisive_steps import DecisiveStep, decisive_steps
from functune.report.document import find_all
from functune.report.summary import RESULT_MARKS, as_markdown
from functune.run.environment import Environment
from functune.run.folder import RunFolder

LESSONS_FILE = "lessons.md"
PICTURES = "images/lessons"
"""The folder of the pictures, next to the document."""

TITLES: dict[Metric, str] = {
    "throughput": "Requests per second",
    "p50_ms": "Latency of the median request, ms",
    "p95_ms": "Latency, 95th percentile, ms",
    "p99_ms": "Latency, 99th percentile, ms",
    "error_ratio": "Share of failed requests",
    "memory_mb": "Memory of host and workers, MB",
}
METRIC_HEADS: dict[Metric, str] = {
    "throughput": "Requests/s",
    "p50_ms": "p50, ms",
    "p95_ms": "p95, ms",
    "p99_ms": "p99, ms",
    "error_ratio": "Failed",
    "memory_mb": "Memory, MB",
}
BAR_UNITS: dict[Metric, str] = {"throughput": "/s", "error_ratio": "", "memory_mb": " MB"}
ALWAYS: tuple[Metric, ...] = ("throughput", "p50_ms", "p95_ms")
"""Columns of every table; expectations about other metrics add theirs."""


class Lesson(msgspec.Struct, frozen=True, kw_only=True):
    """One experiment of a run, with the steps that decide its question."""

    findings: ExperimentFindings
    steps: tuple[DecisiveStep, ...]

    @property
    def experiment(self) -> Experiment:
        """The experiment that was run."""
        return self.findings.experiment


def write_lessons(folder: RunFolder, out: Path) -> Path:
    """
    Write the document and its pictures into ``out`` from a run folder; return the document's path.

    Pictures of other lessons are removed. Raises RunFolderError as the report does.
    """
    found = [lesson_of(findings) for findings in find_all(folder)]
    drawn = picture_files([lesson_picture(lesson) for lesson in found])
    pictures = out / PICTURES
    pictures.mkdir(parents=True, exist_ok=True)
    for old in pictures.glob("*.svg"):
        old.unlink()
    for lesson, file in zip(found, drawn, strict=True):
        (pictures / f"{lesson.experiment.name}.svg").write_text(file, encoding="utf-8")
    (out / LESSONS_FILE).write_text(lessons_document(found, folder.environment), encoding="utf-8")
    return out / LESSONS_FILE


def lesson_of(findings: ExperimentFindings) -> Lesson:
    """The lesson of an experiment."""
    levels = (*findings.levels, *findings.arrivals)
    return Lesson(findings=findings, steps=decisive_steps(findings.experiment, levels))


def lesson_picture(lesson: Lesson) -> LessonPicture:
    """A panel for each metric that an expectation is about, if there are bars to compare."""
    panels = [Panel(title=TITLES[metric], bars=lesson_bars(lesson, metric)) for metric in expected_metrics(lesson)]
    panels = [panel for panel in panels if len(panel.bars) > 1] or panels
    return LessonPicture(panels=panels, alternative=panels_in_words(panels))


def lesson_bars(lesson: Lesson, metric: Metric) -> list[LessonBar]:
    """The metric of every step that has an expectation about it; a step without a value has no bar."""
    values = [(shown.label, observe(metric, shown.level)) for shown in lesson.steps if metric in shown.metrics]
    return [
        LessonBar(label=name, value=value, text=f"{number(value)}{BAR_UNITS.get(metric, ' ms')}")
        for name, value in values
        if value is not None
    ]


def expected_metrics(lesson: Lesson) -> list[Metric]:
    """The metrics that expectations are about, in their order."""
    return list(dict.fromkeys(expectation.metric for expectation in lesson.experiment.expect))


def panels_in_words(panels: Sequence[Panel]) -> str:
    """The picture in words."""
    return "; ".join(
        f"{panel.title}: " + ", ".join(f"{bar.label} {bar.text}" for bar in panel.bars) for panel in panels
    )


def lessons_document(found: Sequence[Lesson], environment: Environment) -> str:
    """The whole document."""
    rows = [
        f"| [{as_markdown(lesson.experiment.question)}](#{lesson.experiment.name}) "
        f"| {as_markdown(lesson_answer(lesson))} |"
        for lesson in found
    ]
    head = [
        "# Lessons",
        "",
        "The result of each experiment of this project, from its latest run. `make lessons` writes this file: edit the",
        "experiment files instead.",
        "",
        measured_on(environment),
        "Ratios carry over to other machines, absolute numbers do not.",
        "",
        "| Question | Answer of this run |",
        "|---|---|",
        *rows,
        "",
    ]
    return "\n".join([*head, *(lesson_section(lesson) for lesson in found)])


def lesson_section(lesson: Lesson) -> str:
    """One lesson."""
    experiment, findings = lesson.experiment, lesson.findings
    workload = experiment.workload
    lines = [
        f"## {experiment.name}",
        "",
        f"**{as_markdown(experiment.question)}**",
        "",
        as_markdown(lesson_answer(lesson)),
        "",
    ]
    lines += [as_markdown(experiment.lesson), ""] if experiment.lesson else []
    lines += (
        [f"![{as_markdown(TITLES[expected_metrics(lesson)[0]])}]({PICTURES}/{experiment.name}.svg)", ""]
        if lesson.steps
        else []
    )
    lines += [*lesson_table(lesson), "", *common_line(lesson)] if lesson.steps else []
    if workload.background is not None:
        lines += [f"The background users call `{workload.background}`; their requests are not counted.", ""]
    if workload.target is not None:
        lines += [
            f"The handler calls a server on the same machine that answers after {workload.target.delay_ms} ms: "
            f"{plural(workload.target.urls, 'URL')} per request.",
            "",
        ]
    lines += [f"> ⚠️ {as_markdown(warning)}\n" for warning in findings.warnings]
    lines += [*claim_lines(findings.outcomes), ""] if findings.outcomes else []
    lines += ["Run it:", "", "```", f"functune sweep experiments/{experiment.name}.toml", "```", ""]
    return "\n".join(lines)


def lesson_answer(lesson: Lesson) -> str:
    """
    The answer of this run in a sentence.

    The verdict, which compares throughputs; the outcome of the first expectation where that is about another metric.
    """
    findings = lesson.findings
    if not findings.outcomes or lesson.experiment.expect[0].metric == "throughput":
        return findings.verdict
    first = findings.outcomes[0]
    if first.result == "holds":
        return f"{first.claim[:1].upper()}{first.claim[1:]}: {first.observed_text} in this run."
    found = f"{result_in_words(first)}; observed {first.observed_text}, expected {first.allowed}"
    return f"This run does not answer it ({found}): {first.claim}."


def lesson_table(lesson: Lesson) -> list[str]:
    """The decisive steps."""
    columns = [*ALWAYS, *(metric for metric in expected_metrics(lesson) if metric not in ALWAYS)]
    return [
        f"| | {' | '.join(METRIC_HEADS[metric] for metric in columns)} |",
        f"|---|{'---:|' * len(columns)}",
        *(
            f"| {as_markdown(shown.label)} | {' | '.join(metric_cell(metric, shown.level) for metric in columns)} |"
            for shown in lesson.steps
        ),
    ]


def common_line(lesson: Lesson) -> list[str]:
    """The setting and users that all steps of the table share, which their labels omit."""
    levels = [shown.level for shown in lesson.steps if shown.level is not None]
    alike = [one.in_words for one in {level.setting for level in levels}]
    # Arrivals have no users: their number of connections limits nothing.
    loads = {level.users if level.share is None else None for level in levels}
    users = [plural(count, "user") for count in loads if count is not None] if len(loads) == 1 else []
    parts = [each[0] for each in (alike, users) if len(each) == 1]
    return [f"All with {joined(parts)}.", ""] if parts and len(levels) > 1 else []


def metric_cell(metric: Metric, level: Level | None) -> str:
    """A metric in a table; a dash where it was not measured or has too few requests for the percentile."""
    value = observe(metric, level)
    return "-" if value is None else number(value)


def claim_lines(outcomes: Sequence[Outcome]) -> list[str]:
    """The expectations and their outcomes."""
    return [
        "| | Expected | Observed | Allowed |",
        "|---|---|---:|---:|",
        *(
            f"| {RESULT_MARKS[outcome.result]} {as_markdown(result_in_words(outcome))} | {as_markdown(outcome.claim)} "
            f"| {as_markdown(outcome.observed_text)} | {as_markdown(outcome.allowed)} |"
            for outcome in outcomes
        ),
    ]


def measured_on(environment: Environment) -> str:
    """The machine and the software, as far as the run recorded them."""
    memory = environment.memory_mb
    parts = [
        environment.cores_said or "",
        f"{number(memory / 1024, digits=2)} GB of memory" if memory is not None else "",
        environment.python,
        environment.host,
    ]
    started = environment.started_at.partition("T")[0]
    return f"Measured{f' on {started}' if started else ''} with {', '.join(part for part in parts if part)}."
