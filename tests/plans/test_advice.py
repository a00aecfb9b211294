import msgspec

from functune.analysis.experiment import ExperimentFindings
from functune.experiments.model import Matrix
from functune.plans.advice import PlanAdvice, advice_for
from functune.plans.local import MAX_CONCURRENT
from functune.plans.plan import HostingPlan
from functune.plans.registry import FLEX, PLANS
from tests.analysis.simulated import findings, planned, sweep

LOCAL, PREMIUM = PLANS["local"], PLANS["premium"]


def analysed(*, cpu: float = 0.0003, settings: Matrix | None = None) -> ExperimentFindings:
    experiment = planned(settings=settings or Matrix(thread_count=(1, 16), process_count=(1, 2)), users=(1, 8, 64))
    return findings(experiment, sweep(experiment, cpu=cpu))


def only(found: ExperimentFindings, plan: HostingPlan) -> PlanAdvice:
    [one] = advice_for(found, plan)
    return one


def test_local_and_premium_take_the_process_count() -> None:
    assert only(analysed(), LOCAL).app_settings["FUNCTIONS_WORKER_PROCESS_COUNT"] == "2"
    premium = only(analysed(), PREMIUM)
    assert premium.app_settings["FUNCTIONS_WORKER_PROCESS_COUNT"] == "2"
    assert premium.parameters == {"workerProcessCount": 2, "threadCount": 16}


def test_flex_never_takes_the_process_count() -> None:
    flex = only(analysed(), FLEX)
    assert flex.setting.process_count == 1
    assert not any("PROCESS" in name for name in (*flex.app_settings, *flex.parameters))
    assert "workerProcessCount" not in flex.parameters
    assert any("cannot be set on Flex Consumption" in note for note in flex.notes)


def test_flex_lets_in_the_fewest_requests_that_give_nearly_the_most_throughput() -> None:
    experiment = planned(settings=Matrix(thread_count=(1, 8)), users=(1, 8, 64))
    found = findings(experiment, sweep(experiment))
    flex = only(found, FLEX)
    assert flex.parameters == {"instanceMemoryMB": 2048, "perInstanceConcurrency": 8, "threadCount": 8}
    assert any("measure there" in note for note in flex.notes)


def test_a_measured_limit_on_what_is_let_in_is_given_as_each_plan_names_it() -> None:
    matrix = Matrix(thread_count=(1, 16), per_instance_concurrency=(16,))
    found = analysed(settings=matrix)
    assert only(found, LOCAL).app_settings[MAX_CONCURRENT] == "16"
    assert only(found, PREMIUM).parameters["maxConcurrentRequests"] == 16
    flex = only(found, FLEX)
    assert flex.parameters["perInstanceConcurrency"] == 16
    assert MAX_CONCURRENT not in flex.app_settings


def test_unset_threads_are_the_hosts_own_number_where_a_template_has_another_default() -> None:
    matrix = Matrix(thread_count=(1, "unset"))
    found = analysed(settings=matrix)
    assert only(found, PREMIUM).parameters["threadCount"] == 1000
    flex = only(found, FLEX)
    assert "threadCount" not in flex.parameters
    assert flex.app_settings == {"PYTHON_THREADPOOL_THREAD_COUNT": None}


def test_further_app_settings_are_named_where_no_parameter_takes_them() -> None:
    matrix = Matrix(thread_count=(1, 16), app_settings=({"SWITCH_INTERVAL_MS": "0.5"},))
    flex = only(analysed(settings=matrix), FLEX)
    assert flex.app_settings["SWITCH_INTERVAL_MS"] == "0.5"
    assert any("SWITCH_INTERVAL_MS: the template has no parameter" in note for note in flex.notes)


def test_memory_is_the_experiments() -> None:
    experiment = msgspec.structs.replace(planned(settings=Matrix(thread_count=(1, 16))), memory_mb=512)
    found = findings(experiment, sweep(experiment))
    assert only(found, FLEX).parameters["instanceMemoryMB"] == 512
