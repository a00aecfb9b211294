"""report.json: read from a run folder, written, embedded in the page, and described by a schema."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from functune.analysis.comparison import compare_findings
from functune.errors import ExperimentError, RunFolderError
from functune.experiments.model import Matrix
from functune.report.document import (
    REPORT_SCHEMA_VERSION,
    ReportDocument,
    document_json,
    find_all,
    read_document,
)
from functune.report.files import write_report
from functune.run.folder import FAILURES as FAILURE_FILE
from functune.run.folder import MEASUREMENTS, RunFolder
from functune.run.measurement import Measurement
from functune.setting import Setting
from tests.analysis.simulated import arrivals, planned, sweep
from tests.report.written import FAILURES, computes, routes, run_folder, threads
from tools.schemas import document_schema

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("name", ["report", "recommendation"])
def test_files_for_programs_are_of_their_schemas(folder: Path, name: str) -> None:
    schema = json.loads(document_schema(f"{name}.schema.json"))
    found = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(different(found))


def different(value: Any) -> Any:
    """A value of JSON; of the objects of a list that differ in nothing but digits, it has one."""
    match value:
        case dict():
            return {key: different(each) for key, each in value.items()}
        case list() if all(isinstance(each, dict) for each in value):
            kinds = {re.sub(r"\d+", "0", json.dumps(each)): each for each in value}
            return [different(each) for each in kinds.values()]
        case list():
            return [different(each) for each in value]
    return value


def test_examples_of_the_page_read_the_files(folder: Path) -> None:
    page = (ROOT / "docs" / "report-json.md").read_text(encoding="utf-8")
    [python] = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    printed = subprocess.check_output([sys.executable, "-c", python.replace("runs/threads", str(folder))], text=True)
    found = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    subjects = [subject for each in found["experiments"] for subject in each["subjects"]]
    assert len(printed.splitlines()) == sum(len(subject["levels"]) for subject in subjects)
    if shutil.which("jq") is not None:
        [shell] = re.findall(r"^```bash\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
        lines = subprocess.check_output(["bash", "-ec", shell.replace("runs/threads", str(folder))], text=True)
        assert len(lines.splitlines()) == 2 * len(subjects)


def test_report_json_is_of_its_types_and_names_its_version(folder: Path) -> None:
    written = (folder / "report.json").read_bytes()
    found = msgspec.json.decode(written, type=ReportDocument)
    assert found.schema_version == REPORT_SCHEMA_VERSION
    assert [each.name for each in found.experiments] == ["waits", "computes"]
    assert b"latencies_us" not in written


def test_report_json_is_embedded_in_the_page(folder: Path) -> None:
    html = (folder / "report.html").read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)
    assert found is not None
    assert json.loads(found[1]) == json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert "<" not in found[1]


def test_every_step_of_the_tables_is_in_the_document(folder: Path) -> None:
    found = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    html = (folder / "report.html").read_text(encoding="utf-8")
    subjects = [subject for each in found["experiments"] for subject in each["subjects"]]
    assert html.count('<tr><th scope="row">T=') == sum(len(each["levels"]) + len(each["arrivals"]) for each in subjects)


def test_document_has_the_experiments_of_the_folder_and_the_cores_of_the_run(tmp_path: Path) -> None:
    (first, first_steps), (second, second_steps) = threads(), routes()
    folder = run_folder(tmp_path, [first, second], [*first_steps, *second_steps])
    document = read_document(RunFolder.open(folder))
    assert [findings.experiment for findings in document.experiments] == [first, second]
    assert [findings.cores for findings in document.experiments] == [2, 2]


def test_version_2_folder_has_the_same_findings(tmp_path: Path) -> None:
    experiment = planned(settings=Matrix(thread_count=(4,)), users=(1, 16), arrivals=(0.5, 0.9))
    steps = sweep(experiment)
    capacity = max(step.throughput for step in steps)
    steps += [
        arrivals(share * capacity, setting=Setting(thread_count=4), share=share) for share in experiment.load.arrivals
    ]
    background, background_steps = computes()
    steps, background_steps = [without_new_fields(each) for each in (steps, background_steps)]
    failed = [msgspec.structs.replace(each, experiment=experiment.name) for each in FAILURES]
    folder = run_folder(tmp_path, [experiment, background], [*steps, *background_steps], failures=failed)
    now = read_document(RunFolder.open(folder))
    assert {level.share for level in now.experiments[0].arrivals} == {0.5, 0.9}
    assert {level.subject.background_users for level in now.experiments[1].levels} == {0, 8}
    for name in (MEASUREMENTS, FAILURE_FILE):
        lines = (folder / name).read_bytes().splitlines()
        (folder / name).write_bytes(b"".join(map(as_version_2, lines)))
    assert document_json(read_document(RunFolder.open(folder))) == document_json(now)


def without_new_fields(steps: list[Measurement]) -> list[Measurement]:
    """The steps with the figures that schema version 2 has no field for at their defaults."""
    return [msgspec.structs.replace(step, worker_peak_mb={}, front_pid=None) for step in steps]


def as_version_2(line: bytes) -> bytes:
    """A line of a journal as schema version 2 had it: the subject in plain fields, and no share of the capacity."""
    record = json.loads(line)
    subject = record.pop("subject")
    for name in ("share", "worker_peak_mb", "front_pid", "open_calls", "loop_times_us", "hold_times_us"):
        record.pop(name, None)
    record["route"] = subject["route"]
    if "schema_version" in record:
        background = {name: subject[name] for name in ("background", "background_users") if name in subject}
        record |= background | {"schema_version": 2, "queued_us": record.pop("wait_times_us")}
    return json.dumps(record).encode() + b"\n"


@pytest.mark.parametrize(
    ("name", "content", "error", "message"),
    [
        (
            "environment.json",
            None,
            RunFolderError,
            r"it has no environment\.json.*functune sweep --out DIR",
        ),
        ("environment.json", "[]", RunFolderError, r"environment\.json: .*measure again"),
        ("measurements.jsonl", None, RunFolderError, r"holds no measurement"),
        ("experiment.toml", None, ExperimentError, r"experiment\.toml: No such file"),
    ],
)
def test_report_names_the_file_it_cannot_use(
    tmp_path: Path, name: str, content: str | None, error: type[Exception], message: str
) -> None:
    experiment, steps = threads()
    folder = run_folder(tmp_path, [experiment], steps)
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_text(content, encoding="utf-8")
    with pytest.raises(error, match=message):
        write_report(RunFolder.open(folder))
    assert not (folder / "report.html").exists()


def test_run_compared_with_itself_has_not_changed(folder: Path) -> None:
    findings = find_all(RunFolder.open(folder))
    found = compare_findings(findings, findings)
    assert not found.got_worse
    assert (found.matched, found.only_before, found.only_after) == (176, 0, 0)
    assert FAILURES[0].setting not in {change.setting for change in found.changes if change.experiment == "waits"}
