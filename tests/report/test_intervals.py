"""One interval is computed once: every file, table and chart of a run prints the same ends of it."""

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

from functune.formatting import duration, number, number_range
from functune.report.charts.pareto import pareto_drawing
from functune.report.document import read_document
from functune.report.json_text import rounded
from functune.run.folder import RunFolder

type Step = tuple[int | None, int, int]
"""Threads, processes, users: what distinguishes the steps of the experiment "waits"."""
type Ends = tuple[float, float]


def first_experiment(folder: Path, file: str) -> dict[str, Any]:
    """The first experiment of a file of the run, which has five repeats of each step."""
    found: dict[str, Any] = json.loads((folder / file).read_text(encoding="utf-8"))["experiments"][0]
    return found


def step_of(one: dict[str, Any]) -> Step:
    """The step of a level, of a standing or of evidence."""
    return one["setting"]["thread_count"], one["setting"]["process_count"], one["users"]


def ends_of(spread: dict[str, Any]) -> Ends:
    """Both ends; equal ones where all repeats are equal."""
    assert spread["low"] <= spread["high"]
    return spread["low"], spread["high"]


def ends_of_levels(folder: Path, spread: str) -> dict[Step, Ends]:
    """The ends of one spread of each closed-loop step, from the levels of report.json."""
    levels = first_experiment(folder, "report.json")["subjects"][0]["levels"]
    return {step_of(level): ends_of(level[spread]) for level in levels if level[spread] is not None}


def test_throughput_has_the_same_ends_in_both_json_files(folder: Path) -> None:
    levels = ends_of_levels(folder, "spread")
    standings = first_experiment(folder, "report.json")["subjects"][0]["standings"]
    evidence = first_experiment(folder, "recommendation.json")["recommendations"][0]["evidence"]
    assert {step_of(one): ends_of(one["throughput"]["spread"]) for one in standings}.items() <= levels.items()
    assert {step_of(one): ends_of(one["spread"]) for one in evidence}.items() <= levels.items()
    assert all(one["throughput"]["spread"]["low"] < one["throughput"]["spread"]["high"] for one in standings)
    assert len(standings) > 1
    assert len(evidence) > 5


def test_throughput_has_the_same_ends_in_the_table(folder: Path) -> None:
    html = (folder / "report.html").read_text(encoding="utf-8")
    levels = ends_of_levels(folder, "spread")
    table = html[html.index('<table class="steps') :]
    rows = re.findall(r'<tr><th scope="row">T=(\w+) P=(\d)</th><td>(\d+)</td><td>[^<]*</td><td>([^<]*)</td>', table)
    shown = {
        (None if threads == "unset" else int(threads), int(processes), int(users)): ends
        for threads, processes, users, ends in rows[: len(levels)]
    }
    assert shown == {step: number_range(low, high) for step, (low, high) in levels.items()}


def test_cost_and_p95_have_the_same_ends_in_the_chart_and_on_the_cards(folder: Path) -> None:
    subject = read_document(RunFolder.open(folder)).experiments[0].subjects[0]
    drawn = pareto_drawing(subject, currency="USD")
    assert drawn is not None
    costs, p95s = ends_of_levels(folder, "cost_spread"), ends_of_levels(folder, "p95_spread")
    standings = first_experiment(folder, "report.json")["subjects"][0]["standings"]
    for specification in drawn.specifications:
        bars = next(layer for layer in specification["layer"] if layer["mark"]["type"] == "rule")["data"]["values"]
        names = [f"{name}_{end}" for name in ("cost", "p95") for end in ("low", "high")]
        ends = {tuple(rounded([bar[name] for name in names])) for bar in bars}
        for one in standings:
            cost, p95 = ends_of(one["cost"]["spread"]), ends_of(one["p95"]["spread"])
            assert (*cost, *p95) in ends
            assert (cost, p95) == (costs[step_of(one)], p95s[step_of(one)])
    html = unescape((folder / "report.html").read_text(encoding="utf-8"))
    for one in standings:
        low, high = one["p95"]["spread"]["low"], one["p95"]["spread"]["high"]
        assert f"({duration(low)} to {duration(high)})" in html
        assert f"({number(one['cost']['spread']['low'])} to {number(one['cost']['spread']['high'])})" in html
