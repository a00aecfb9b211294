"""
The experiment of ``functune tune``, made from one request and a budget of time, and the planner that keeps the budget.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import msgspec

from functune.experiments.model import (
    Baseline,
    Experiment,
    Load,
    Matrix,
    PerInstanceConcurrency,
    Strategy,
    ThreadCount,
    Workload,
)
from functune.experiments.requests import RequestTemplate
from functune.formatting import plural
from functune.hosts.kinds import HostKind
from functune.run.measurement import Measurement
from functune.setting import Setting
from functune.sweep.planner import SearchPlanner
from functune.sweep.trials import STEP_SECONDS, PlannedTrial

THREADS = (1, 4, 16, 64)
PROCESSES = (1, 2, 4)
USERS = (1, 4, 16, 64)
EXPECTED_STEPS = 24
"""Steps that a search of these settings takes, roughly."""
EXPECTED_OVERHEAD = 36.0
"""Seconds that hosts and load generators take to start, and the profile and the report, roughly."""
PROFILE_TIME = (6.0, 10.0)
"""
Least and most seconds kept for the profile; in between they are a quarter of the budget.

The least suffices for one host with a step of one user and one of many, the most for a second host.
"""
LARGEST_SLOWDOWN = 2.0
"""The most by which the time kept for profile and report grows on a busy machine, at the cost of the search."""
REPORT_TIME = (4.0, 8.0)
"""Least and most seconds for the start of the command and the report; in between they are a tenth of the budget."""
SETTLING = (3.0, 20.0)
"""Least and most seconds by which a warm-up may grow; in between it is a twelfth of the budget."""
NAMED_SETTINGS = 3
"""Settings without a step that are named; of more than these, the number is said."""
WARM_UP = (0.3, 2.0)
"""Shortest and longest warm-up, seconds; in between it is two latencies."""
MEASURE = (1.0, 8.0)
"""Shortest and longest window, seconds; it lasts five latencies at least."""


class TuningAim(msgspec.Struct, frozen=True, kw_only=True):
    """The aim of a search: what ``functune tune`` is asked for."""

    objective: str = ""
    strategy: Strategy = "throughput"
    memory_mb: int | None = None
    single_process: bool = False
    """Whether only one worker process can be set, as on Flex Consumption."""


def tuning_experiment(
    request: RequestTemplate,
    present: Setting,
    *,
    aim: TuningAim,
    cores: float | None,
    budget: float,
    latency: float,
    has_threads: bool = True,
) -> Experiment:
    """
    The experiment for one request: threads and processes around the ``present`` setting, at 1 to 64 users.

    ``budget`` is the time for the whole search, and ``latency`` that of the first answer, both in seconds: the steps
    are as long as the budget allows. ``cores`` limits the processes; None for an unknown number.

    An app without threads to set, such as an ASGI app, has one list of them: that of its ``present`` setting.
    """
    count = 1 if aim.single_process else present.process_count
    processes = (1,) if aim.single_process else tuple(each for each in PROCESSES if each == 1 or each <= (cores or 2))
    threads: ThreadCount = "unset" if present.thread_count is None else present.thread_count
    limit: PerInstanceConcurrency = (
        "unset" if present.per_instance_concurrency is None else present.per_instance_concurrency
    )
    others = dict(present.app_settings)
    warm_up, measure = step_lengths(budget, latency)
    return Experiment(
        name="tune",
        question=f"Which settings suit {request}?",
        workload=Workload(requests=(request,)),
        settings=Matrix(
            thread_count=tuple(dict.fromkeys((*(THREADS if has_threads else ()), threads))),
            process_count=tuple(sorted({*processes, count})),
            per_instance_concurrency=(limit,),
            app_settings=(others,),
            host=() if present.host is None else (present.host,),
        ),
        load=Load(users=USERS, warm_up=warm_up, measure=measure),
        objective=aim.objective,
        strategy=aim.strategy,
        memory_mb=aim.memory_mb,
        baseline=Baseline(
            thread_count=threads,
            process_count=count,
            per_instance_concurrency=limit,
            app_settings=others,
            host=present.host,
        ),
    )


def slowdown(took: float, expected: float) -> float:
    """The factor by which a machine that other programs use is slower than expected, from 1 to LARGEST_SLOWDOWN."""
    return min(max(took / expected, 1.0), LARGEST_SLOWDOWN)


def profile_seconds(budget: float, slow: float = 1.0) -> float:
    """Seconds of a budget that are kept for the profile, on a machine that is ``slow`` times slower."""
    return min(slow * min(max(budget / 4, PROFILE_TIME[0]), PROFILE_TIME[1]), budget / 3)


def report_seconds(budget: float, slow: float = 1.0) -> float:
    """Seconds of a budget that are kept for the start of the command and the report."""
    return min(slow * min(max(budget / 10, REPORT_TIME[0]), REPORT_TIME[1]), budget / 5)


def settle_limit(budget: float) -> float:
    """Seconds by which a warm-up may grow: an unfair queue holds a call so long that the budget would be spent."""
    return min(max(budget / 12, SETTLING[0]), SETTLING[1])


def step_lengths(budget: float, latency: float) -> tuple[float, float]:
    """Warm-up and window of a step in seconds, for a budget and the latency of a single request."""
    warm_up = min(max(2 * latency, WARM_UP[0]), WARM_UP[1])
    affordable = (budget - EXPECTED_OVERHEAD) / EXPECTED_STEPS - warm_up
    measure = min(max(affordable, 5 * latency, MEASURE[0]), MEASURE[1])
    return round(warm_up, 2), round(measure, 2)


class BudgetPlanner(SearchPlanner):
    """
    A planner that ends the search in time: it gives only trials that end before the deadline.

    ``deadline`` is a moment of ``clock``, in seconds. No warm-up grows by more than ``settle_limit`` seconds.
    """

    def __init__(
        self,
        *,
        cores: float | None,
        kind: HostKind,
        deadline: float,
        settle_limit: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(cores=cores)
        self.kind = kind
        self.deadline = deadline
        self.settle_limit = settle_limit
        self.clock = clock
        self.was_cut = False
        """Whether the deadline ended the search."""

    def next_trials(
        self, experiment: Experiment, measured: Sequence[Measurement], failed: Sequence[PlannedTrial]
    ) -> list[PlannedTrial]:
        """
        The next trials that fit; none when the search is over, or the time.

        The first step is given in any case: without one there is no answer at all.
        """
        asked = super().next_trials(experiment, measured, failed)
        left = self.deadline - self.clock()
        fitting: list[PlannedTrial] = []
        for trial in asked:
            left -= 0.0 if fitting and trial.shares_host(fitting[-1]) else self.kind.seconds(trial.setting)
            shorter = shortened(trial, left)
            if shorter is None:
                break
            fitting.append(replace(shorter, settle_limit=self.settle_limit))
            left -= shorter.seconds
        if asked and not fitting and not measured and not failed:
            fitting = [replace(asked[0], users=asked[0].users[:1], settle_limit=self.settle_limit)]
        self.was_cut = self.was_cut or (bool(asked) and not fitting)
        return fitting


def shortened(trial: PlannedTrial, seconds: float) -> PlannedTrial | None:
    """The trial with as many of its steps as fit into the seconds; None where none does."""
    one = replace(trial, users=trial.users[:1])
    step = one.load.seconds + (STEP_SECONDS if trial.experiment.load.processes > 1 else 0.0)
    users = trial.users[: max(int((seconds - one.seconds + step) / step), 0)]
    return replace(trial, users=users) if users else None


def unmeasured_in_words(left: Sequence[PlannedTrial], measured: Sequence[Measurement]) -> str:
    """What a search that was cut short did not reach: settings without a step, and how many have some missing."""
    begun = {step.setting for step in measured}
    settings = dict.fromkeys(trial.setting for trial in left)
    without = sorted((each for each in settings if each not in begun), key=lambda each: each.simplicity)
    partly = sum(setting in begun for setting in settings)
    said = [setting.in_words for setting in without[:NAMED_SETTINGS]]
    if len(without) > NAMED_SETTINGS:
        said.append(plural(len(without) - NAMED_SETTINGS, "more setting"))
    if partly:
        said.append(f"some numbers of users of {plural(partly, 'setting')}")
    return "; ".join(said) or "repeats of the best setting and of the present one"
