"""The files a report is written beside: JSON and its schema, CSV, JUnit, settings to apply."""

import csv
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest

from functune import measurements
from functune.analysis.statistics import percentile
from functune.analysis.verdict import analyse
from functune.errors import UsageError
from functune.report import document
from functune.report.contents import Contents, Elsewhere, gather
from functune.report.junit import junit
from functune.report.page import render_page
from functune.report.recommendation_file import recommendation_json
from functune.report.run_folder import WRITTEN, compare_runs, read_contents, write
from functune.report.settings_files import bicepparam, commands, local_settings, one_of, settings_text
from functune.report.step_rows import Row
from tests.report.written import CALIBRATIONS, ENVIRONMENT, FAILURES, full_run, waits

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = full_run(tmp_path_factory.mktemp("run"))
    write(found)
    return found


@pytest.fixture(scope="module")
def contents(folder: Path) -> Contents:
    return read_contents(folder)


def test_the_published_schema_is_the_one_of_the_types() -> None:
    published = (ROOT / "docs/schema/report.schema.json").read_text(encoding="utf-8")
    assert published == document.schema(), "run `make schema`"


def test_report_json_is_of_its_types_and_names_its_version(folder: Path) -> None:
    written = (folder / "report.json").read_bytes()
    found = msgspec.json.decode(written, type=document.Report)
    assert found.schema_version == document.REPORT_SCHEMA_VERSION
    assert [each.name for each in found.experiments] == ["waits", "computes"]
    assert b"latencies_us" not in written


def test_report_json_is_embedded_in_the_page(folder: Path) -> None:
    html = (folder / "report.html").read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)
    assert found is not None
    assert json.loads(found[1]) == json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert "<" not in found[1]


def test_every_figure_of_the_tables_is_in_the_document(folder: Path) -> None:
    found = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    html = (folder / "report.html").read_text(encoding="utf-8")
    steps = [step for each in found["experiments"] for route in each["routes"] for step in route["steps"]]
    assert html.count('<tr><th scope="row">T=') == len(steps)


def test_full_page_stays_under_its_limit(folder: Path) -> None:
    assert (folder / "report.html").stat().st_size < 1_500_000


