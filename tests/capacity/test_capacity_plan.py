"""The whole plan of a simulated run."""

import json

import jsonschema
import msgspec
import pytest

from functune.analysis.experiment import ExperimentFindings, analyse
from functune.analysis.search.objective import parse_objective
from functune.capacity.capacity_plan import CapacityPlan, frontier_of, make_plan
from functune.capacity.configuration import PYTHON_DEFAULT, Configuration
from functune.capacity.measured_app import measured_apps, subject_to_plan
from functune.capacity.traffic import Traffic, daily, steady
from functune.errors import UsageError
from functune.experiments.model import Experiment, Matrix
from functune.experiments.planned import planned_subjects
from functune.plans.registry import price_for
from functune.report.json_text import indented_json
from functune.run.measurement import Failure, Measurement
from functune.setting import Setting
from functune.shapes import shape_of
from tests.analysis.simulated import CORES, findings, planned, sweep
from tests.capacity.apps import under
from tools.schemas import document_schema

type Run = tuple[ExperimentFindings, list[Measurement]]


def run_of(experiment: Experiment, *, wait: float = 0.1, cpu: float = 0.001) -> Run:
    """The findings of a simulated run, and its measurements."""
    measured = sweep(experiment, jitter=0.1, wait=wait, cpu=cpu)
    return findings(experiment, measured), measured


def plan_of(
    run: Run, traffic: Traffic, *, objective: str = "", present: Configuration = PYTHON_DEFAULT
) -> CapacityPlan:
    """The plan of the only subject."""
    found, subject = subject_to_plan([run[0]], experiment=None, route=None)
    apps, left_out = measured_apps(found, subject, run[1])
    aim = parse_objective(objective) if objective else None
    return make_plan(found, subject, apps, left_out, under(traffic), objective=aim, present=present)


@pytest.fixture(scope="module")
def waits() -> Run:
    """Threads by processes for a handler that waits."""
    return run_of(planned(settings=Matrix(thread_count=(1, 16, 64), process_count=(1, 2))))


@pytest.fixture(scope="module")
def plan(waits: Run) -> CapacityPlan:
    """A day of it."""
    return plan_of(waits, daily(40, 120), objective="p95 < 500ms")


def test_plan_covers_every_plan_and_names_the_cheapest(plan: CapacityPlan) -> None:
    assert {each.configuration.plan for each in plan.forecasts} == {"flex", "premium", "app-service", "container-apps"}
    assert plan.cheapest is not None
    assert plan.present is not None
    meeting = [each for each in plan.forecasts if each.keeps_up and each.meets]
    assert plan.cheapest.month == min(each.month for each in meeting)
    assert [each.month for each in plan.forecasts] == sorted(each.month for each in plan.forecasts)
    assert plan.sentence.startswith(f"The cheapest configuration that meets p95 < 500 ms is {plan.cheapest.title}: ")
    assert f"the present one, {plan.present.title}, costs " in plan.sentence


def test_plan_json_is_of_its_schema(plan: CapacityPlan) -> None:
    schema = json.loads(document_schema("plan.schema.json"))
    jsonschema.Draft202012Validator(schema).validate(json.loads(indented_json(plan)))


def test_nothing_beats_the_frontier(plan: CapacityPlan) -> None:
    for point in plan.frontier:
        assert not any(each.keeps_up and each.month < point.month and each.p95 < point.p95 for each in plan.forecasts)
    assert [each.p95 for each in plan.frontier] == sorted((each.p95 for each in plan.frontier), reverse=True)


def test_frontier_leaves_out_what_does_not_keep_up(plan: CapacityPlan) -> None:
    failed = tuple(msgspec.structs.replace(each, keeps_up=False) for each in plan.forecasts[:3])
    assert not {each.title for each in frontier_of((*failed, *plan.forecasts[3:]))} & {each.title for each in failed}


def test_more_at_a_time_than_pythons_default_is_cheaper_for_an_app_that_waits(plan: CapacityPlan) -> None:
    assert plan.cheapest is not None
    assert plan.present is not None
    flex = [each for each in plan.forecasts if each.configuration.plan == "flex" and each.configuration.size == "2048"]
    cheapest = min(flex, key=lambda each: each.month)
    assert cheapest.configuration.concurrency > 1
    assert cheapest.month < plan.present.month / 2


def test_explanation_says_what_the_default_does(plan: CapacityPlan) -> None:
    assert plan.explanation is not None
    text = " ".join(plan.explanation.sentences)
    assert "With perInstanceConcurrency 1, the default of Python" in text
    instances = [each.instances for each in plan.explanation.by_concurrency]
    assert instances == sorted(instances, reverse=True)
    assert instances[0] == plan.present.instances if plan.present else False


def test_settings_of_flex_have_one_process(plan: CapacityPlan) -> None:
    assert plan.settings["flex"].process_count == 1
    assert plan.settings["flex"].thread_count == 64


