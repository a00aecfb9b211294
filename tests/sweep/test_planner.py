"""The planners run to their end against simulated hosts, as a sweep would run them."""

import itertools
from collections import Counter
from collections.abc import Sequence

import msgspec
import pytest

from functune.experiments.model import Expectation, Experiment, Load, Matrix, Where, Workload
from functune.experiments.planned import planned_settings, required_steps
from functune.run.measurement import Measurement
from functune.setting import Setting
from functune.sweep.planner import SearchPlanner
from functune.sweep.trials import PlannedTrial
from tests.analysis.simulated import step

ROUTE = "/api/sync/sleep?ms=100"
MIXED = "/api/mixed"
DOUBLE = Where(thread_count=16, process_count=2, users=64)
EXPERIMENT = Experiment(
    name="threads",
    question="?",
    workload=Workload(routes=(ROUTE,)),
    settings=Matrix(thread_count=(1, 16, 64, "unset"), process_count=(1, 2)),
    load=Load(users=(1, 16, 64), warm_up=1, measure=2, repeats=3),
    expect=(Expectation(claim="c", metric="throughput", where=DOUBLE, at_least=1),),
)


def changed(**load: object) -> Experiment:
    return msgspec.structs.replace(EXPERIMENT, load=msgspec.structs.replace(EXPERIMENT.load, **load))


def measure(trial: PlannedTrial, number: int) -> list[Measurement]:
    """The trial's steps with a little noise: 5 ms of CPU time on MIXED, 0.3 ms else, and the rest of 100 ms waiting."""
    cpu = 0.005 if trial.subject.route == MIXED else 0.0003
    return [
        msgspec.structs.replace(
            step(setting=trial.setting, users=users, cpu=cpu, wait=0.1 - cpu, jitter=0.02, trial=number),
            subject=trial.subject,
            repeat=trial.repeat,
            phase=trial.phase,
            arrival_rate=rate,
            share=trial.share_of(rate),
        )
        for users in trial.users
        for rate in trial.arrival_rates or (None,)
    ]


def run(
    experiment: Experiment, measured: Sequence[Measurement] = (), broken: Setting | None = None
) -> list[Measurement]:
    """A sweep; hosts of the broken setting do not start."""
    planner, steps, failed = SearchPlanner(cores=2), list(measured), []
    for number in itertools.count():
        batch = planner.next_trials(experiment, steps, failed)
        if not batch:
            return steps
        assert number < 500, "the planner never ends"
        for trial in batch:
            if trial.setting == broken:
                failed.append(trial)
            else:
                steps += measure(trial, number)
    raise AssertionError


def counts(steps: Sequence[Measurement]) -> Counter[tuple[Setting, int]]:
    return Counter((step.setting, step.users) for step in steps if step.arrival_rate is None)


def test_adaptive_search_measures_few_steps_and_those_that_decide_in_every_round() -> None:
    steps = run(EXPERIMENT)
    found = counts(steps)
    assert len(found) < 24 / 2
    winner, [expected] = (Setting(thread_count=64), 64), required_steps(EXPERIMENT)
    assert found[winner] == found[expected.setting, 64] == 3
    assert found[Setting(thread_count=1), 64] == 0  # its bound says that it cannot win
    for setting, users in found:
        repeats = [step.repeat for step in steps if (step.setting, step.users) == (setting, users)]
        assert repeats == list(range(len(repeats)))


def test_search_finds_the_best_setting_of_one_process_where_two_serve_more() -> None:
    """Flex Consumption allows one process: without a search of its own all settings of one process would be skipped."""
    workload, matrix = Workload(routes=(MIXED,)), Matrix(thread_count=(1, 4, 16, 32), process_count=(1, 2))
    experiment = msgspec.structs.replace(EXPERIMENT, workload=workload, settings=matrix, expect=())
    found = counts(run(experiment))
    assert found[Setting(process_count=2, thread_count=32), 64] == 3
    assert found[Setting(process_count=1, thread_count=32), 64] == 3
    assert found[Setting(process_count=1, thread_count=4), 64] == 0


