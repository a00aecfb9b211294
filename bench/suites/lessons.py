"""The shipped experiments, measured with Locust."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import bounds, lab
from bench.figure import Bound, Figure, NotMeasuredError
from functune.analysis.expectations import Outcome
from functune.analysis.littles_law import residual
from functune.analysis.verdict import Analysis
from functune.experiments import Expectation


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
    if missing := [outcome.claim for analysis in analyses for outcome in analysis.outcomes if outcome.observed is None]:
        raise NotMeasuredError(f"no step for: {'; '.join(missing)}")


def expectations(analysis: Analysis) -> Iterator[Figure]:
    """A figure per expectation that was measured; one that the machine is too busy to judge is printed instead."""
    for expected, outcome in zip(analysis.experiment.expect, analysis.outcomes, strict=True):
        if outcome.result == "not judged":
            print(f"  not judged: {outcome.claim}: {outcome.reason}", flush=True)
        elif outcome.observed is not None:
            yield Figure(bound(expected, outcome), (outcome.observed,), detail=analysis.experiment.name)


def bound(expected: Expectation, outcome: Outcome) -> Bound:
    """The expectation as the bound of a figure."""
    return Bound(expected.claim, outcome.unit, at_least=expected.at_least, at_most=expected.at_most)
