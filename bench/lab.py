"""The lab, as the suites use it: run experiments on this repository's app, or simulate a run of them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from bench.processes import ROOT
from functune.analysis.experiment import ExperimentFindings
from functune.experiments.model import Experiment
from functune.hosts.local import LOCAL_HOST
from functune.hosts.registry import kind_for_settings
from functune.hosts.served_app import ServedApp
from functune.report.document import find_all
from functune.run.environment import Environment, collect_environment
from functune.run.folder import RunFolder
from functune.run.measurement import Measurement
from functune.sweep.beginning import experiments_and_inputs
from functune.sweep.planner import SearchPlanner
from functune.sweep.run import measure_run
from functune.sweep.trials import PlannedTrial
from tests.analysis import simulated


def shipped_experiments() -> tuple[list[Experiment], dict[str, bytes]]:
    """The experiments of ``experiments/``, in the order of their file names, and the files that they name."""
    return experiments_and_inputs(sorted((ROOT / "experiments").glob("*.toml")))


async def measured(
    experiments: Sequence[Experiment], out: Path, *, app: Path = ROOT, inputs: Mapping[str, bytes] = {}
) -> tuple[ExperimentFindings, ...]:
    """
    Run the experiments on an app with the run folder ``out`` and return their findings, in the same order.

    ``inputs`` are the contents of the files that they name.
    """
    here = collect_environment(script_root=app, host=LOCAL_HOST.name, host_kind="local", command=[])
    folder = RunFolder.create(out, experiments, here, inputs=inputs)
    await measure_run(
        folder,
        app=ServedApp(app),
        kind=kind_for_settings(LOCAL_HOST, {host for each in experiments for host in each.settings.host}),
        planner=SearchPlanner(cores=here.machine_cores),
        on_progress=lambda _: None,
        calibrated=False,
    )
    return find_all(folder)


def simulated_run(experiments: Sequence[Experiment], path: Path, inputs: Mapping[str, bytes]) -> Path:
    """Write the run folder that a sweep of the experiments would leave on a machine of two cores; returns its path."""
    here = Environment(host_kind="local", cpu_count=simulated.CORES)
    folder = RunFolder.create(path, experiments, here, inputs=inputs)
    for experiment in experiments:
        for step in _simulated_steps(experiment):
            folder.append(step)
    return path


def _simulated_steps(experiment: Experiment) -> list[Measurement]:
    """The steps the planner asks for, each simulated: as many, and with as many latencies, as a real run has."""
    planner = SearchPlanner(cores=simulated.CORES)
    steps: list[Measurement] = []
    while batch := planner.next_trials(experiment, steps, []):
        for trial in batch:
            # Of the subject that was asked for, which may be a request with a name.
            found = _simulated_trial(trial, index=len(steps))
            steps += [msgspec.structs.replace(each, subject=trial.subject) for each in found]
    return steps


def _simulated_trial(trial: PlannedTrial, *, index: int) -> Iterator[Measurement]:
    subject = trial.subject
    milliseconds = int(found[1]) if (found := re.search(r"ms=(\d+)", subject.route)) else 50
    cpu, wait = (milliseconds / 1000, 0.0) if "/cpu" in subject.route else (0.0003, milliseconds / 1000)
    name, duration = trial.experiment.name, trial.experiment.load.measure
    for share, rate in zip(trial.shares, trial.arrival_rates, strict=True):
        yield simulated.arrivals(
            rate,
            share=share,
            setting=trial.setting,
            cpu=cpu,
            wait=wait,
            route=subject.route,
            experiment=name,
            duration=duration,
            connections=trial.users[0],
            repeat=trial.repeat,
        )
    for users in () if trial.shares else trial.users:
        yield simulated.step(
            setting=trial.setting,
            users=users,
            cpu=cpu,
            wait=wait,
            handler="async def" if "/async" in subject.route or "/parallel" in subject.route else "def",
            blocks_loop="/async/cpu" in subject.route or "/blocking" in subject.route,
            route=subject.route,
            experiment=name,
            trial=index,
            duration=duration,
            jitter=0.2,
            noise=0.01,
            repeat=trial.repeat,
            phase=trial.phase,
            background=subject.background,
            background_users=subject.background_users,
        )
