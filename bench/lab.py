"""The lab, as the suites use it: run experiments on this repository's app, or simulate a run of them."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.processes import ROOT
from functune.analysis.verdict import Analysis
from functune.environment import usable_cores
from functune.experiments import Experiment, load
from functune.measurements import Measurement
from functune.planning import planner
from functune.report import run_folder
from functune.sweep import sweep
from functune.trials import PlannedTrial
from tests.analysis import simulated
from tests.report import written


def shipped_experiments() -> list[Experiment]:
    """The experiments of ``experiments/``, in the order of their file names."""
    return [experiment for path in sorted((ROOT / "experiments").glob("*.toml")) for experiment in load(path)]


async def measured(experiments: Sequence[Experiment], out: Path) -> list[Analysis]:
    """Run the experiments with the run folder ``out`` and return their analyses, in the same order."""
    folder = await sweep(
        experiments,
        out=out,
        script_root=ROOT,
        on_progress=lambda _: None,
        planner=planner(cores=usable_cores()),
        calibrated=False,
    )
    return run_folder.read(folder, run_folder.read_environment(folder))


def simulated_run(experiments: Sequence[Experiment], folder: Path) -> Path:
    """Write the run folder that a sweep of the experiments would leave on a machine of two cores; returns it."""
    return written.run_folder(
        folder, experiments, [step for experiment in experiments for step in _simulated_steps(experiment)]
    )


def _simulated_steps(experiment: Experiment) -> list[Measurement]:
    """The steps the planner asks for, each simulated: as many, and with as many latencies, as a real run has."""
    plan = planner(cores=simulated.CORES)
    steps: list[Measurement] = []
    while batch := plan(experiment, steps, []):
        for trial in batch:
            steps += _simulated_trial(trial, index=len(steps))
    return steps


def _simulated_trial(trial: PlannedTrial, *, index: int) -> Iterator[Measurement]:
    milliseconds = int(found[1]) if (found := re.search(r"ms=(\d+)", trial.route)) else 50
    cpu, wait = (milliseconds / 1000, 0.0) if "/cpu" in trial.route else (0.0003, milliseconds / 1000)
    name, duration = trial.experiment.name, trial.experiment.load.measure
    for rate in trial.arrival_rates:
        yield simulated.arrivals(
            rate,
            setting=trial.setting,
            cpu=cpu,
            wait=wait,
            route=trial.route,
            experiment=name,
            duration=duration,
            connections=trial.users[0],
            repeat=trial.repeat,
        )
    for users in () if trial.arrival_rates else trial.users:
        yield simulated.step(
            setting=trial.setting,
            users=users,
            cpu=cpu,
            wait=wait,
            handler="async def" if "/async" in trial.route or "/parallel" in trial.route else "def",
            blocks_loop="/async/cpu" in trial.route or "/blocking" in trial.route,
            route=trial.route,
            experiment=name,
            trial=index,
            duration=duration,
            jitter=0.2,
            noise=0.01,
            repeat=trial.repeat,
            phase=trial.phase,
            background=trial.experiment.workload.background if trial.background_users else None,
            background_users=trial.background_users,
        )
