"""
report.json: every figure of the report, for programs. Its published schema is generated from the types here.

The same document is embedded in the page. Times are in seconds unless a name says otherwise, throughputs in requests
per second. It holds no raw latencies: those are in measurements.jsonl.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from functune.analysis.bounds import Demand
from functune.analysis.expectations import Outcome
from functune.analysis.findings import Findings, RouteFindings
from functune.analysis.plan_settings import PlanSettings
from functune.analysis.standings import Standing
from functune.analysis.statistics import Interval
from functune.analysis.time_split import Split
from functune.analysis.trust import Trust, Worst, named
from functune.analysis.usl import Fit, Refused
from functune.analysis.verdict import Advice
from functune.measurements import Calibration, Failure, Setting
from functune.report.contents import Compared, Contents
from functune.report.step_rows import Row, closed_rows, open_rows, significant

REPORT_SCHEMA_VERSION = 1
SCHEMA_ID = "report.schema.json"


class Law(msgspec.Struct, frozen=True, kw_only=True):
    """The Universal Scalability Law of a setting: X(N) = g N / (1 + a (N - 1) + b N (N - 1)), or why there is none."""

    setting: Setting
    refused: str | None
    """Why no curve is drawn; the rest is None then."""
    performance: float | None
    """g, requests per second of one user."""
    contention: float | None
    """a."""
    coherency: float | None
    """b."""
    r_squared: float | None
    """In log X."""
    peak_users: float | None
    """None where no peak was found up to the most users measured."""
    peak_throughput: float | None
    peak_users_interval: tuple[float, float | None] | None
    performance_interval: Interval | None
    contention_interval: Interval | None
    coherency_interval: Interval | None


class Priced(msgspec.Struct, frozen=True, kw_only=True):
    """A step that no other beats in both cost and latency."""

    setting: Setting
    users: int
    cost_per_million: float
    p95: float


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Why a setting was not measured, or not to its end."""

    route: str
    setting: Setting
    reason: str


class RouteReport(msgspec.Struct, frozen=True, kw_only=True):
    """One route, or one route with one background load."""

    route: str
    recommended: Setting | None
    reason: str
    certainty: str
    caveats: tuple[str, ...]
    ties: tuple[Setting, ...]
    demand: Demand | None
    standings: tuple[Standing, ...]
    front: tuple[Priced, ...]
    laws: tuple[Law, ...]
    splits: tuple[Split, ...]
    steps: tuple[Row, ...]
    """The repeats of a step in one."""


class ExperimentReport(msgspec.Struct, frozen=True, kw_only=True):
    """One experiment."""

    name: str
    question: str
    lesson: str
    objective: str
    strategy: str
    memory_mb: int
    verdict: str
    warnings: tuple[str, ...]
    planned_steps: int
    measured_steps: int
    advice: tuple[Advice, ...]
    apply: tuple[PlanSettings, ...]
    expectations: tuple[Outcome, ...]
    routes: tuple[RouteReport, ...]
    failed: tuple[Reason, ...]
    skipped: tuple[Reason, ...]


class HighestValue(msgspec.Struct, frozen=True, kw_only=True):
    """A highest value, and the step that had it."""

    value: float
    at: str


class VoidStep(msgspec.Struct, frozen=True, kw_only=True):
    """A step that was measured and does not count."""

    at: str
    reason: str


