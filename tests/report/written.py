"""A run folder as the sweep leaves it, from simulated measurements."""

import functools
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from functune.experiments.file import experiments_toml
from functune.experiments.model import Expectation, Experiment, Load, Matrix, Where, Workload
from functune.experiments.planned import planned_trials
from functune.experiments.subject import Subject
from functune.report.document import ReportDocument, read_document
from functune.run.folder import CALIBRATIONS as CALIBRATION_FILE
from functune.run.folder import ENVIRONMENT as ENVIRONMENT_FILE
from functune.run.folder import EXPERIMENTS, MEASUREMENTS, RunFolder
from functune.run.folder import FAILURES as FAILURE_FILE
from functune.run.measurement import Calibration, Failure, Measurement
from functune.run.profile import PROFILE, Profile, ProfileLine, StepProfile
from functune.setting import Setting
from tests.analysis.simulated import arrivals, planned, step, sweep

ENVIRONMENT = {
    "cpu_count": 2,
    "python": "3.13.5",
    "platform": "Linux",
    "host": "local",
    "started_at": "2026-02-03T10:11:12Z",
    "versions": {"azure-functions": "2.3.0"},
    "load_average": [0.8, 0.25, 0.5],
}
"""Its other fields are not known."""


def threads() -> tuple[Experiment, list[Measurement]]:
    """Threads by processes, with an expectation that holds and one that fails."""
    at_16, at_1 = (Where(thread_count=count, process_count=1, users=64) for count in (16, 1))
    experiment = planned(
        settings=Matrix(thread_count=(1, 16, "unset"), process_count=(1, 2)),
        expect=(
            Expectation(claim="16 threads serve 160", metric="throughput", where=at_16, at_least=152, at_most=163),
            Expectation(claim="1 thread is as fast", metric="throughput", where=at_1, over=at_16, at_least=0.9),
        ),
    )
    return experiment, sweep(experiment, jitter=0.1)


def routes() -> tuple[Experiment, list[Measurement]]:
    """Two routes with one setting, one of them blocking its event loop."""
    experiment = planned(
        name="blocked",
        question="What does blocking cost?",
        routes=("/async/sleep", "/async/blocking"),
        settings=Matrix(),
    )
    return experiment, sweep(experiment, blocking=["/async/blocking"], jitter=0.1)


@functools.cache
def waits() -> tuple[Experiment, tuple[Measurement, ...]]:
    """
    All a run can hold: repeats, a noisy machine, arrivals, an objective, a void step, one that failed its requests.

    One setting is missing (see FAILURES).
    """
    at_64 = Where(thread_count=16, process_count=1, users=64)
    experiment = Experiment(
        name="waits",
        question="How many threads does a handler that waits need?",
        lesson="A def handler occupies a thread while it waits, so throughput is threads x processes / service time.",
        workload=Workload(routes=("/api/sync/sleep?ms=100",)),
        settings=Matrix(thread_count=(1, 4, 16, 64, "unset"), process_count=(1, 2)),
        load=Load(users=LEVELS, warm_up=1.0, measure=3.0, repeats=5, seed=7, arrivals=(0.5, 0.7, 0.85, 0.95)),
        objective="p95 < 300ms",
        expect=(
            Expectation(claim="16 threads serve 160", metric="throughput", where=at_64, at_least=135, at_most=166),
            Expectation(claim="16 threads answer within 300 ms", metric="p95_ms", where=at_64, at_most=300),
            Expectation(claim="it needs 64 free cores", metric="p50_ms", where=at_64, at_least=1, free_cores=64),
        ),
    )
    route = experiment.workload.routes[0]
    measured = [
        step(
            setting=trial.setting,
            users=users,
            experiment=experiment.name,
            route=route,
            trial=10 * repeat + index,
            repeat=repeat,
            noise=0.015,
            jitter=0.15,
            contention=0.0015,
        )
        for repeat in range(5)
        for index, trial in enumerate(planned_trials(experiment))
        for users in LEVELS
        if trial.setting != BROKEN
    ]
    busy, refusing = measured[3], measured[20]
    measured[3] = msgspec.structs.replace(busy, generator_cpu=0.97)
    measured[20] = msgspec.structs.replace(refusing, error_latencies_us=[900] * 40, errors={"HTTP 429": 40})
    for setting in (Setting(thread_count=64), Setting()):
        for share in experiment.load.arrivals:
            rate = round(550 * share)
            measured.append(arrivals(rate, setting=setting, experiment=experiment.name, route=route, share=share))
    return experiment, tuple(measured)


