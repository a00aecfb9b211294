"""The grid: the next trials of an experiment, from its measurements so far."""

import itertools

import msgspec
import pytest

from functune.experiments.model import Experiment, Load, Matrix, Workload
from functune.experiments.planned import planned_settings
from functune.run.measurement import Measurement
from functune.sweep.trials import Grid, PlannedTrial
from tests.analysis.simulated import step

EXPERIMENT = Experiment(
    name="threads",
    question="?",
    workload=Workload(routes=("/a", "/b"), background="/c", background_users=(0, 2)),
    settings=Matrix(thread_count=(1, 2, 4, 8), process_count=(1, 2)),
    load=Load(users=(1, 16), warm_up=1, measure=1, repeats=3),
)
SETTINGS = planned_settings(EXPERIMENT.settings)
grid = Grid().next_trials


def measured(trial: PlannedTrial, users: int) -> Measurement:
    made = step(setting=trial.setting, users=users, experiment=trial.experiment.name)
    return msgspec.structs.replace(made, repeat=trial.repeat, subject=trial.subject)


def rounds(trials: list[PlannedTrial]) -> list[list[PlannedTrial]]:
    return [list(group) for _, group in itertools.groupby(trials, key=lambda trial: trial.repeat)]


def test_every_round_has_every_trial_once_and_settings_in_another_order() -> None:
    orders = []
    for repeat, trials in enumerate(rounds(grid(EXPERIMENT, [], []))):
        assert {trial.repeat for trial in trials} == {repeat}
        assert all(trial.users == (1, 16) for trial in trials)
        keys = {(trial.setting, trial.subject) for trial in trials}
        assert len(keys) == len(trials) == 8 * 2 * 2
        orders.append([setting for setting, _ in itertools.groupby(trial.setting for trial in trials)])
    assert [sorted(order, key=SETTINGS.index) for order in orders] == [SETTINGS] * 3  # each on one host
    assert orders[0] != orders[1] != orders[2]


def test_order_is_the_seeds() -> None:
    def with_seed(seed: int) -> list[object]:
        load = msgspec.structs.replace(EXPERIMENT.load, seed=seed)
        return [trial.setting for trial in grid(msgspec.structs.replace(EXPERIMENT, load=load), [], [])]

    assert with_seed(1) == with_seed(1) != with_seed(2)


@pytest.mark.parametrize("count", [0, 1, 2, 33, 95])
def test_what_is_left_is_what_was_not_measured(count: int) -> None:
    planned = [(trial, users) for trial in grid(EXPERIMENT, [], []) for users in trial.users]
    done = [measured(*each) for each in planned[:count]]
    left = [(trial, users) for trial in grid(EXPERIMENT, done, []) for users in trial.users]
    assert [(t.setting, t.subject, t.repeat, users) for t, users in left] == [
        (t.setting, t.subject, t.repeat, users) for t, users in planned[count:]
    ]


def test_trial_that_failed_is_not_tried_again() -> None:
    first, *others = grid(EXPERIMENT, [], [])
    assert grid(EXPERIMENT, [measured(first, 1)], [first]) == others


def test_nothing_is_left_of_what_is_measured() -> None:
    done = [measured(trial, users) for trial in grid(EXPERIMENT, [], []) for users in trial.users]
    assert grid(EXPERIMENT, done, []) == []
