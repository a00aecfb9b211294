"""The rules for a run and for a start of the app."""

from dataclasses import replace
from pathlib import Path

import pytest

from functune.analysis.verdict.limit import Limit, LimitKind, LimitPlace
from functune.doctor.finding import Finding, StartFigures
from functune.doctor.reading.evidence import RunEvidence, WorkerMemory
from functune.doctor.reading.inspected import InspectedApp, inspect_app
from functune.doctor.reading.run_evidence import evidence_of_run, limit_case
from functune.doctor.reading.start import ImportRow, import_row, imported_package, longest_imports
from functune.doctor.registry import RULES
from functune.run.environment import app_digest, without_home
from functune.run.folder import RunFolder
from tests.doctor.written_apps import HANDLER, HEAD, write_files
from tests.report.written import routes, run_folder

MEASURED = [rule for rule in RULES.values() if rule.family == "measured"]
TWO = '{"IsEncrypted": false, "Values": {"FUNCTIONS_WORKER_PROCESS_COUNT": "2"}}'


@pytest.fixture
def app(tmp_path: Path) -> InspectedApp:
    return inspect_app(write_files(tmp_path, {"local.settings.json": TWO}))


def findings(app: InspectedApp) -> list[Finding]:
    return [finding for rule in MEASURED for finding in rule.findings(app)]


def limited(kind: LimitKind, *, at_once: float | None = 1.0, waits_in: str | None = "time.sleep") -> RunEvidence:
    """A run with one route and this limit."""
    where = LimitPlace(file="shop/orders.py", line=31, function="save", waits_in=waits_in)
    limit = Limit(kind=kind, where=where, share=0.9, evidence=("calls take 5 times as long",))
    return RunEvidence(limits=(limit_case("/api/orders", limit, at_once),), memory=None)


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        (limited("event_loop_blocked"), [("loop-held", "error")]),
        (limited("event_loop_blocked", waits_in=None), [("loop-held", "warning")]),
        (limited("event_loop_busy", waits_in=None), [("loop-held", "warning")]),
        (limited("lock"), [("one-at-a-time", "error")]),
        (limited("pool"), [("one-at-a-time", "error")]),
        (limited("pool", at_once=4.1), [("pool-full", "warning")]),
        (limited("pool", at_once=None), []),
        (limited("threads"), []),
        (limited("gil"), []),
        (limited("unknown"), []),
    ],
)
def test_limit_of_a_run_is_a_finding_at_its_line(
    app: InspectedApp, run: RunEvidence, expected: list[tuple[str, str]]
) -> None:
    found = findings(replace(app, run=run))
    assert [(each.rule, each.severity) for each in found] == expected
    for each in found:
        assert each.place == "shop/orders.py:31"
        assert each.seen.startswith("/api/orders: calls take 5 times as long at shop/orders.py:31 in save")


@pytest.mark.parametrize(
    ("line", "more"),
    [
        ("    requests.get(req.url)\n", " The call of that line is requests.get."),
        ("    requests.get(req.url); time.sleep(1)\n", ""),  # either may be the one that waits
        ("    other(req)\n", ""),
    ],
)
def test_line_that_holds_the_loop_names_its_blocking_call(tmp_path: Path, line: str, more: str) -> None:
    """A run names what waits in the end, such as ``socket.recv_into``; the code says what was called."""
    source = f"import requests, time\n{HEAD}{HANDLER}{line}"
    files = {"function_app.py": source, "requirements.txt": "requests==2.32.5\n"}
    app = inspect_app(write_files(tmp_path, files))
    where = LimitPlace(file="function_app.py", line=9, function="handler", waits_in="socket.recv_into")
    limit = Limit(kind="event_loop_blocked", where=where, share=0.9, evidence=("calls take 5 times as long",))
    (found,) = findings(replace(app, run=RunEvidence(limits=(limit_case("/api/x", limit, 1.0),), memory=None)))
    assert found.seen == (
        "/api/x: calls take 5 times as long at function_app.py:9 in handler, in socket.recv_into." + more
    )
    assert ("httpx.AsyncClient" in found.remedy) == bool(more)


