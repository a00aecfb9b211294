"""The shipped experiments, measured with Locust."""

from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import bounds, lab
from bench.figure import Bound, Figure, NotMeasuredError
from functune.analysis.checks.expectations import Outcome
from functune.analysis.experiment import ExperimentFindings
from functune.analysis.laws import littles_law
from functune.analysis.numbers.levels import Level
from functune.experiments.model import Expectation
from functune.formatting import plural


async def lessons() -> AsyncIterator[Figure]:
    """The shipped experiments: Little's law at every level, and the expectations of each experiment."""
    experiments, inputs = lab.shipped_experiments()
    with TemporaryDirectory() as folder:
        every = await lab.measured(experiments, Path(folder) / "run", inputs=inputs)
    yield law_figure([level for findings in every for level in findings.levels])
    for findings in every:
        for figure in expectations(findings):
            yield figure
    if missing := [outcome.claim for findings in every for outcome in findings.outcomes if outcome.observed is None]:
        raise NotMeasuredError(f"no step for: {'; '.join(missing)}")


def law_figure(levels: Sequence[Level]) -> Figure:
    """
    The largest residual of Little's law.

    A level whose window is too short for its latency is counted, not judged: the edges of the window explain its
    residual. Raises NotMeasuredError when no level can be checked.
    """
    soundness = [littles_law.soundness(level.figures) for level in levels]
    checked = [level for level, sound in zip(levels, soundness, strict=True) if sound in ("sound", "broken")]
    if not checked:
        raise NotMeasuredError("Little's law could be checked at no level: measure longer windows")
    worst = max(checked, key=residual)
    return Figure(
        bounds.LITTLES_LAW,
        (residual(worst),),
        detail=f"{worst.subject}, {worst.setting}, {worst.load_in_words}; {plural(len(checked), 'level')} checked, "
        f"{soundness.count('window too short')} with a window too short for a check",
    )


def residual(level: Level) -> float:
    """The relative residual of Little's law; 0 where nothing was in flight."""
    return littles_law.residual(level.figures) or 0.0


def expectations(findings: ExperimentFindings) -> Iterator[Figure]:
    """A figure per expectation that was measured; one that the machine is too busy to judge is printed instead."""
    for expected, outcome in zip(findings.experiment.expect, findings.outcomes, strict=True):
        if outcome.result == "not judged":
            print(f"  not judged: {outcome.claim}: {outcome.reason}", flush=True)
        elif outcome.observed is not None:
            yield Figure(bound(expected, outcome), (outcome.observed,), detail=findings.name)


def bound(expected: Expectation, outcome: Outcome) -> Bound:
    """The expectation as the bound of a figure."""
    return Bound(expected.claim, outcome.unit, at_least=expected.at_least, at_most=expected.at_most)