@functools.cache
def computes() -> tuple[Experiment, tuple[Measurement, ...]]:
    """A handler that computes, alone and with background load, measured once."""
    experiment = Experiment(
        name="computes",
        question="What makes a handler that computes faster: threads or processes?",
        workload=Workload(routes=("/api/sync/cpu?ms=20",), background="/api/sync/sleep?ms=50", background_users=(0, 8)),
        settings=Matrix(thread_count=(1, 16), process_count=(1, 2), per_instance_concurrency=("unset", 4)),
        load=Load(users=LEVELS[:6], warm_up=1.0, measure=3.0),
        memory_mb=4096,
    )
    return experiment, tuple(
        step(
            setting=trial.setting,
            users=users,
            experiment=experiment.name,
            route=trial.subject.route,
            trial=index,
            cpu=0.02 + 0.004 * bool(trial.subject.background_users),
            wait=0.0005,
            jitter=0.3,
            duration=6,
            contention=0.004,
            coherency=0.0003,
            background=trial.subject.background,
            background_users=trial.subject.background_users,
        )
        for index, trial in enumerate(planned_trials(experiment))
        for users in experiment.load.users
    )


LEVELS = (1, 2, 4, 8, 16, 32, 64, 128)
BROKEN = Setting(thread_count=64, process_count=2)
FAILURES = [
    Failure(
        experiment="waits",
        trial=8,
        repeat=0,
        phase="capacity",
        subject=Subject(route="/api/sync/sleep?ms=100"),
        setting=BROKEN,
        cause="worker 2 (pid 4121) sent no ready message within 60 s\nThe last lines of the host:\nMemoryError",
    )
]
CALIBRATIONS = [
    Calibration(at=1_760_000_000.0, users=64, throughput=9_800.0, latency_p50_us=6_100.0, generator_cpu=0.99),
    Calibration(at=1_760_000_900.0, users=64, throughput=9_450.0, latency_p50_us=6_300.0, generator_cpu=0.99),
]


def full_run(folder: Path) -> Path:
    """A run folder with every kind of line, as a long sweep leaves it."""
    (first, first_steps), (second, second_steps) = waits(), computes()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / PROFILE).write_bytes(msgspec.json.encode(waiting_profile(first)))
    return run_folder(
        folder,
        [first, second],
        [*first_steps, *second_steps],
        {**ENVIRONMENT, "git_commit": "9d65af4d1c1f4d5f1d0f4f5a3a3c6c1f2b7e8d90"},
        calibrations=CALIBRATIONS,
        failures=FAILURES,
    )


def waiting_profile(experiment: Experiment) -> Profile:
    """The profile of a lock, at one user and at 16."""
    subject = Subject(route=experiment.workload.routes[0])
    steps = [
        (1, [(12, "time.sleep", "sleep", 0.99)]),
        (16, [(11, "Lock.acquire", "lock", 14.9), (12, "time.sleep", "sleep", 1.0)]),
    ]
    return Profile(
        steps=tuple(
            StepProfile(
                experiment=experiment.name,
                subject=subject,
                setting=Setting(thread_count=16),
                users=users,
                seconds=1.0,
                calls=10,
                samples=100,
                lines=tuple(
                    ProfileLine(
                        file="blueprints/a_module_with_a_long_name/stock.py",
                        line=number,
                        function="Stock.reserve",
                        state="waiting",
                        waits_in=waits_in,
                        kind=kind,
                        on_loop=False,
                        seconds=seconds,
                        cpu_seconds=0.0,
                        stack=("Stock.reserve (stock.py:11)",),
                    )
                    for number, waits_in, kind, seconds in lines
                ),
            )
            for users, lines in steps
        )
    )


def reported(
    folder: Path,
    *runs: tuple[Experiment, Iterable[Measurement]],
    environment: dict[str, object] | None = None,
    others: Sequence[RunFolder] = (),
) -> ReportDocument:
    """The document of a run of these experiments, each with its measurements."""
    measured = [step for _, steps in runs for step in steps]
    run_folder(folder, [experiment for experiment, _ in runs], measured, environment)
    return read_document(RunFolder.open(folder), others=others)


def run_folder(
    folder: Path,
    planned: Sequence[Experiment],
    measured: Iterable[Measurement],
    environment: dict[str, object] | None = None,
    *,
    calibrations: Sequence[Calibration] = (),
    failures: Sequence[Failure] = (),
) -> Path:
    """The folder, with the files the report reads."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in ((CALIBRATION_FILE, calibrations), (FAILURE_FILE, failures)):
        if lines:
            (folder / name).write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in lines))
    (folder / EXPERIMENTS).write_text(experiments_toml(planned), encoding="utf-8")
    (folder / ENVIRONMENT_FILE).write_text(
        json.dumps(ENVIRONMENT if environment is None else environment), encoding="utf-8"
    )
    (folder / MEASUREMENTS).write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in measured))
    return folder
