import json
from pathlib import Path

import pytest

from functune.errors import ExperimentError, RunFolderError
from functune.report.run_folder import WRITTEN, cores, write
from tests.report.written import ENVIRONMENT, routes, run_folder, threads


def test_write_completes_a_run_folder_and_returns_the_analyses(tmp_path: Path) -> None:
    (first, first_steps), (second, second_steps) = threads(), routes()
    folder = run_folder(tmp_path, [first, second], [*first_steps, *second_steps])
    analyses = write(folder)
    assert [analysis.experiment for analysis in analyses] == [first, second]
    assert analyses[0].cores == 2
    assert (folder / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert analyses[0].verdict in (folder / "summary.md").read_text(encoding="utf-8")
    document = json.loads((folder / "recommendation.json").read_text(encoding="utf-8"))
    assert [one["verdict"] for one in document["experiments"]] == [analysis.verdict for analysis in analyses]
    assert document["experiments"][0]["advice"][0]["settings_to_set"] == {
        "PYTHON_THREADPOOL_THREAD_COUNT": None,
        "FUNCTIONS_WORKER_PROCESS_COUNT": "1",
    }


def test_write_gives_the_same_bytes_again(tmp_path: Path) -> None:
    experiment, steps = threads()
    folder = run_folder(tmp_path, [experiment], steps)
    names = WRITTEN
    write(folder)
    before = [(folder / name).read_bytes() for name in names]
    write(folder)
    assert [(folder / name).read_bytes() for name in names] == before


def test_write_takes_the_plan_from_the_environment(tmp_path: Path) -> None:
    experiment, steps = threads()
    (analysis,) = write(run_folder(tmp_path, [experiment], steps, {**ENVIRONMENT, "plan": "flex"}))
    assert analysis.advice[0].settings_to_set == {"PYTHON_THREADPOOL_THREAD_COUNT": None}


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"cpu_count": 8, "cpu_affinity": 4, "cpu_quota": 1.5}, 1.5),
        ({"cpu_count": 8, "cpu_affinity": 4, "cpu_quota": None}, 4),
        ({}, None),
    ],
)
def test_cores_are_those_the_run_could_use(environment: dict[str, object], expected: float | None) -> None:
    assert cores(environment) == expected


@pytest.mark.parametrize(
    ("name", "content", "error", "message"),
    [
        ("environment.json", None, RunFolderError, r"environment\.json: No such file.*functune sweep --out DIR"),
        ("environment.json", "[]", RunFolderError, r"environment\.json: not a JSON object"),
        ("measurements.jsonl", None, RunFolderError, r"measurements\.jsonl: No such file"),
        ("experiment.toml", None, ExperimentError, r"experiment\.toml: No such file"),
    ],
)
def test_write_says_which_file_it_cannot_use(
    tmp_path: Path, name: str, content: str | None, error: type[Exception], message: str
) -> None:
    experiment, steps = threads()
    folder = run_folder(tmp_path, [experiment], steps)
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_text(content, encoding="utf-8")
    with pytest.raises(error, match=message):
        write(folder)
    assert not (folder / "report.html").exists()