def started(**changed: object) -> StartFigures:
    known: dict[str, object] = {"import_seconds": 0.2, "imports": (("pandas", 0.1),), "worker_mb": 80.0}
    return StartFigures(**known | {"process_count": 2} | changed)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("memory", "plan", "fits"), [(None, None, True), (160, None, True), (159, None, False), (159, "flex", True)]
)
def test_memory_of_the_workers_against_that_of_an_instance(
    app: InspectedApp, memory: int | None, plan: str | None, fits: bool
) -> None:
    """Two processes of 80 MB; on Flex Consumption there is one."""
    found = findings(replace(app, memory_mb=memory, plan=plan, start=started()))
    assert [(each.rule, each.place) for each in found] == ([] if fits else [("memory", "local.settings.json:1")])


def test_memory_under_load_counts_where_it_is_larger(app: InspectedApp) -> None:
    loaded = RunEvidence(limits=(), memory=WorkerMemory(worker_mb=300.0, setting="16 threads in 1 process"))
    (found,) = findings(replace(app, memory_mb=512, start=started(), run=loaded))
    assert "300 MB (under load, with 16 threads in 1 process); 2 processes need 600 MB" in found.seen


@pytest.mark.parametrize(("seconds", "is_slow"), [(1.9, False), (2.0, True)])
def test_slow_import_names_its_longest_parts(app: InspectedApp, seconds: float, is_slow: bool) -> None:
    found = findings(replace(app, start=started(import_seconds=seconds)))
    assert [(each.rule, "pandas 100 ms" in each.seen) for each in found] == ([("slow-import", True)] if is_slow else [])


def test_evidence_of_a_run_folder_has_the_limit_of_each_route(tmp_path: Path) -> None:
    experiment, measured = routes()
    evidence = evidence_of_run(RunFolder.open(run_folder(tmp_path, [experiment], measured)), tmp_path)
    kinds = {each.subject: each.kind for each in evidence.limits}
    assert set(kinds) == {"/async/sleep", "/async/blocking"}
    blocked = next(each for each in evidence.limits if each.subject == "/async/blocking")
    assert blocked.at_once == pytest.approx(1.0, rel=0.1)
    free = next(each for each in evidence.limits if each.subject == "/async/sleep")
    assert (free.at_once or 0.0) > 10 * (blocked.at_once or 0.0)


def test_run_of_another_app_or_of_an_older_one_is_noted(tmp_path: Path) -> None:
    app = write_files(tmp_path / "app", {})
    experiment, measured = routes()

    def notes(**environment: object) -> tuple[str, ...]:
        folder = run_folder(tmp_path / "run", [experiment], measured, dict(environment))
        return evidence_of_run(RunFolder.open(folder), app).notes

    here, digest = without_home(str(app)), app_digest(app)
    assert notes(script_root=here, app_digest=digest) == ()
    assert "does not say which files" in notes()[0]
    assert "measured the app in /elsewhere" in notes(script_root="/elsewhere", app_digest=digest)[0]
    (app / "function_app.py").write_text("# another line\n")
    assert "has changed since" in notes(script_root=here, app_digest=digest)[0]


IMPORTTIME = """\
import time: self [us] | cumulative | imported package
import time:       100 |        100 |     numpy.core
import time:       200 |        300 |   numpy
import time:        50 |         50 |     pandas.io
import time:       400 |        750 |   pandas
import time:        10 |         10 |     azure
import time:        20 |         30 |   azure.functions
import time:       500 |       1280 | function_app
"""


def test_lines_of_importtime_are_read_and_each_package_counts_once(tmp_path: Path) -> None:
    rows = [row for line in IMPORTTIME.splitlines() if (row := import_row(line)) is not None]
    assert rows[0] == ImportRow("numpy.core", 0.0001, 0.0001, 2)
    assert rows[-1] == ImportRow("function_app", 0.0005, 0.00128, 0)
    longest = dict(longest_imports(rows, write_files(tmp_path, {})))
    assert longest == pytest.approx(
        {"pandas": 0.00075, "function_app": 0.0005, "numpy": 0.0003, "azure.functions": 0.00003, "azure": 0.00001}
    )


def test_package_below_a_shared_namespace_keeps_its_second_part() -> None:
    assert imported_package("azure.functions.decorators") == "azure.functions"
    assert imported_package("pandas.io.json") == "pandas"
