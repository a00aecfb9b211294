"""Measured runs: their findings, a comparison with another run, and a plan for other traffic."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from functune.analysis.comparison import MARGIN, Comparison
from functune.analysis.experiment import ExperimentFindings
from functune.capacity.asked_plan import conditions, planned_capacity
from functune.capacity.capacity_plan import CapacityPlan
from functune.errors import UsageError
from functune.report.compared import compare_folders
from functune.report.document import ReportDocument, find_all, read_document
from functune.report.links import PAGE
from functune.report.rows import measured_rows, step_rows
from functune.report.summary import summary
from functune.run.folder import RunFolder


class MeasuredRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run that was measured, or read from its folder."""

    folder: Path
    """The run folder, with report.html and the files for programs."""
    document: ReportDocument
    """The content of report.json: findings, advice for each plan, reliability, failures, profile."""

    @property
    def experiments(self) -> tuple[ExperimentFindings, ...]:
        """The findings of each experiment: verdict, recommendations, limits, expectations."""
        return self.document.experiments

    @property
    def page(self) -> Path:
        """The report, a single HTML file; ``IPython.display.IFrame(run.page, 1000, 800)`` shows it."""
        return self.folder / PAGE

    def rows(self, *, repeats: bool = False) -> list[dict[str, Any]]:
        """
        A dict for each step, its repeats together; the columns are those of measurements.csv, units in their names.

        With ``repeats`` a dict for each measurement, also for those that do not count, with the reason in ``void``.

            pandas.DataFrame(run.rows()).plot(x="users", y="throughput_per_s")
        """
        found = measured_rows(RunFolder.open(self.folder).measurements()) if repeats else step_rows(self.experiments)
        return [msgspec.structs.asdict(row) for row in found]

    def _repr_markdown_(self) -> str:
        """The verdicts as in summary.md, which a notebook shows."""
        return summary(self.document)


type RunSource = MeasuredRun | str | Path
"""A run, or the path of its folder."""


def read_run(folder: str | Path) -> MeasuredRun:
    """
    The run of a folder, which may be unfinished. Nothing is measured and nothing is written.

    Raises RunFolderError where there is no run, or none that this version reads.

        read_run("runs/2026-11-21-063000").rows()
    """
    path = Path(folder)
    return MeasuredRun(folder=path, document=read_document(RunFolder.open(path)))


def compare_runs(before: RunSource, after: RunSource, *, margin: float = MARGIN) -> Comparison:
    """
    What got better or worse between two runs, as ``functune compare`` finds it.

    ``margin`` is the smallest relative change that matters, 0.05 for 5 %. ``got_worse`` is the answer in one word,
    ``rows()`` the figures. Raises RunFolderError where the runs have no step in common.

        assert not compare_runs("runs/main", "runs/branch").got_worse
    """
    if not 0 <= margin < 1:
        raise UsageError(f"margin is {margin!r}: allowed is a share from 0 to below 1, such as 0.05")
    return compare_folders(opened(before), opened(after), margin=margin)


def plan_run(
    run: RunSource,
    traffic: str,
    *,
    objective: str | None = None,
    now: str | None = None,
    experiment: str | None = None,
    route: str | None = None,
    cold_start: tuple[float, float] | None = None,
    assume: Mapping[str, float] = {},
    prices: str | Path | None = None,
) -> CapacityPlan:
    """
    Instances, latency and the bill of a month on each hosting plan under some traffic, as ``functune plan`` finds them.

    ``traffic`` is a pattern such as ``daily:40:120`` or ``steady:2/s``, or a CSV file. ``now`` is the present
    configuration, such as ``flex:2048:16``; ``experiment`` and ``route`` name the subject, for a run of several;
    ``cold_start`` are the least and most seconds of a start. ``cheapest`` is the answer, None where no configuration
    keeps up; ``rows()`` has every forecast. Nothing is written.

        plan_run("runs/2026-11-21-063000", "daily:40:120", objective="p95 < 500ms").sentence
    """
    given_conditions = conditions(
        traffic, cold_start=cold_start, assume=assume.items(), prices=None if prices is None else Path(prices)
    )
    folder = opened(run)
    return planned_capacity(
        find_all(folder),
        folder.require_measurements(),
        given_conditions,
        objective=objective,
        now=now,
        experiment=experiment,
        route=route,
    )


def opened(run: RunSource) -> RunFolder:
    """The folder of a run. Raises RunFolderError."""
    return RunFolder.open(run.folder if isinstance(run, MeasuredRun) else Path(run))
