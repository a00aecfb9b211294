"""One interval is computed once: every file, table and chart of a run prints the same ends of it."""

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from functune.analysis.formatting import duration, number
from functune.report.charts.pareto import pareto_drawing
from functune.report.run_folder import read_contents, write
from functune.report.step_rows import significant
from tests.report.written import full_run

type Step = tuple[int | None, int, int]
"""Threads, processes, users: what distinguishes the steps of the experiment "waits"."""
type Ends = tuple[float, float]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = full_run(tmp_path_factory.mktemp("run"))
    write(found)
    return found


def first_experiment(folder: Path, file: str) -> dict[str, Any]:
    """The first experiment of a file of the run, which has five repeats of each step."""
    found: dict[str, Any] = json.loads((folder / file).read_text(encoding="utf-8"))["experiments"][0]
    return found


def step_of(one: dict[str, Any]) -> Step:
    """The step of a standing or of evidence; knobs that are unset are not in the file."""
    setting = one["setting"]
    return setting.get("thread_count"), setting.get("process_count", 1), one["users"]


def ends_of(spread: dict[str, Any]) -> Ends:
    """Both ends, to the digits that report.json gives of every figure of a step."""
    low, high = significant(spread["low"]), significant(spread["high"])
    assert low is not None
    assert high is not None
    assert low < high
    return low, high


def rows_of(folder: Path) -> dict[Step, Ends]:
    """The ends of the throughput of each closed-loop step, from the rows of report.json."""
    steps = first_experiment(folder, "report.json")["routes"][0]["steps"]
    return {
        (step["thread_count"], step["process_count"], step["users"]): (
            step["throughput_low_per_s"],
            step["throughput_high_per_s"],
        )
        for step in steps
        if step["arrivals_per_s"] is None and step["throughput_low_per_s"] is not None
    }


def test_throughput_has_the_same_ends_in_both_json_files(folder: Path) -> None:
    rows = rows_of(folder)
    standings = first_experiment(folder, "report.json")["routes"][0]["standings"]
    evidence = first_experiment(folder, "recommendation.json")["recommendations"][0]["evidence"]
    assert {step_of(one): ends_of(one["throughput"]["spread"]) for one in standings}.items() <= rows.items()
    assert {step_of(one): ends_of(one["spread"]) for one in evidence}.items() <= rows.items()
    assert len(standings) > 1
    assert len(evidence) > 5


def test_throughput_has_the_same_ends_in_the_table(folder: Path) -> None:
    html = (folder / "report.html").read_text(encoding="utf-8")
    table = html[html.index('<table class="steps') :]
    rows = re.findall(r'<tr><th scope="row">T=(\w+) P=(\d)</th><td>(\d+)</td><td>[^<]*</td><td>([^<]*)</td>', table)
    shown = {
        (None if threads == "unset" else int(threads), int(processes), int(users)): ends
        for threads, processes, users, ends in rows[: len(rows_of(folder))]
    }
    assert shown == {step: f"{number(low)} to {number(high)}" for step, (low, high) in rows_of(folder).items()}


def test_cost_and_p95_have_the_same_ends_in_the_chart_and_on_the_cards(folder: Path) -> None:
    route = read_contents(folder).findings[0].routes[0]
    drawn = pareto_drawing(route, currency="USD")
    assert drawn is not None
    for specification in drawn.specifications:
        bars = next(layer for layer in specification["layer"] if layer["mark"]["type"] == "rule")["data"]["values"]
        ends = {(bar["cost_low"], bar["cost_high"], bar["p95_low"], bar["p95_high"]) for bar in bars}
        for standing in route.standings:
            assert standing.cost is not None
            assert standing.p95 is not None
            cost, p95 = standing.cost.spread, standing.p95.spread
            assert cost is not None
            assert p95 is not None
            assert (cost.low, cost.high, p95.low, p95.high) in ends
    html = unescape((folder / "report.html").read_text(encoding="utf-8"))
    for one in first_experiment(folder, "report.json")["routes"][0]["standings"]:
        low, high = one["p95"]["spread"]["low"], one["p95"]["spread"]["high"]
        assert f"({duration(low)} to {duration(high)})" in html
        assert f"({number(one['cost']['spread']['low'])} to {number(one['cost']['spread']['high'])})" in html
