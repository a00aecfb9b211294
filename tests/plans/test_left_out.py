"""The plans for which an experiment gives no settings, and the reasons."""

import msgspec

from functune.analysis.experiment import ExperimentFindings
from functune.experiments.model import Matrix
from functune.plans.left_out import left_out_plans
from tests.analysis.simulated import findings, planned, sweep


def reasons(found: ExperimentFindings) -> dict[str, str]:
    """Why each plan is left out."""
    return {each.plan: each.reason for each in left_out_plans(found)}


def measured(settings: Matrix) -> ExperimentFindings:
    experiment = planned(settings=settings, users=(1, 8, 64))
    return findings(experiment, sweep(experiment))


def test_plans_that_allow_several_of_the_settings_are_not_left_out() -> None:
    assert reasons(measured(Matrix(thread_count=(1, 16), process_count=(1, 2)))) == {}


def test_instances_of_one_plan_leave_out_the_others_that_run_the_same_host() -> None:
    said = "every setting that it allows was measured on an instance of another plan"
    functions = measured(Matrix(thread_count=(1, 16), instance=("flex-512", "flex-2048")))
    assert reasons(functions) == {"premium": said}
    web = measured(Matrix(thread_count=(1, 16), instance=("B1",), host=("gunicorn:gthread",)))
    assert reasons(web) == {"container-apps": said}


def test_plan_without_a_setting_or_with_a_single_one_is_left_out() -> None:
    assert reasons(measured(Matrix(process_count=(2, 4)))) == {"flex": "no setting that it allows was measured"}
    assert reasons(measured(Matrix(process_count=(1, 2)))) == {"flex": "only one setting that it allows was measured"}


def test_plan_whose_settings_all_miss_the_objective_is_left_out_with_the_reason() -> None:
    experiment = msgspec.structs.replace(
        planned(settings=Matrix(thread_count=(1, 16), process_count=(1, 2)), users=(1, 8)), objective="p95 < 300ms"
    )
    quick, slow = sweep(experiment, wait=0.1), sweep(experiment, wait=0.4)
    steps = [late if soon.setting.process_count == 1 else soon for soon, late in zip(quick, slow, strict=True)]
    [reason] = reasons(findings(experiment, steps)).values()
    assert reason.startswith("none of the settings that it allows can be recommended: ")
    assert "p95 < 300 ms" in reason


def test_experiment_with_nothing_to_choose_leaves_out_no_plan() -> None:
    assert reasons(measured(Matrix(thread_count=(16,)))) == {}
