"""The files of a report: recommendation.json, CSV, JUnit and the page, written into the run folder."""

import csv
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest

from functune.analysis.numbers.statistics import percentile
from functune.experiments.model import Matrix
from functune.report.document import ReportDocument
from functune.report.files import DOCUMENT, JUNIT, RECOMMENDATION, SUMMARY, TABLE, write_report
from functune.report.junit import junit
from functune.report.links import PAGE
from functune.report.page import render_page
from functune.report.recommendation_file import recommendation_json
from functune.report.rows import Row, step_rows
from functune.run.folder import CALIBRATIONS as CALIBRATION_FILE
from functune.run.folder import MEASUREMENTS, RunFolder
from functune.setting import KNOBS
from tests.analysis.simulated import findings, planned, sweep
from tests.report.written import CALIBRATIONS, ENVIRONMENT, full_run, reported, routes, run_folder, threads, waits

WRITTEN = (PAGE, SUMMARY, RECOMMENDATION, DOCUMENT, TABLE, JUNIT)


def test_report_is_written_into_the_run_folder(tmp_path: Path) -> None:
    (first, first_steps), (second, second_steps) = threads(), routes()
    folder = run_folder(tmp_path, [first, second], [*first_steps, *second_steps])
    document = write_report(RunFolder.open(folder))
    assert (folder / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert document.experiments[0].verdict in (folder / "summary.md").read_text(encoding="utf-8")
    recommended = json.loads((folder / "recommendation.json").read_text(encoding="utf-8"))
    assert [one["verdict"] for one in recommended["experiments"]] == [each.verdict for each in document.experiments]
    assert recommended["experiments"][0]["advice"][0]["settings_to_set"] == {
        "PYTHON_THREADPOOL_THREAD_COUNT": None,
        "FUNCTIONS_WORKER_PROCESS_COUNT": "1",
    }


def test_report_has_the_same_bytes_again(tmp_path: Path) -> None:
    experiment, steps = threads()
    folder = run_folder(tmp_path, [experiment], steps)
    write_report(RunFolder.open(folder))
    before = [(folder / name).read_bytes() for name in WRITTEN]
    write_report(RunFolder.open(folder))
    assert [(folder / name).read_bytes() for name in WRITTEN] == before


def test_full_page_stays_under_its_limit(folder: Path) -> None:
    assert (folder / "report.html").stat().st_size < 1_500_000


def test_csv_has_a_row_for_every_measurement_and_units_in_its_names(folder: Path) -> None:
    with (folder / "measurements.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    measured = RunFolder.open(folder).measurements()
    assert len(rows) == len(measured)
    assert list(rows[0]) == list(Row.__struct_fields__)
    for row, step in zip(rows, measured, strict=True):
        assert float(row["throughput_per_s"]) == pytest.approx(step.throughput, rel=1e-5)
        p95 = percentile(step.latencies_us, 0.95)
        assert row["p95_ms"] == "" if p95 is None else float(row["p95_ms"]) == pytest.approx(p95 / 1e3, rel=1e-5)
    [void] = [row for row in rows if row["void"]]
    assert "load generator used 0.97" in void["void"]
    assert {row["arrivals_per_s"] for row in rows if row["phase"] == "arrivals"} != {""}
    assert {row["share"] for row in rows if row["phase"] == "arrivals"} == {"0.5", "0.7", "0.85", "0.95"}
    assert "while 8 users call /api/sync/sleep" in rows[-1]["route"]


def test_row_has_a_column_for_every_knob(tmp_path: Path) -> None:
    """A setting is its knobs, so each has a column."""
    assert {knob.name for knob in KNOBS} <= set(Row.__struct_fields__)
    experiment = planned(settings=Matrix(thread_count=(16,), host=("gunicorn:gthread", "gunicorn:sync")), users=(1,))
    document = reported(tmp_path, (experiment, sweep(experiment)))
    assert {each.host for each in step_rows(document.experiments)} == {"gunicorn:gthread", "gunicorn:sync"}


def test_junit_has_a_case_for_each_expectation_with_what_was_observed(folder: Path) -> None:
    root = ElementTree.parse(folder / "junit.xml").getroot()
    suite = root.find("testsuite[@name='waits']")
    assert suite is not None
    assert [suite.get(name) for name in ("tests", "failures", "skipped", "errors")] == ["3", "1", "1", "0"]
    holds, fails, skipped = suite.findall("testcase")
    assert len(holds) == 0
    failure = fails.find("failure")
    assert failure is not None
    assert re.fullmatch(r"observed \d+\.\d ms, allowed at most 300", failure.get("message") or "")
    reason = skipped.find("skipped")
    assert reason is not None
    assert "needs 64 free cores, and the machine has 2" in (reason.get("message") or "")


def test_junit_holds_text_that_xml_cannot() -> None:
    experiment, measured = waits()
    claim = msgspec.structs.replace(experiment.expect[1], claim='a < b & "c"\x00\x1b[31m')
    hostile = msgspec.structs.replace(experiment, expect=(claim,))
    [case] = ElementTree.fromstring(junit([findings(hostile, measured)])).iter("testcase")
    assert (case.get("name") or "").startswith('a < b & "c"')


def test_partial_run_is_reported_while_the_sweep_writes(tmp_path: Path) -> None:
    folder = full_run(tmp_path)
    journal = folder / MEASUREMENTS
    journal.write_bytes(journal.read_bytes()[:400_000])  # cut inside of a line, as a kill leaves it
    (folder / CALIBRATION_FILE).write_bytes(msgspec.json.encode(CALIBRATIONS[0]) + b'\n{"at": 17')
    first, second = write_report(RunFolder.open(folder)).experiments
    assert 0 < len(first.levels) < first.planned
    assert second.levels == ()
    html = (folder / "report.html").read_text(encoding="utf-8")
    assert "Nothing of this experiment was measured." in html
    assert "9,800 requests/s before the run" in html
    assert all((folder / name).exists() for name in WRITTEN)


def test_failures_are_shown_with_their_cause(folder: Path) -> None:
    html = (folder / "report.html").read_text(encoding="utf-8")
    assert "worker 2 (pid 4121) sent no ready message within 60 s" in html
    assert "✗ failed" in html


def test_page_compares_with_other_servers_or_says_how_to_measure_them(folder: Path, tmp_path: Path) -> None:
    alone = (folder / PAGE).read_text(encoding="utf-8")
    assert "This run measured one server." in alone
    assert "functune report RUN --beside OTHER" in alone
    others = [
        RunFolder.open(run_folder(tmp_path / host, [experiment], measured, {**ENVIRONMENT, "host": host}))
        for host, (experiment, measured) in (("Gunicorn 23", waits()), ("Uvicorn", routes()))
    ]
    html = render_page(reported(tmp_path / "run", waits(), others=others))
    assert "Requests/s Gunicorn 23" in html
    assert "This run measured one server." not in html
    assert "Uvicorn: none of these routes was measured there" in html


def test_servers_are_shown_with_the_cost_of_a_plan_that_can_run_them(tmp_path: Path) -> None:
    """16 threads serve 159.5 requests/s: 0.017 an hour on B1 / 0.574 million an hour = 0.0296 a million."""
    experiment = planned(settings=Matrix(thread_count=(16,), host=("local", "gunicorn:gthread")))
    document = reported(tmp_path / "run", (experiment, sweep(experiment)))
    [standings] = [each.standings for each in document.experiments[0].servers]
    by_host = {each.host: (each.priced_instance, each.cost) for each in standings}
    assert by_host["gunicorn:gthread"] == ("App Service B1", pytest.approx(0.0296, rel=0.01))
    assert by_host["local"] == ("Flex Consumption with 2048 MB", pytest.approx(0.726, rel=0.01))
    html = render_page(document)
    section = html[html.index('id="servers"') :]
    assert "USD a million" in section
    assert "Flex Consumption with 2048 MB for local" in section
    assert "App Service B1 for gunicorn:gthread" in section
    assert "not to budget" in section


def test_page_shows_web_plans_with_parameters_or_the_reason_for_none(tmp_path: Path) -> None:
    for host, shown in (("gunicorn:asgi", "param workerCount = 2"), ("uvicorn", "has no parameters for this setting")):
        experiment = planned(settings=Matrix(thread_count=(1, 16), process_count=(1, 2), host=(host,)))
        html = render_page(reported(tmp_path / host.replace(":", "-"), (experiment, sweep(experiment))))
        assert "On App Service: Bicep and commands" in html
        assert "On Flex Consumption" not in html
        assert shown in html
        assert "A million requests cost " in html


def test_recommendation_holds_settings_for_every_plan(document: ReportDocument) -> None:
    found = json.loads(recommendation_json(document))["experiments"][1]["apply"]
    assert [each["plan"] for each in found] == ["local", "flex", "premium"]
    local, flex, premium = found
    assert json.loads(local["local_settings"])["Values"]["FUNCTIONS_WORKER_PROCESS_COUNT"] == "2"
    assert "PROCESS_COUNT=" not in flex["commands"]
    assert "workerProcessCount" not in flex["bicepparam"]
    assert "param workerProcessCount = 2" in premium["bicepparam"]