def test_grid_measures_every_step_in_every_round() -> None:
    found = counts(run(changed(search="grid")))
    assert found == Counter(
        {(setting, users): 3 for setting in planned_settings(EXPERIMENT.settings) for users in (1, 16, 64)}
    )


@pytest.mark.parametrize("kept", [0, 1, 3, 7, 12])
def test_search_that_was_cut_short_ends_with_the_same_steps(kept: int) -> None:
    whole = run(EXPERIMENT)
    again = run(EXPERIMENT, whole[:kept])
    assert {(step.setting, step.users, step.repeat) for step in again} == {
        (step.setting, step.users, step.repeat) for step in whole
    }


def test_single_setting_is_measured_at_every_step() -> None:
    only = msgspec.structs.replace(EXPERIMENT, settings=Matrix(thread_count=(1,)), expect=())
    assert counts(run(only)) == Counter({(Setting(thread_count=1), users): 3 for users in (1, 16, 64)})


def test_setting_that_cannot_be_measured_is_omitted() -> None:
    steps = run(EXPERIMENT, broken=Setting(thread_count=64))
    assert Setting(thread_count=64) not in {step.setting for step in steps}
    assert counts(steps)[Setting(), 64] == 3
    # The defaults are wanted in every round, unless they cannot be had.
    assert Setting() not in {step.setting for step in run(EXPERIMENT, broken=Setting())}


def test_nothing_left_to_measure_ends_the_search() -> None:
    only = msgspec.structs.replace(EXPERIMENT, settings=Matrix(thread_count=(1,)), expect=())
    assert run(only, broken=Setting(thread_count=1)) == []


def test_every_background_load_is_a_search_of_its_own() -> None:
    workload = Workload(routes=(ROUTE,), background="/api/sync/cpu?ms=50", background_users=(0, 4))
    steps = run(msgspec.structs.replace(EXPERIMENT, workload=workload, expect=()))
    found = {users: counts([s for s in steps if s.subject.background_users == users]) for users in (0, 4)}
    assert found[0] == found[4]
    assert found[0][Setting(thread_count=64), 64] == 3


def test_arrivals_follow_the_closed_loop_at_shares_of_its_throughput() -> None:
    steps = run(changed(arrivals=(0.5, 0.95)))
    opened = [step for step in steps if step.arrival_rate is not None]
    assert steps[-len(opened) :] == opened
    # The winner and the defaults, which serve the same here.
    assert {step.setting for step in opened} == {Setting(thread_count=64), Setting()}
    for one in opened:
        closed = [each for each in steps if each.setting == one.setting and each.users == 64 and not each.arrival_rate]
        served = sum(len(each.latencies_us) for each in closed) / sum(each.duration for each in closed)
        assert any(one.arrival_rate == pytest.approx(share * served) for share in (0.5, 0.95))
        assert one.phase == "arrivals"
    assert Counter((one.setting, one.repeat) for one in opened) == Counter(
        {(setting, repeat): 2 for setting in (Setting(thread_count=64), Setting()) for repeat in range(3)}
    )
    assert run(changed(arrivals=(0.5, 0.95)), steps) == steps


def test_nothing_is_left_of_a_search_that_is_over() -> None:
    """Skipped settings are not measured any more, so they count for no time."""
    planner, steps = SearchPlanner(cores=2), run(EXPERIMENT)
    assert planner.trials_left(EXPERIMENT, steps[:-1], []) != []
    assert planner.trials_left(EXPERIMENT, steps, []) == []
    with_arrivals = changed(arrivals=(0.5, 0.95))
    assert {trial.phase for trial in planner.trials_left(with_arrivals, steps, [])} == {"arrivals"}


def test_arrivals_that_an_expectation_needs_are_measured_whichever_setting_wins() -> None:
    where = Where(thread_count=16, process_count=1, arrivals=0.5)
    expect = (Expectation(claim="c", metric="p95_ms", where=where, at_most=1),)
    steps = run(msgspec.structs.replace(changed(arrivals=(0.5,)), expect=expect))
    opened = Counter(step.setting for step in steps if step.arrival_rate is not None)
    assert opened == Counter({Setting(thread_count=64): 3, Setting(): 3, Setting(thread_count=16): 3})
