"""A run folder as the sweep leaves it, from simulated measurements."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from functune import experiments, measurements
from functune.experiments import Expectation, Experiment, Matrix, Where
from functune.measurements import Measurement
from tests.analysis.simulated import planned, sweep

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


def run_folder(
    folder: Path,
    planned: Sequence[Experiment],
    measured: Iterable[Measurement],
    environment: dict[str, object] | None = None,
) -> Path:
    """The folder, with the three files the report reads."""
    (folder / experiments.FILE_NAME).write_text(experiments.dumps(planned), encoding="utf-8")
    (folder / "environment.json").write_text(json.dumps(environment or ENVIRONMENT), encoding="utf-8")
    (folder / measurements.FILE_NAME).write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in measured))
    return folder
