import json
import re

import msgspec
import pytest

from functune.analysis.experiment import ExperimentFindings
from functune.errors import UsageError
from functune.experiments.model import Matrix
from functune.plans.advice import PlanAdvice, advice_for, advice_for_plans, advice_text, single_advice
from functune.plans.plan import HostingPlan
from functune.plans.registry import FLEX, PLANS, SCOPES
from functune.setting import MAX_CONCURRENT_REQUESTS, Setting
from tests.analysis.simulated import findings, planned, searched, sweep

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
    assert flex.parameters == {"perInstanceConcurrency": 8, "threadCount": 8}
    assert any("measure there" in note for note in flex.notes)


def test_a_measured_limit_on_what_is_let_in_is_given_as_each_plan_names_it() -> None:
    matrix = Matrix(thread_count=(1, 16), per_instance_concurrency=(16,))
    found = analysed(settings=matrix)
    assert only(found, LOCAL).app_settings[MAX_CONCURRENT_REQUESTS] == "16"
    assert only(found, PREMIUM).parameters["maxConcurrentRequests"] == 16
    flex = only(found, FLEX)
    assert flex.parameters["perInstanceConcurrency"] == 16
    assert MAX_CONCURRENT_REQUESTS not in flex.app_settings


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
    assert any("SWITCH_INTERVAL_MS: the template of this project has no parameter" in note for note in flex.notes)


def test_limiter_is_a_line_for_the_app_and_in_no_setting_of_a_plan() -> None:
    line = "anyio.to_thread.current_default_thread_limiter().total_tokens = 80"
    found = analysed(settings=Matrix(thread_count=(1, 16), limiter_tokens=(80,)))
    for plan in (LOCAL, PREMIUM, FLEX):
        advice = only(found, plan)
        assert advice.setting.limiter_tokens == 80
        assert len([note for note in advice.notes if note.endswith(line)]) == 1
        others = only(analysed(settings=Matrix(thread_count=(1, 16))), plan)
        assert (advice.app_settings, advice.parameters) == (others.app_settings, others.parameters)
        assert (advice.fragment, advice.commands) == (others.fragment, others.commands)
        assert not any("limiter" in note for note in others.notes)
    flex = only(found, FLEX)
    assert flex.bicepparam is not None
    assert [text for text in flex.bicepparam.splitlines() if line in text and not text.startswith("//")] == []
    assert line in flex.bicepparam


def test_memory_is_the_experiments() -> None:
    experiment = msgspec.structs.replace(planned(settings=Matrix(thread_count=(1, 16))), memory_mb=512)
    found = findings(experiment, sweep(experiment))
    flex = only(found, FLEX)
    assert flex.parameters["instanceMemoryMB"] == 512
    assert flex.fragment is not None
    assert "    instanceMemoryMB: 512\n" in flex.fragment
    assert flex.commands is not None
    assert "--instance-memory 512\n" in flex.commands


def test_advice_for_a_plan_is_the_best_setting_of_the_plan_and_agrees_with_itself() -> None:
    """5 ms of CPU and 45 ms of waiting: two processes lead, and on Flex one process with 16 threads is the best."""
    matrix = Matrix(thread_count=(1, 4, 16, "unset"), process_count=(1, 2))
    experiment = planned(settings=matrix, users=(1, 16, 64))
    found = findings(experiment, searched(experiment, scopes=SCOPES, cpu=0.005, wait=0.045))
    assert [each.setting.process_count for each in found.advice] == [2]
    flex = only(found, FLEX)
    assert flex.setting == Setting(thread_count=16)
    assert flex.app_settings == {"PYTHON_THREADPOOL_THREAD_COUNT": "16"}
    assert flex.parameters == {"perInstanceConcurrency": 16, "threadCount": 16}
    assert json.loads(flex.local_settings) == {"Values": flex.app_settings}
    assert flex.bicepparam is not None
    assert re.findall(r"^param (\w+) = (\d+)$", flex.bicepparam, re.MULTILINE) == [
        (name, str(value)) for name, value in flex.parameters.items()
    ]
    assert flex.commands is not None
    assert "--settings PYTHON_THREADPOOL_THREAD_COUNT=16\n" in flex.commands
    assert "--instance-memory" not in flex.commands  # nobody asked for a size
    assert flex.fragment is not None
    assert "triggers: { http: { perInstanceConcurrency: 16 } }" in flex.fragment
    assert "PYTHON_THREADPOOL_THREAD_COUNT: '16'" in flex.fragment
    assert "instanceMemoryMB" not in flex.fragment
    assert "--trigger-settings perInstanceConcurrency=16\n" in flex.commands
    assert "16 threads in 1 process served 200 requests/s" in flex.notes[0]
    assert advice_text(flex, "bicep") == flex.bicepparam
    for form, text in (("fragment", flex.fragment), ("commands", flex.commands)):
        assert advice_text(flex, form).endswith(f"\n{text}")
    assert json.loads(msgspec.json.encode(flex))["setting"]["thread_count"] == 16