def test_objective_that_nothing_meets_is_said_with_the_fastest(waits: Run) -> None:
    found = plan_of(waits, steady(10), objective="p95 < 50ms")
    assert found.cheapest is None
    assert found.sentence.startswith("No configuration meets p95 < 50.0 ms; the fastest is ")


def test_plan_is_the_same_twice(waits: Run, plan: CapacityPlan) -> None:
    again = plan_of(waits, daily(40, 120), objective="p95 < 500ms")
    assert msgspec.json.encode(again) == msgspec.json.encode(plan)


def test_sizes_too_small_for_the_app_are_left_out_with_the_reason(waits: Run) -> None:
    found, measured = waits
    large = [msgspec.structs.replace(each, worker_peak_mb={"4241": 61.0, "4242": 900.0}) for each in measured]
    plan = plan_of((findings(found.experiment, large), large), steady(10))
    assert "512" not in {each.configuration.size for each in plan.forecasts if each.configuration.plan == "flex"}
    reasons = {each.title: each.reason for each in plan.left_out}
    assert "used 900 MB, an instance has 512" in reasons["Flex Consumption 512"]


QUARTER = shape_of("flex-512")
SIZES = planned(settings=Matrix(instance=("flex-512", "flex-2048"), thread_count=(16,)))


def slow_quarter() -> list[Measurement]:
    """Requests that compute for 20 ms; a quarter of a core is twice as slow as its share says."""
    return [
        msgspec.structs.replace(each, latencies_us=[2 * latency for latency in each.latencies_us[::2]])
        if each.setting.instance == QUARTER
        else each
        for each in sweep(SIZES, jitter=0.1, cpu=0.02, wait=0.0)
    ]


def p50_on(plan: CapacityPlan, size: str) -> float:
    [only] = [each for each in plan.forecasts if str(each.configuration) == f"flex:{size}:1:0"]
    return only.p50


def test_size_that_was_measured_has_its_own_curve_and_the_plan_says_so() -> None:
    measured = slow_quarter()
    plan = plan_of((findings(SIZES, measured), measured), steady(0.5))
    assert p50_on(plan, "512") == pytest.approx(0.16, rel=0.1)
    assert p50_on(plan, "2048") == pytest.approx(0.02, rel=0.1)
    assert p50_on(plan, "4096") == pytest.approx(0.02, rel=0.1)
    said = (
        "Measured on an instance of that size: Flex Consumption 512 and Flex Consumption 2048. The others follow from "
    )
    assert f"{said}what was measured on 1 core." in plan.notes
    assert plan.settings["flex"] == Setting(thread_count=16)


def test_size_that_was_not_measured_follows_from_the_whole_machine() -> None:
    experiment = planned(settings=Matrix(instance=("unset",), thread_count=(16,)))
    measured = sweep(experiment, jitter=0.1, cpu=0.02, wait=0.0)
    plan = plan_of((findings(experiment, measured), measured), steady(0.5))
    assert p50_on(plan, "512") == pytest.approx(0.08, rel=0.1)
    assert not any("of that size" in note for note in plan.notes)


def test_size_whose_memory_the_app_does_not_fit_is_left_out_with_what_the_kernel_did() -> None:
    measured = [each for each in slow_quarter() if each.setting.instance != QUARTER or each.users == 1]
    [subject] = planned_subjects(SIZES)
    failure = Failure(
        experiment=SIZES.name,
        trial=9,
        repeat=0,
        phase="capacity",
        subject=subject,
        setting=Setting(thread_count=16, instance=QUARTER),
        cause="does not fit 512 MB: at 16 users, the kernel ended 1 process of the host",
        unfit_mb=512,
    )
    found = analyse(SIZES, measured, cores=CORES, price=price_for(2048), failures=[failure])
    plan = plan_of((found, measured), steady(0.5))
    assert "512" not in {each.configuration.size for each in plan.forecasts if each.configuration.plan == "flex"}
    assert {each.title: each.reason for each in plan.left_out}["Flex Consumption 512"] == failure.cause


def test_size_on_which_the_app_worked_fits_whatever_it_used_elsewhere() -> None:
    """A larger instance lets a process keep memory that a small one makes it give back."""
    measured = [
        each
        if each.setting.instance == QUARTER
        else msgspec.structs.replace(each, worker_peak_mb={"4241": 61.0, "4242": 900.0})
        for each in slow_quarter()
    ]
    plan = plan_of((findings(SIZES, measured), measured), steady(0.5))
    assert p50_on(plan, "512") > 0


def test_several_subjects_have_to_be_chosen_from() -> None:
    experiment = planned(routes=("/a", "/b"), settings=Matrix(), users=(1, 4))
    found = run_of(experiment)[0]
    with pytest.raises(UsageError, match=r"--experiment and --route; there are threads: /a, /b"):
        subject_to_plan([found], experiment=None, route=None)
    assert str(subject_to_plan([found], experiment=None, route="/b")[1].subject) == "/b"
    with pytest.raises(UsageError, match="no such subject"):
        subject_to_plan([found], experiment=None, route="/c")
