"""
The results of a load test as a measurement in a run folder.

Azure Load Testing writes a CSV file for each engine, in the log format of JMeter: a row for each request, with its
start, its time and its status. Worker times, cores and memory are not in them.
"""

import csv
import io
import itertools
import re
import zipfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import msgspec

from functune.azure_load_testing.asked import AskedLoadTest
from functune.errors import UsageError
from functune.experiments.file import read_experiments
from functune.experiments.inputs import with_inputs
from functune.experiments.model import Experiment, Load
from functune.experiments.planned import planned_settings
from functune.experiments.subject import Subject
from functune.load.records import Request, StepEnd
from functune.load.windows import Place, measure
from functune.run.environment import Environment
from functune.run.folder import EXPERIMENTS, RunFolder
from functune.run.measurement import Measurement

RESULT_COLUMNS = ("timeStamp", "elapsed", "label", "responseCode", "success")
"""Those that are read."""
LONGEST_MEASURE = 600.0
"""Seconds that an experiment may measure a step; a longer test is described by this in experiment.toml."""
LACKS = (
    "The results have the start, the time and the status of every request. They lack the times in the worker, the "
    "cores and the memory of the instances, and the cores of the engines: what limits the throughput is not known, and "
    "it may have been the engines. The clocks of the engines are not checked."
)
NO_ANSWER = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,60}")


class EngineResults(msgspec.Struct, frozen=True):
    """The requests of one engine."""

    file: str
    requests: list[Request]


def read_results(path: Path) -> list[EngineResults]:
    """
    The results of every engine, from a folder, a zip file as it is downloaded, or a CSV file.

    Raises UsageError where there are none, or a row cannot be read.
    """
    found = [EngineResults(name, list(requests_of(name, text))) for name, text in result_files(path)]
    if not any(each.requests for each in found):
        raise UsageError(
            f"{path}: no results with the columns {', '.join(RESULT_COLUMNS)}; allowed is the folder, the zip file or "
            "the CSV file that Azure Load Testing offers as results of a test run"
        )
    return found


def result_files(path: Path) -> Iterator[tuple[str, str]]:
    """The CSV files with results, by name; others, such as the values of requests, are left out."""
    if not path.exists():
        raise UsageError(f"--results {path}: there is no such file or folder")
    paths = sorted(path.rglob("*")) if path.is_dir() else [path]
    for name, content in itertools.chain.from_iterable(map(csv_files, paths)):
        text = content.decode("utf-8-sig", "replace")
        if set(RESULT_COLUMNS) <= set(text.partition("\n")[0].strip().split(",")):
            yield name, text


def csv_files(path: Path) -> Iterator[tuple[str, bytes]]:
    """The CSV files that a file is or contains, by name."""
    if path.suffix == ".zip" and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as packed:
            yield from ((name, packed.read(name)) for name in sorted(packed.namelist()) if name.endswith(".csv"))
    elif path.suffix == ".csv":
        yield path.name, path.read_bytes()


def requests_of(name: str, text: str) -> Iterator[Request]:
    """The requests of a file. Raises UsageError naming the line that cannot be read."""
    reader = csv.DictReader(io.StringIO(text, newline=""))
    for row in rows_of(name, reader):
        try:
            began, elapsed = int(row["timeStamp"]) / 1000, int(row["elapsed"]) / 1000
        except (TypeError, ValueError) as error:
            raise UsageError(
                f"{name}, line {reader.line_num}: timeStamp is {row['timeStamp']!r} and elapsed {row['elapsed']!r}: "
                "allowed are whole milliseconds; download the results again"
            ) from error
        label = row["label"].partition("?")[0]  # the query may contain a key
        yield Request(began, began + elapsed, failure_of_row(row), None, None, label)


def rows_of(name: str, reader: csv.DictReader[str]) -> Iterator[dict[str, str]]:
    """The rows of a file, each with all columns that are read. Raises UsageError."""
    try:
        for row in reader:
            if missing := [column for column in RESULT_COLUMNS if row[column] is None]:
                raise UsageError(
                    f"{name}, line {reader.line_num}: the row ends before {missing[0]}; download the results again"
                )
            yield row
    except csv.Error as error:
        raise UsageError(f"{name}, line {reader.line_num + 1}: not CSV: {error}; download the results again") from error


def failure_of_row(row: dict[str, str]) -> str | None:
    """None for a success, ``HTTP 500`` for another status, else the name of what went wrong."""
    if row["success"].strip().lower() == "true":
        return None
    code = row["responseCode"].strip()
    if code.isdecimal() and code != "0":
        return f"HTTP {code}"
    return code if NO_ANSWER.fullmatch(code) else "no answer"


def window_of(asked: AskedLoadTest, requests: Sequence[Request], *, warm_up: float) -> tuple[float, float, float]:
    """
    When all users ran, and the opening and the closing of the window.

    Requests that were in flight when the test ended are in no results. The window closes the longest time of a request
    earlier, so that those in flight at its end are.
    """
    first = min(each.began for each in requests)
    last = max(each.ended for each in requests)
    began = first + asked.ramp
    opened, closed = began + warm_up, last - max(each.latency for each in requests)
    if opened >= closed:
        raise UsageError(
            f"the results last {last - first:.1f} s, and {asked.ramp} s for the start of the users, {warm_up:g} s of "
            "warm-up and the longest request leave nothing to measure: run the test for longer"
        )
    return began, opened, closed


def measured_results(asked: AskedLoadTest, experiment: Experiment, found: Sequence[EngineResults]) -> Measurement:
    """
    The measurement. Raises UsageError where the results are too short, and LoadError where no request was answered.
    """
    requests = [request for each in found for request in each.requests]
    if len({request.name for request in requests}) < 2:
        requests = [msgspec.structs.replace(request, name=None) for request in requests]
    began, opened, closed = window_of(asked, requests, warm_up=experiment.load.warm_up)
    step = StepEnd(asked.users, began, opened, closed, (), None)
    subject = Subject(route=asked.subject, request=asked.request)
    [setting] = planned_settings(experiment.settings)
    return measure(step, requests, Place(experiment.name, 0, subject, setting))


def write_run(
    out: Path, asked: AskedLoadTest, test: Path, found: Sequence[EngineResults], *, command: str
) -> RunFolder:
    """
    Write the run folder with the one measurement; ``test`` is the folder of the load test.

    Raises UsageError or LoadError, before anything is written, where the results cannot be measured.
    """
    [experiment] = read_experiments(test / EXPERIMENTS)
    measurement = measured_results(asked, experiment, found)
    load = Load(
        users=(asked.users,),
        warm_up=experiment.load.warm_up,
        measure=min(max(measurement.duration, 1.0), LONGEST_MEASURE),
    )
    described = msgspec.structs.replace(experiment, load=load)
    packed, inputs = with_inputs(described, test)
    here = environment_of_test(asked, measurement, engines=len(found), command=command)
    folder = RunFolder.create(out, [packed], here, inputs=inputs)
    folder.append(measurement)
    return folder


def environment_of_test(asked: AskedLoadTest, measurement: Measurement, *, engines: int, command: str) -> Environment:
    """The environment: nothing of this machine, which sent no request."""
    return Environment(
        started_at=datetime.fromtimestamp(measurement.started_at, UTC).isoformat(timespec="seconds"),
        command=command,
        host=f"{asked.host}, called by Azure Load Testing from {engines} engines",
        host_kind=asked.host,
        versions={"functune": version("functune")},
    )
