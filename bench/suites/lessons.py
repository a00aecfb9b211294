"""The shipped experiments, measured with Locust."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import bounds, lab
from bench.figure import Bound, Figure
from functune.analysis.littles_law import residual
from functune.analysis.verdict import Analysis
from functune.experiments import Expectation, Metric

UNITS: dict[Metric, str] = {
    "throughput": "requests/s",
    "p50_ms": "ms",
    "p95_ms": "ms",
    "p99_ms": "ms",
    "error_ratio": "",
    "memory_mb": "MB",
}


async def lessons() -> AsyncIterator[Figure]:
    """The shipped experiments: Little's law on every step, and the expectations of each experiment."""
    with TemporaryDirectory() as folder:
        analyses = await lab.measured(lab.shipped_experiments(), Path(folder) / "run")
    worst, step = max(
        ((residual(step) or 0.0, step) for analysis in analyses for step in analysis.measurements),
        key=lambda pair: pair[0],
    )
    yield Figure(bounds.LITTLES_LAW, (worst,), detail=f"{step.route}, {step.setting}, {step.users} users")
    for analysis in analyses:
        for figure in expectations(analysis):
            yield figure


def expectations(analysis: Analysis) -> Iterator[Figure]:
    """
    A figure per expectation; one that the machine is too busy to judge is printed and yields none.

    Raises SystemExit when the steps of an expectation were not measured.
    """
    for expected, outcome in zip(analysis.experiment.expect, analysis.outcomes, strict=True):
        if outcome.observed is None:
            raise SystemExit(f"not measured: {outcome.claim}")
        if outcome.result == "not judged":
            print(f"  not judged: {outcome.claim}: {outcome.reason}", flush=True)
        else:
            yield Figure(bound(expected), (outcome.observed,), detail=analysis.experiment.name)


def bound(expected: Expectation) -> Bound:
    """The expectation as the bound of a figure."""
    unit = "" if expected.over else UNITS[expected.metric]
    return Bound(expected.claim, unit, at_least=expected.at_least, at_most=expected.at_most)
