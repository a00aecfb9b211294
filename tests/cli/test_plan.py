"""functune plan, on a simulated run."""

import json
from pathlib import Path

import pytest

from functune.experiments.model import Matrix
from functune.run.environment import Environment
from functune.run.folder import RunFolder
from tests.analysis.simulated import planned, sweep
from tests.cli.calling import run

HERE = Environment(host="functune local host", host_kind="local", cpu_count=2, python="CPython 3.13.5")


def written(path: Path, routes: tuple[str, ...] = ("/api/sync/sleep?ms=100",)) -> Path:
    """A run folder as a sweep leaves it."""
    experiment = planned(routes=routes, settings=Matrix(thread_count=(1, 16, 64)))
    folder = RunFolder.create(path, [experiment], HERE)
    for each in sweep(experiment, jitter=0.1):
        folder.append(each)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("plan") / "run")


def test_plan_prints_the_answer_and_a_table_and_writes_the_page(folder: Path) -> None:
    result = run("plan", str(folder), "--traffic", "daily:20:60", "--objective", "p95 < 500ms")
    assert result.exit_code == 0, result.output
    assert "The cheapest configuration that meets p95 < 500 ms is " in result.output
    assert "; the present one, Flex Consumption 2048 MB, 1 at a time, costs " in result.output
    for title in ("Premium", "App Service", "Container Apps"):
        assert f"\n{title}" in result.output
    assert result.output.rstrip().endswith("plan.html")
    assert (folder / "plan.html").read_text().startswith("<!doctype html>")
    assert "Traceback" not in result.output


TO_PLAN, TO_REPORT = '<a href="plan.html">', '<a href="report.html">'


def test_report_and_plan_link_to_each_other_whichever_came_first(tmp_path: Path) -> None:
    folder = written(tmp_path / "run")
    assert run("report", str(folder)).exit_code == 0
    assert TO_PLAN not in (folder / "report.html").read_text()
    assert run("plan", str(folder), "--traffic", "steady:1").exit_code == 0
    for _ in range(2):
        assert (folder / "report.html").read_text().count(TO_PLAN) == 1
        assert (folder / "plan.html").read_text().count(TO_REPORT) == 1
        assert run("report", str(folder)).exit_code == 0


def test_plan_of_a_run_without_a_report_links_to_none_until_there_is_one(tmp_path: Path) -> None:
    folder = written(tmp_path / "run")
    assert run("plan", str(folder), "--traffic", "steady:1").exit_code == 0
    assert TO_REPORT not in (folder / "plan.html").read_text()
    assert run("report", str(folder)).exit_code == 0
    assert TO_REPORT in (folder / "plan.html").read_text()


def test_json_is_that_of_the_file_and_names_what_it_rests_on(folder: Path) -> None:
    result = run("plan", str(folder), "--traffic", "steady:5", "--json")
    assert result.exit_code == 0
    found = json.loads(result.output)
    assert found == json.loads((folder / "plan.json").read_text())
    assert found["cheapest"]["title"] in found["sentence"]
    assert found["present"]["configuration"] == {"plan": "flex", "size": "2048", "concurrency": 1, "least": 0}
    assert any("[U]" in line for line in found["assumptions"])
    assert found["traffic"]["mean"] == 5


def test_explain_says_why_there_are_so_many_instances(folder: Path) -> None:
    result = run("plan", str(folder), "--traffic", "steady:2/s", "--explain")
    assert "With perInstanceConcurrency 1, the default of Python, each of those needs an instance" in result.output
    refused = run("plan", str(folder), "--traffic", "steady:2/s", "--explain", "--now", "premium:EP1")
    assert refused.exit_code == 2
    assert "--explain is about Flex Consumption" in refused.output


def test_all_prints_every_configuration(folder: Path) -> None:
    several = run("plan", str(folder), "--traffic", "steady:5").output
    every = run("plan", str(folder), "--traffic", "steady:5", "--all").output
    assert every.count("Flex Consumption") > 3 * several.count("Flex Consumption")


def test_objective_that_nothing_meets_ends_with_1(folder: Path) -> None:
    result = run("plan", str(folder), "--traffic", "steady:5", "--objective", "p95 < 10ms")
    assert result.exit_code == 1
    assert "No configuration meets p95 < 10.0 ms; the fastest is" in result.output


def test_prices_and_assumptions_of_the_reader_are_used(folder: Path, tmp_path: Path) -> None:
    prices = tmp_path / "mine.toml"
    prices.write_text('[premium]\nas_of = "today"\n[premium.month]\nEP1 = 1.5\n')
    asked = ("--prices", str(prices), "--assume", "flex-most=7", "--cold-start", "2", "3")
    found = json.loads(run("plan", str(folder), "--traffic", "steady:5", "--json", *asked).output)
    assert min(each["month"] for each in found["forecasts"] if each["configuration"]["plan"] == "premium") == 1.5
    assert found["prices"]["premium"].startswith("today")
    said = " ".join(found["assumptions"])
    assert "at most 7 on-demand instances" in said
    assert "at least 2 s" in said


def test_traffic_of_a_file(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "requests.csv"
    file.write_text("\n".join(["requests", *("300" for _ in range(60))]))
    found = json.loads(run("plan", str(folder), "--traffic", str(file), "--json").output)
    assert found["traffic"]["mean"] == 5
    assert found["traffic"]["seconds"] == 3600


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--traffic", "weekly:4"), "--traffic weekly:4: allowed are steady:RATE"),
        (("--traffic", "none.csv"), "--traffic none.csv: No such file"),
        (("--traffic", "steady:1", "--now", "flex:1:1"), "--now flex:1:1: flex has no size 1"),
        (("--traffic", "steady:1", "--assume", "flex-mist=4"), "there is no such assumption"),
        (("--traffic", "steady:1", "--assume", "flex-most"), "allowed is NAME=NUMBER"),
        (("--traffic", "steady:1", "--assume", "flex-most=-2"), "allowed are numbers above 0"),
        (("--traffic", "steady:1", "--cold-start", "5", "1"), "in ascending order"),
        (("--traffic", "steady:1", "--prices", "none.toml"), "--prices none.toml: No such file"),
        (("--traffic", "steady:1", "--objective", "p95 below 3"), "is not understood"),
        (("--traffic", "steady:1", "--route", "/other"), "the run has no such subject"),
        ((), "Missing option '--traffic'"),
    ],
)
def test_wrong_usage_ends_with_2_and_names_what_is_allowed(folder: Path, options: tuple[str, ...], said: str) -> None:
    result = run("plan", str(folder), *options)
    assert result.exit_code == 2, result.output
    assert said in result.output


def test_several_subjects_are_chosen_by_route(tmp_path: Path) -> None:
    path = written(tmp_path / "run", ("/a", "/b"))
    assert run("plan", str(path), "--traffic", "steady:1").exit_code == 2
    assert run("plan", str(path), "--traffic", "steady:1", "--route", "/b").exit_code == 0


def test_folder_without_a_run_ends_with_3(tmp_path: Path) -> None:
    assert run("plan", str(tmp_path), "--traffic", "steady:1").exit_code == 3
