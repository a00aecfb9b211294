"""The experiment of ``functune tune``, and the planner that keeps the budget."""

import msgspec
import pytest

from functune.experiments.planned import planned_settings
from functune.experiments.requests import RequestTemplate
from functune.experiments.subject import Subject
from functune.hosts.local import LOCAL_HOST
from functune.run.measurement import Measurement
from functune.setting import Setting
from functune.sweep.profile import ProfileTarget
from functune.sweep.trials import PlannedTrial
from functune.sweep.tuning import (
    BudgetPlanner,
    TuningAim,
    profile_seconds,
    report_seconds,
    settle_limit,
    slowdown,
    step_lengths,
    tuning_experiment,
    unmeasured_in_words,
)
from tests.analysis.simulated import step

REQUEST = RequestTemplate(name="request", route="/api/sync/sleep?ms=100")


@pytest.mark.parametrize(
    ("present", "aim", "cores", "threads", "processes"),
    [
        (Setting(), TuningAim(), 2, (1, 4, 16, 64, "unset"), (1, 2)),
        (Setting(thread_count=8, process_count=3), TuningAim(), 1, (1, 4, 16, 64, 8), (1, 3)),
        (Setting(thread_count=16), TuningAim(), 8, (1, 4, 16, 64), (1, 2, 4)),
        (Setting(process_count=3), TuningAim(single_process=True), 8, (1, 4, 16, 64, "unset"), (1,)),
    ],
)
def test_matrix_has_the_present_setting_and_as_many_processes_as_cores(
    present: Setting, aim: TuningAim, cores: float, threads: object, processes: object
) -> None:
    made = tuning_experiment(REQUEST, present, aim=aim, cores=cores, budget=60, latency=0.1)
    assert (made.settings.thread_count, made.settings.process_count) == (threads, processes)
    count = 1 if aim.single_process else present.process_count
    assert made.compared_with == msgspec.structs.replace(present, process_count=count)


def test_steps_are_longer_with_a_larger_budget_and_for_a_slower_request() -> None:
    assert step_lengths(20, 0.01) == (0.3, 1.0)
    assert step_lengths(120, 0.01) == pytest.approx((0.3, (120 - 36) / 24 - 0.3), abs=0.01)
    assert step_lengths(20, 0.5) == (1.0, 2.5)
    assert step_lengths(3600, 30) == (2.0, 8.0)


def test_queue_that_does_not_settle_is_given_up_by_every_trial() -> None:
    made = tuning_experiment(REQUEST, Setting(), aim=TuningAim(), cores=2, budget=60, latency=0.1)
    planner = BudgetPlanner(cores=2, kind=LOCAL_HOST, deadline=60, settle_limit=2.5, clock=lambda: 0.0)
    loads = [trial.load for trial in planner.next_trials(made, [], [])]
    assert loads
    assert all(load.seconds_at_most == load.seconds + 2.5 * load.steps for load in loads)


@pytest.mark.parametrize("budget", [20, 60, 3600])
def test_busy_machine_gets_more_time_for_profile_and_report_and_leaves_some_for_the_search(budget: float) -> None:
    slow = slowdown(took=6.0, expected=2.0)
    assert slowdown(took=1.0, expected=2.0) == 1
    assert profile_seconds(budget) <= profile_seconds(budget, slow)
    kept = profile_seconds(budget, slow) + report_seconds(budget, slow)
    assert profile_seconds(budget) + report_seconds(budget) < kept < 0.6 * budget


def test_first_step_is_measured_also_where_no_time_is_left() -> None:
    _, planner, steps = searched(0)
    assert len(steps) == 1
    assert planner.was_cut


def test_smallest_budget_suffices_for_two_settings_and_a_profile() -> None:
    preflight = 3.0
    took, _, steps = searched(20 - report_seconds(20) - profile_seconds(20) - preflight)
    assert len({step.setting for step in steps}) == 2
    target = ProfileTarget(
        tuning_experiment(REQUEST, Setting(), aim=TuningAim(), cores=2, budget=20, latency=0.1),
        Subject(route="/api/sync/sleep?ms=100"),
        Setting(),
        (1, 64),
    )
    assert preflight + took + LOCAL_HOST.seconds(Setting()) + target.seconds + report_seconds(20) <= 20


def searched(seconds: float) -> tuple[float, BudgetPlanner, list[Measurement]]:
    """A search on a simulated clock: the seconds it took, its planner and its steps."""
    clock = [0.0]
    planner = BudgetPlanner(
        cores=2, kind=LOCAL_HOST, deadline=seconds, settle_limit=settle_limit(seconds), clock=lambda: clock[0]
    )
    made = tuning_experiment(REQUEST, Setting(), aim=TuningAim(), cores=2, budget=seconds, latency=0.1)
    steps: list[Measurement] = []
    last: PlannedTrial | None = None
    while batch := planner.next_trials(made, steps, []):
        for trial in batch:
            clock[0] += trial.seconds + (0.0 if trial.shares_host(last) else LOCAL_HOST.seconds(trial.setting))
            last = trial
            for users in trial.users:
                found = step(setting=trial.setting, users=users, experiment="tune", repeat=trial.repeat)
                steps.append(
                    msgspec.structs.replace(
                        found, subject=trial.subject, phase=trial.phase, started_at=clock[0] + users / 1000
                    )
                )
    return clock[0], planner, steps


def test_search_ends_before_its_deadline_and_measures_the_present_setting_first() -> None:
    took, planner, steps = searched(8)
    assert took <= 8
    assert planner.was_cut
    assert Setting() in {each.setting for each in steps[:4]}


def test_search_with_enough_time_comes_to_its_end() -> None:
    took, planner, steps = searched(300)
    assert took < 300
    assert not planner.was_cut
    assert max(steps, key=lambda each: each.throughput).setting.threads >= 64


def test_settings_that_were_not_reached_are_named() -> None:
    _, planner, steps = searched(8)
    made = tuning_experiment(REQUEST, Setting(), aim=TuningAim(), cores=2, budget=20, latency=0.1)
    words = unmeasured_in_words(planner.trials_left(made, steps, []), steps).split("; ")
    unseen = sorted(
        set(planned_settings(made.settings)) - {each.setting for each in steps}, key=lambda one: one.simplicity
    )
    assert words[:3] == [each.in_words for each in unseen[:3]]
    assert words[3:] == [f"{len(unseen) - 3} more settings", "some numbers of users of 2 settings"]
