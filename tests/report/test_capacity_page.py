"""plan.html, from the plan of a simulated run."""

import json
import re

import msgspec
import pytest

from functune.capacity.capacity_plan import CapacityPlan, make_plan
from functune.capacity.configuration import PYTHON_DEFAULT
from functune.capacity.measured_app import measured_apps, subject_to_plan
from functune.capacity.traffic import bursts
from functune.experiments.model import Matrix
from functune.experiments.subject import Subject
from functune.report.capacity_page import render_capacity_page
from functune.report.plan_charts.plan_cost import plan_cost_figure
from functune.report.plan_charts.plan_day import plan_day_figure
from tests.analysis.simulated import findings, planned, sweep
from tests.capacity.apps import under


@pytest.fixture(scope="module")
def plan() -> CapacityPlan:
    experiment = planned(settings=Matrix(thread_count=(16, 64)))
    measured = sweep(experiment, jitter=0.1)
    found, subject = subject_to_plan([findings(experiment, measured)], experiment=None, route=None)
    apps, left_out = measured_apps(found, subject, measured)
    given = under(bursts(2, 60, 300, 3600))
    return make_plan(found, subject, apps, left_out, given, objective=None, present=PYTHON_DEFAULT)


@pytest.fixture(scope="module")
def page(plan: CapacityPlan) -> str:
    return render_capacity_page(plan)


def test_page_has_the_answer_both_charts_and_every_configuration(plan: CapacityPlan, page: str) -> None:
    assert plan.sentence in page
    assert page.count('class="chart"') == 4  # two charts, wide and narrow
    body = page[page.index("<h2>Configurations</h2>") :]
    assert body.count('<th scope="row">') == len(plan.forecasts)
    for row in plan.assumptions:
        assert row.replace("'", "&#x27;") in page


def test_page_loads_nothing_and_holds_the_plan_for_programs(plan: CapacityPlan, page: str) -> None:
    assert re.findall(r'(?:src|href)="(?!#)', page) == []
    (embedded,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert json.loads(embedded)["sentence"] == plan.sentence


def test_charts_say_what_they_show(plan: CapacityPlan) -> None:
    cost, day = plan_cost_figure(plan), plan_day_figure(plan)
    assert cost.drawing is not None
    assert day is not None
    assert day.drawing is not None
    assert f"{len([each for each in plan.forecasts if each.keeps_up])} configurations" in cost.drawing.alternative
    assert all(each.title in cost.drawing.alternative for each in plan.frontier)
    assert all(course.title in day.drawing.alternative for course in plan.courses)


def test_titles_say_what_is_drawn(plan: CapacityPlan) -> None:
    best = plan.frontier[0]
    single = plan_cost_figure(msgspec.structs.replace(plan, frontier=(best,)))
    assert single.title == f"{best.title} is cheapest, and no p95 is more than 3.0 % lower"
    assert "dashed line" not in single.note
    course = msgspec.structs.replace(plan.courses[0], title="x", values=(1.0, 2.003, 1.5), hours=(0.0, 1.0, 2.0))
    day = plan_day_figure(msgspec.structs.replace(plan, courses=(course,)))
    assert day is not None
    assert day.title == "x: up to 2"


def test_points_and_courses_are_those_of_the_plan(plan: CapacityPlan) -> None:
    cost, day = plan_cost_figure(plan).drawing, plan_day_figure(plan)
    assert cost is not None
    assert day is not None
    assert day.drawing is not None
    line, points, *_ = cost.specifications[0]["layer"]
    assert [each["value"] for each in line["data"]["values"]] == [each.p95 for each in plan.frontier]
    assert len(points["data"]["values"]) == len([each for each in plan.forecasts if each.keeps_up])
    traffic, lines = day.drawing.specifications[0]["layer"]
    assert max(each["value"] for each in traffic["data"]["values"]) == max(max(each.values) for each in plan.courses)
    assert len(lines["data"]["values"]) == sum(len(each.values) for each in plan.courses)


def test_text_of_the_run_is_no_markup(plan: CapacityPlan) -> None:
    route = "/<script>alert(1)</script>"
    page = render_capacity_page(msgspec.structs.replace(plan, subject=Subject(route=route), experiment=route))
    assert "<script>alert" not in page


def test_plan_that_nothing_keeps_up_with_has_no_chart_of_costs(plan: CapacityPlan) -> None:
    failed = tuple(msgspec.structs.replace(each, keeps_up=False) for each in plan.forecasts)
    page = render_capacity_page(
        msgspec.structs.replace(plan, forecasts=failed, frontier=(), cheapest=None, present=None, courses=())
    )
    assert 'class="chart"' not in page
    assert page.count("does not keep up") == len(failed)