def test_csv_has_a_row_for_every_measurement_and_units_in_its_names(folder: Path) -> None:
    with (folder / "measurements.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    measured = measurements.load(folder)
    assert len(rows) == len(measured)
    assert list(rows[0]) == list(Row.__struct_fields__)
    for row, step in zip(rows, measured, strict=True):
        assert float(row["throughput_per_s"]) == pytest.approx(step.throughput, rel=1e-5)
        p95 = percentile(step.latencies_us, 0.95)
        assert row["p95_ms"] == "" if p95 is None else float(row["p95_ms"]) == pytest.approx(p95 / 1e3, rel=1e-5)
    [void] = [row for row in rows if row["void"]]
    assert "load generator used 0.97" in void["void"]
    assert {row["arrivals_per_s"] for row in rows if row["phase"] == "arrivals"} != {""}
    assert "beside 8 users of" in rows[-1]["route"]


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
    [case] = ElementTree.fromstring(junit([analyse(hostile, measured, cores=2)])).iter("testcase")
    assert (case.get("name") or "").startswith('a < b & "c"')


def test_partial_run_is_reported_while_the_sweep_writes(tmp_path: Path) -> None:
    folder = full_run(tmp_path)
    journal = folder / measurements.FILE_NAME
    journal.write_bytes(journal.read_bytes()[:400_000])  # cut inside of a line, as a kill leaves it
    (folder / measurements.CALIBRATIONS).write_bytes(msgspec.json.encode(CALIBRATIONS[0]) + b'\n{"at": 17')
    first, second = write(folder)
    assert 0 < len(first.measurements) < first.planned
    assert second.measurements == ()
    html = (folder / "report.html").read_text(encoding="utf-8")
    assert "Nothing of this experiment was measured." in html
    assert "9,800 requests/s before the run" in html
    assert all((folder / name).exists() for name in WRITTEN)


def test_failures_are_shown_with_their_cause(folder: Path) -> None:
    html = (folder / "report.html").read_text(encoding="utf-8")
    assert "worker 2 (pid 4121) sent no ready message within 60 s" in html
    assert "✗ failed" in html


def test_page_says_how_other_servers_would_be_measured_and_shows_them_when_they_were() -> None:
    experiment, measured = waits()
    analysis = analyse(experiment, measured, cores=2)
    alone = render_page(gather([analysis], ENVIRONMENT))
    assert "Gunicorn and Uvicorn were not measured in this run." in alone
    assert "functune report RUN --beside OTHER" in alone
    other = Elsewhere(host="Gunicorn 23", measured=tuple(measured))
    both = render_page(gather([analysis], ENVIRONMENT, elsewhere=[other]))
    assert "Requests/s Gunicorn 23" in both
    assert "were not measured in this run" not in both
    stranger = Elsewhere(host="Uvicorn", measured=())
    assert "Uvicorn: none of these routes was measured there" in render_page(
        gather([analysis], ENVIRONMENT, elsewhere=[stranger])
    )


def test_recommendation_holds_settings_for_every_plan(contents: Contents) -> None:
    found = json.loads(recommendation_json(contents))["experiments"][1]["apply"]
    assert [each["plan"] for each in found] == ["local", "flex", "premium"]
    local, flex, premium = found
    assert json.loads(local["local_settings"])["Values"]["FUNCTIONS_WORKER_PROCESS_COUNT"] == "2"
    assert "PROCESS_COUNT=" not in flex["commands"]
    assert "workerProcessCount" not in flex["bicepparam"]
    assert "param workerProcessCount = 2" in premium["bicepparam"]


def test_bicepparam_names_parameters_of_the_templates(contents: Contents) -> None:
    for plan, template in (("flex", "main.bicep"), ("premium", "premium.bicep")):
        declared = set(re.findall(r"^param (\w+)", (ROOT / "infra" / template).read_text(), re.MULTILINE))
        for name in ("waits", "computes"):
            text = bicepparam(one_of(contents.apply, plan=plan, experiment=name))
            assert text.startswith(f"using '{template}'\n")
            given = re.findall(
                r"^param (\w+) = (?:\d+|readEnvironmentVariable\('AZURE_ENV_NAME'\))$", text, re.MULTILINE
            )
            assert len(given) == text.count("\nparam ")
            assert set(given) <= declared
            assert "environmentName" in given


def test_commands_set_and_unset_what_was_recommended(contents: Contents) -> None:
    waits_flex = commands(one_of(contents.apply, plan="flex", experiment="waits"))
    assert "appsettings delete" in waits_flex
    assert "--setting-names PYTHON_THREADPOOL_THREAD_COUNT" in waits_flex
    assert "--trigger-type http --trigger-settings perInstanceConcurrency=" in waits_flex
    premium = commands(one_of(contents.apply, plan="premium", experiment="computes"))
    assert "--settings PYTHON_THREADPOOL_THREAD_COUNT=1 FUNCTIONS_WORKER_PROCESS_COUNT=2" in premium
    assert "scale config" not in premium


def test_local_settings_are_values_alone(contents: Contents) -> None:
    found = json.loads(local_settings(one_of(contents.apply, plan="local", experiment="waits")))
    assert found == {"Values": {"FUNCTIONS_WORKER_PROCESS_COUNT": "1"}}


def test_settings_are_refused_where_there_is_not_just_one(contents: Contents) -> None:
    with pytest.raises(UsageError, match="choose one with --experiment waits or computes"):
        one_of(contents.apply, plan="flex", experiment=None)
    with pytest.raises(UsageError, match="--experiment nonsense: the run has waits, computes"):
        one_of(contents.apply, plan="flex", experiment="nonsense")
    with pytest.raises(UsageError, match="allowed with --plan flex or premium, the plan is local"):
        settings_text(one_of(contents.apply, plan="local", experiment="waits"), "bicep")
    with pytest.raises(UsageError, match="recommends no setting"):
        one_of({"waits": ()}, plan="local", experiment=None)


def test_a_run_compared_with_itself_has_not_changed(folder: Path) -> None:
    found, environments = compare_runs(folder, folder, margin=0.05)
    assert not found.got_worse
    assert found.matched == 176
    assert environments[0] == environments[1]
    assert FAILURES[0].setting not in {change.setting for change in found.changes if change.experiment == "waits"}