def test_search_for_all_settings_alone_gives_a_plan_poor_advice() -> None:
    """The search has to know the plans: otherwise the best setting of one process is not measured at all."""
    matrix = Matrix(thread_count=(1, 4, 16, "unset"), process_count=(1, 2))
    experiment = planned(settings=matrix, users=(1, 16, 64))
    found = findings(experiment, searched(experiment, cpu=0.005, wait=0.045))
    assert [each.setting for each in advice_for(found, FLEX)] != [Setting(thread_count=16)]


def test_route_without_a_setting_is_named_in_the_advice_for_the_others() -> None:
    experiment = msgspec.structs.replace(
        planned(settings=Matrix(thread_count=(1, 16), process_count=(1, 2)), routes=("/a", "/b"), users=(1, 8)),
        objective="p95 < 300ms",
    )
    quick, slow = sweep(experiment, wait=0.1), sweep(experiment, wait=0.4)
    measured = [
        late if soon.subject.route == "/b" and soon.setting.process_count == 1 else soon
        for soon, late in zip(quick, slow, strict=True)
    ]
    found = findings(experiment, measured)
    [flex] = advice_for(found, FLEX)
    assert [str(each) for each in flex.subjects] == ["/a"]
    [note] = [note for note in flex.notes if "/b" in note]
    assert note.startswith("No setting measured for Flex Consumption can be recommended for /b: ")
    assert flex.bicepparam is not None
    assert f"// {note}" in flex.bicepparam
    assert not any("can be recommended for" in note for note in only(found, PREMIUM).notes)


@pytest.mark.parametrize(
    "plan", [plan for plan in PLANS.values() if plan.allows(Setting())], ids=lambda plan: plan.name
)
def test_advice_is_for_settings_that_the_plan_allows(plan: HostingPlan) -> None:
    for cpu, wait in ((0.0003, 0.1), (0.005, 0.045), (0.02, 0.0)):
        experiment = planned(settings=Matrix(thread_count=(1, 16), process_count=(1, 2)))
        found = findings(experiment, searched(experiment, scopes=SCOPES, cpu=cpu, wait=wait))
        best = max(level.throughput for level in found.levels if plan.allows(level.setting))
        advised = only(found, plan).setting
        assert plan.allows(advised)
        assert max(level.throughput for level in found.levels if level.setting == advised) >= 0.95 * best


def test_form_that_a_plan_lacks_is_refused_with_the_plans_that_have_it() -> None:
    local = only(analysed(), LOCAL)
    assert json.loads(advice_text(local, "local-settings"))["Values"]["PYTHON_THREADPOOL_THREAD_COUNT"] == "16"
    with pytest.raises(
        UsageError, match=r"--format bicep: allowed with --plan flex or premium or .*, the plan is local"
    ):
        advice_text(local, "bicep")


@pytest.mark.parametrize(("form", "sign"), [("commands", "#"), ("fragment", "//")])
def test_notes_are_comments_above_the_text(form: str, sign: str) -> None:
    flex = only(analysed(settings=Matrix(thread_count=(1, "unset"), process_count=(1, 2))), FLEX)
    [about_template] = flex.template_notes
    lines = advice_text(flex, form).splitlines()
    commented = [line for line in lines if line.startswith(f"{sign} ")]
    assert lines[0] == f"{sign} functune: 1 process, threads unset, for /api/sync/sleep?ms=100 (threads)"
    assert commented[: len(flex.notes)] == [
        lines[0],
        *(f"{sign} {note}" for note in flex.notes if note != about_template),
    ]
    assert about_template not in "\n".join(lines)


@pytest.mark.parametrize("form", ["commands", "fragment", "bicep"])
def test_line_break_in_an_app_setting_does_not_end_its_comment(form: str) -> None:
    flex = only(analysed(settings=Matrix(thread_count=(1, 16), app_settings=({"MOTD": "one\nrm -rf ."},))), FLEX)
    heading = advice_text(flex, form).partition("functune: ")[2].splitlines()[0]
    assert "MOTD=one rm -rf ." in heading


def test_single_advice_names_the_choices() -> None:
    found = advice_for_plans(analysed())
    assert single_advice(found, plan="flex", experiment=None).plan == "flex"
    with pytest.raises(UsageError, match="--experiment x: the run has no advice for it; it has threads"):
        single_advice(found, plan="flex", experiment="x")
    with pytest.raises(UsageError, match="recommends no setting for flex: none that it allows was compared"):
        single_advice([], plan="flex", experiment=None)
    other = [msgspec.structs.replace(each, experiment="other") for each in found]
    with pytest.raises(UsageError, match="choose one with --experiment threads or other"):
        single_advice([*found, *other], plan="flex", experiment=None)
