"""A run folder as the sweep leaves it, from simulated measurements."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from functune import experiments, measurements
from functune.experiments import Expectation, Experiment, Load, Matrix, Where, Workload, trials
from functune.measurements import Calibration, Failure, Measurement, Setting
from tests.analysis.simulated import arrivals, planned, step, sweep

ENVIRONMENT = {
    "cpu_count": 2,
    "python": "3.13.5",
    "platform": "Linux",
    "host": "local",
    "started_at": "2026-02-03T10:11:12Z",
    "versions": {"azure-functions": "2.3.0"},
    "something_new": ["a", None],
}


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


def waits() -> tuple[Experiment, list[Measurement]]:
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
        for index, trial in enumerate(trials(experiment))
        for users in LEVELS
        if trial.setting != BROKEN
    ]
    busy, refusing = measured[3], measured[20]
    measured[3] = msgspec.structs.replace(busy, generator_cpu=0.97)
    measured[20] = msgspec.structs.replace(refusing, error_latencies_us=[900] * 40, errors={"HTTP 429": 40})
    for setting in (Setting(thread_count=64), Setting()):
        for share in experiment.load.arrivals:
            measured.append(arrivals(round(550 * share), setting=setting, experiment=experiment.name, route=route))
    return experiment, measured


def computes() -> tuple[Experiment, list[Measurement]]:
    """A handler that computes, alone and beside others, measured once."""
    experiment = Experiment(
        name="computes",
        question="What makes a handler that computes faster: threads or processes?",
        workload=Workload(routes=("/api/sync/cpu?ms=20",), background="/api/sync/sleep?ms=50", background_users=(0, 8)),
        settings=Matrix(thread_count=(1, 16), process_count=(1, 2), per_instance_concurrency=("unset", 4)),
        load=Load(users=LEVELS[:6], warm_up=1.0, measure=3.0),
        memory_mb=4096,
    )
    return experiment, [
        step(
            setting=trial.setting,
            users=users,
            experiment=experiment.name,
            route=trial.route,
            trial=index,
            cpu=0.02 + 0.004 * bool(trial.background_users),
            wait=0.0005,
            jitter=0.3,
            duration=6,
            contention=0.004,
            coherency=0.0003,
            background=experiment.workload.background if trial.background_users else None,
            background_users=trial.background_users,
        )
        for index, trial in enumerate(trials(experiment))
        for users in experiment.load.users
    ]


LEVELS = (1, 2, 4, 8, 16, 32, 64, 128)
BROKEN = Setting(thread_count=64, process_count=2)
FAILURES = [
    Failure(
        experiment="waits",
        trial=8,
        repeat=0,
        phase="capacity",
        route="/api/sync/sleep?ms=100",
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
    return run_folder(
        folder,
        [first, second],
        [*first_steps, *second_steps],
        {**ENVIRONMENT, "git_commit": "9d65af4d1c1f4d5f1d0f4f5a3a3c6c1f2b7e8d90"},
        calibrations=CALIBRATIONS,
        failures=FAILURES,
    )


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
    for name, lines in ((measurements.CALIBRATIONS, calibrations), (measurements.FAILURES, failures)):
        if lines:
            (folder / name).write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in lines))
    (folder / experiments.FILE_NAME).write_text(experiments.dumps(planned), encoding="utf-8")
    (folder / "environment.json").write_text(json.dumps(environment or ENVIRONMENT), encoding="utf-8")
    (folder / measurements.FILE_NAME).write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in measured))
    return folder
