"""docs/python.md, executed as a notebook executes its cells: one after the other, while an event loop runs."""

import ast
import asyncio
import contextlib
import inspect
import json
import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

import functune
from functune.analysis.comparison import Comparison
from functune.analysis.numbers.statistics import minimum_sample
from functune.capacity.capacity_plan import CapacityPlan
from functune.report.files import DOCUMENT, SUMMARY, TABLE
from functune.report.links import PAGE
from functune.run.folder import CALIBRATIONS, MEASUREMENTS
from functune.run.profile import PROFILE

MANUAL = Path(__file__).parents[2] / "docs" / "python.md"
CELLS = re.findall(r"^```python\n(.*?)^```$", MANUAL.read_text(), re.MULTILINE | re.DOTALL)
APP = """
import time

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="items")
def items(req: func.HttpRequest) -> func.HttpResponse:
    time.sleep(0.05)
    return func.HttpResponse("ok")
"""


async def executed(cells: list[str]) -> dict[str, Any]:
    """The names of a notebook after its cells. The loop runs meanwhile, as that of a notebook does."""
    names: dict[str, Any] = {}
    for cell in cells:
        assert asyncio.get_running_loop().is_running()
        exec(compile(cell, str(MANUAL), "exec"), names)
    return names


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The names after all cells, and what they printed as ``printed``."""
    folder = tmp_path_factory.mktemp("notebook")
    (folder / "shop").mkdir()
    (folder / "shop" / "host.json").write_text('{"version": "2.0"}')
    (folder / "shop" / "function_app.py").write_text(APP)
    printed = StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(printed):
        names = asyncio.run(executed(CELLS))
    return {**names, "printed": printed.getvalue().splitlines(), "working": folder}


def test_tuned_route_has_a_verdict_its_report_and_the_line_that_waits(session: dict[str, Any]) -> None:
    tuned = session["tuned"]
    folder = session["working"] / tuned.folder
    assert {PAGE, SUMMARY, DOCUMENT, TABLE} <= {path.name for path in folder.iterdir()}
    assert tuned.experiments[0].recommendations
    assert tuned._repr_markdown_() == (folder / SUMMARY).read_text()
    assert tuned.experiments[0].verdict == session["printed"][0]


def test_rows_have_the_steps_with_the_columns_of_the_table(session: dict[str, Any]) -> None:
    rows, run = session["rows"], session["run"]
    columns = (session["working"] / run.folder / TABLE).read_text().partition("\n")[0].split(",")
    assert {tuple(row) for row in rows} == {tuple(columns)}
    steps = {(row["thread_count"], row["users"]): row["throughput_per_s"] for row in rows}
    assert steps[8, 8] > 2 * steps[1, 1]  # one thread serves one call at a time, of 50 ms each
    # A busy machine may leave one of the steps too few answers for a median.
    assert min(row["p50_ms"] for row in rows if row["requests"] >= minimum_sample(0.5)) >= 50
    assert session["best"].setting.thread_count == 8


def test_run_has_neither_the_profile_nor_the_calibration_that_its_call_leaves_out(session: dict[str, Any]) -> None:
    files = {path.name for path in (session["working"] / session["run"].folder).iterdir()}
    assert MEASUREMENTS in files
    assert not files & {PROFILE, CALIBRATIONS}


def test_run_that_is_read_again_is_the_same_and_compares_as_such(session: dict[str, Any]) -> None:
    run, found = session["run"], session["found"]
    assert session["earlier"].experiments == run.experiments
    assert isinstance(found, Comparison)
    assert not found.got_worse
    assert {(row["metric"], row["ratio"]) for row in found.rows()} <= {("throughput", 1.0), ("p95", 1.0)}
    assert len(found.rows()) == len(found.changes) > 0


def test_plan_has_a_row_for_each_forecast_the_cheapest_first(session: dict[str, Any]) -> None:
    plan = session["plan"]
    assert isinstance(plan, CapacityPlan)
    rows = plan.rows()
    assert len(rows) == len(plan.forecasts) > 1
    assert [row["month"] for row in rows] == sorted(row["month"] for row in rows)
    assert {"flex", "premium"} <= {row["plan"] for row in rows}


def test_errors_name_the_value_and_what_is_allowed(session: dict[str, Any]) -> None:
    missing, budget = session["printed"][-2:]
    assert missing.startswith("missing.toml: ")
    assert budget == "budget is 5: allowed are 20 to 3600 seconds"


def test_nothing_is_printed_but_what_the_cells_print(session: dict[str, Any]) -> None:
    assert len(session["printed"]) == "".join(CELLS).count("print(") - 1 + len(session["rows"])


def test_command_of_the_run_names_the_function_and_no_test(session: dict[str, Any]) -> None:
    noted = json.loads((session["working"] / session["run"].folder / "environment.json").read_text())
    assert noted["command"] == "functune.run_sweep"


@pytest.mark.parametrize(
    "name", [name for name in dir(functune) if name.endswith(("_run", "_runs", "_sweep", "_route"))]
)
def test_example_of_a_docstring_fits_the_function(name: str) -> None:
    """Its calls are bound to the signature; the page has the same calls executed."""
    function = getattr(functune, name)
    example = "\n".join(re.findall(r"^    (\S.*)$", inspect.cleandoc(function.__doc__ or ""), re.MULTILINE))
    calls = [
        call
        for call in ast.walk(ast.parse(example))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == name
    ]
    assert calls
    for call in calls:
        inspect.signature(function).bind(*call.args, **{word.arg or "": word.value for word in call.keywords})