class TrustReport(msgspec.Struct, frozen=True, kw_only=True):
    """Reliability of the figures."""

    steps: int
    repeats: tuple[int, int]
    """The fewest and the most of a step."""
    calibration_before: Calibration | None
    calibration_after: Calibration | None
    headroom: float | None
    """Throughput of the load generator alone, over that of the fastest step."""
    generator_cpu_cores: HighestValue | None
    generator_lag_p99: HighestValue | None
    generator_memory_mb: float | None
    other_cpu_cores: HighestValue | None
    littles_law_off: HighestValue | None
    void: tuple[VoidStep, ...]
    arrivals_intended: int
    arrivals_answered: int
    arrivals_late_p99: HighestValue | None
    warm_up: tuple[float, float] | None
    """The shortest and the longest of a step, seconds."""
    drift: dict[str, str]
    """By experiment, in words."""
    seeds: dict[str, int]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a report shows."""

    schema_version: Annotated[int, Meta(ge=1)] = REPORT_SCHEMA_VERSION
    currency: str
    """The currency of all costs, which are per million requests."""
    environment: dict[str, Any]
    """What the sweep recorded of the machine and the software."""
    experiments: tuple[ExperimentReport, ...]
    trust: TrustReport
    compared: tuple[Compared, ...]
    """The same routes on other servers."""
    failures: tuple[Failure, ...]


def report_document(contents: Contents) -> Report:
    """The document."""
    return Report(
        currency=contents.currency,
        environment=contents.environment,
        experiments=tuple(
            experiment_report(each, contents.apply.get(each.analysis.experiment.name, ())) for each in contents.findings
        ),
        trust=trust_report(contents.trust),
        compared=contents.compared,
        failures=contents.failures,
    )


def experiment_report(findings: Findings, apply: Sequence[PlanSettings]) -> ExperimentReport:
    """One experiment of the document."""
    analysis, asked = findings.analysis, findings.analysis.experiment
    return ExperimentReport(
        name=asked.name,
        question=asked.question,
        lesson=asked.lesson,
        objective=asked.objective,
        strategy=asked.strategy,
        memory_mb=asked.memory_mb,
        verdict=analysis.verdict,
        warnings=analysis.warnings,
        planned_steps=analysis.planned,
        measured_steps=len(analysis.measurements),
        advice=analysis.advice,
        apply=tuple(apply),
        expectations=analysis.outcomes,
        routes=tuple(route_report(each, analysis.demands.get(each.route)) for each in findings.routes),
        failed=listed_reasons(findings.failed),
        skipped=listed_reasons(findings.skipped),
    )


def listed_reasons(found: Mapping[tuple[str, Setting], str]) -> tuple[Reason, ...]:
    """Reasons by route and setting as a list."""
    return tuple(Reason(route=route, setting=setting, reason=reason) for (route, setting), reason in found.items())


def route_report(findings: RouteFindings, demand: Demand | None) -> RouteReport:
    """One route of the document."""
    recommended = findings.recommended
    return RouteReport(
        route=findings.route,
        recommended=recommended.setting if recommended else None,
        reason=recommended.reason if recommended else "",
        certainty=recommended.certainty if recommended else "",
        caveats=recommended.caveats if recommended else (),
        ties=recommended.ties if recommended else (),
        demand=demand,
        standings=findings.standings,
        front=tuple(
            Priced(
                setting=one.setting,
                users=one.users,
                cost_per_million=one.figures.cost or 0.0,
                p95=one.figures.p95 or 0.0,
            )
            for one in findings.front
        ),
        laws=tuple(law_report(setting, each) for setting, each in findings.curves.items()),
        splits=findings.splits,
        steps=(*closed_rows(findings), *open_rows(findings)),
    )


def law_report(setting: Setting, found: Fit | Refused) -> Law:
    """A curve, or why there is none."""
    fit = found if isinstance(found, Fit) else None
    return Law(
        setting=setting,
        refused=None if isinstance(found, Fit) else found.reason,
        performance=significant(fit.curve.performance) if fit else None,
        contention=significant(fit.curve.contention) if fit else None,
        coherency=significant(fit.curve.coherency) if fit else None,
        r_squared=significant(fit.r_squared) if fit else None,
        peak_users=significant(fit.peak.users) if fit and fit.peak else None,
        peak_throughput=significant(fit.peak.throughput) if fit and fit.peak else None,
        peak_users_interval=fit.peak.users_interval if fit and fit.peak else None,
        performance_interval=fit.interval("performance") if fit else None,
        contention_interval=fit.interval("contention") if fit else None,
        coherency_interval=fit.interval("coherency") if fit else None,
    )


def trust_report(trust: Trust) -> TrustReport:
    """Reliability of the figures, without the raw measurements."""
    backlog = trust.backlog
    return TrustReport(
        steps=trust.steps,
        repeats=trust.repeats,
        calibration_before=trust.before,
        calibration_after=trust.after,
        headroom=significant(trust.headroom),
        generator_cpu_cores=highest_value(trust.generator_cpu),
        generator_lag_p99=highest_value(trust.generator_lag_p99),
        generator_memory_mb=significant(trust.generator_rss_mb),
        other_cpu_cores=highest_value(trust.other_cpu),
        littles_law_off=highest_value(trust.littles_law),
        void=tuple(VoidStep(at=named(each.step), reason=each.reason) for each in trust.void),
        arrivals_intended=backlog.intended if backlog else 0,
        arrivals_answered=backlog.answered if backlog else 0,
        arrivals_late_p99=highest_value(backlog.late_p99) if backlog else None,
        warm_up=trust.warm_up,
        drift={name: drift.in_words for name, drift in trust.drifts if drift is not None},
        seeds=dict(trust.seeds),
    )


def highest_value(worst: Worst | None) -> HighestValue | None:
    """A highest value with its step in words; None where it is not known."""
    return None if worst is None else HighestValue(value=significant(worst.value) or 0.0, at=worst.at)


def to_json(document: Report) -> str:
    """The document as JSON, indented for people."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def to_compact_json(document: Report) -> str:
    """The document as JSON for a place in HTML: without ``<``, which could end its element."""
    return msgspec.json.encode(document).decode().replace("<", "\\u003c")


def schema() -> str:
    """The JSON Schema of report.json."""
    described = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA_ID}
    described |= msgspec.json.schema(Report)
    return msgspec.json.format(msgspec.json.encode(described), indent=2).decode() + "\n"


if __name__ == "__main__":
    print(schema(), end="")
