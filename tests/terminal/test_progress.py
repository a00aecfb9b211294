"""The progress of a sweep as it is printed."""

from io import StringIO
from pathlib import Path

import msgspec
from rich.console import Console

from functune.experiments.model import Experiment, Load, Matrix, Workload
from functune.experiments.subject import Subject
from functune.run.measurement import Measurement
from functune.setting import Setting
from functune.sweep.event_words import described
from functune.sweep.events import Event, StepFinished, SweepFinished, SweepStarted, TimeLeft, TrialFailed, TrialStarted
from functune.sweep.trials import PlannedTrial
from functune.terminal import progress

SETTING = Setting(process_count=2, thread_count=16)
SUBJECT = Subject(route="/a")
TRIAL = PlannedTrial(
    experiment=Experiment(
        name="test",
        question="?",
        workload=Workload(routes=("/a",)),
        settings=Matrix(),
        load=Load(users=(1,), warm_up=1, measure=1),
    ),
    setting=SETTING,
    subject=SUBJECT,
    users=(1,),
)


def measurement(
    latencies_us: list[int],
    *,
    experiment: str = "test",
    subject: Subject = SUBJECT,
    failed: int = 0,
    generator_cpu: float = 0.1,
    other_cpu: float | None = 0.1,
) -> Measurement:
    return Measurement(
        experiment=experiment,
        trial=0,
        subject=subject,
        handler="def",
        setting=SETTING,
        users=64,
        started_at=0,
        duration=2,
        warm_up=1,
        concurrency=64,
        latencies_us=latencies_us,
        error_latencies_us=[5] * failed,
        errors={"HTTP 500": failed} if failed else {},
        worker_requests={},
        worker_peak_in_flight={},
        worker_threads={},
        service_times_us=[],
        cpu_times_us=[],
        wait_times_us=[],
        generator_cpu=generator_cpu,
        host_cpu=0.5,
        other_cpu=other_cpu,
    )


def about(seconds: float) -> TimeLeft:
    return TimeLeft(seconds=seconds, at_most=False)


def step(
    latencies_us: list[int], *, failed: int = 0, generator_cpu: float = 0.1, other_cpu: float | None = 0.1
) -> StepFinished:
    measured = measurement(latencies_us, failed=failed, generator_cpu=generator_cpu, other_cpu=other_cpu)
    return StepFinished(trial=TRIAL, measurement=measured, left=about(63.4))


EVENTS = [
    SweepStarted(steps=3, left=about(125.0)),
    TrialStarted(trial=TRIAL, left=about(124.0)),
    step([100_000, 102_000, 130_000]),
    step([], failed=1, generator_cpu=0.97, other_cpu=None),
    step([100_000] * 9, failed=1, other_cpu=1.2),
    TrialFailed(trial=TRIAL, cause="no [brackets] lost", is_known=False, left=about(0)),
    SweepFinished(folder=Path("run"), steps=2, failures=1, routes=()),
]


def shown(*, terminal: bool) -> str:
    output = StringIO()
    console = Console(file=output, force_terminal=terminal, width=200, color_system=None)
    with progress.shown(console) as show:
        for event in EVENTS:
            show(event)
    return output.getvalue()


def test_progress_prints_plain_lines_without_a_terminal() -> None:
    assert shown(terminal=False).splitlines() == [
        "3 steps, about 2:05. T: threads per process, P: worker processes",
        "test  T=16 P=2     /a    64 users       1.5 requests/s    102.0 ms median  about 1:03 left  (best so far)",
        "test  T=16 P=2     /a    64 users       0.0 requests/s        - ms median  100.0% failed (HTTP 500: 1)"
        "  about 1:03 left  (the load generator used 0.97 cores: the host may be faster than this)",
        "test  T=16 P=2     /a    64 users       4.5 requests/s    100.0 ms median  10.0% failed (HTTP 500: 1)"
        "  about 1:03 left  (other programs used 1.20 cores)",
        "FAILED test  T=16 P=2  /a: no [brackets] lost",
        "2 steps measured, 1 trial failed: run",
    ]


def test_progress_draws_a_bar_below_the_lines_on_a_terminal() -> None:
    assert "━" in shown(terminal=True)
    assert "FAILED test  T=16 P=2  /a: no [brackets] lost" in shown(terminal=True)


def test_bar_shows_time_left_and_the_best_so_far() -> None:
    bar = progress.Bar()
    for event in [*EVENTS[:2], step([1] * 8), step([1] * 4)]:
        bar.follow(event)
    output = StringIO()
    Console(file=output, force_terminal=False, width=200).print(bar)
    assert "about 1:03 left test  T=16 P=2  /a" in output.getvalue()
    assert "best so far: test  T=16 P=2     /a    64 users       4.0 requests/s" in output.getvalue()


def test_best_so_far_begins_anew_with_each_experiment_and_route() -> None:
    fast = measurement([1] * 9)
    assert progress.is_better(measurement([1], experiment="next"), fast)
    assert progress.is_better(measurement([1], subject=Subject(route="/b")), fast)
    assert not progress.is_better(measurement([1]), fast)


def test_step_whose_requests_fail_is_not_the_best_so_far() -> None:
    assert not progress.is_better(measurement([1] * 9, failed=1), None)
    assert not progress.is_better(measurement([1] * 90, failed=1), measurement([1] * 9))
    assert progress.is_better(measurement([1] * 99, failed=1), measurement([1] * 9))


def line(event: Event) -> str:
    output = StringIO()
    progress.print_event(Console(file=output, force_terminal=False, width=200), event)
    return output.getvalue().rstrip("\n")


def test_search_says_at_most_and_a_grid_says_how_many() -> None:
    most = TimeLeft(seconds=80, at_most=True)
    assert line(SweepStarted(steps=12, left=most)).startswith("At most 12 steps, at most 1:20. ")
    assert line(SweepStarted(steps=12, left=about(80))).startswith("12 steps, about 1:20. ")
    assert line(StepFinished(trial=TRIAL, measurement=measurement([1_000]), left=most)).endswith("  at most 1:20 left")


def test_resumed_sweep_says_how_many_steps_were_measured_before() -> None:
    started = SweepStarted(steps=2, left=about(3.2), measured=4)
    assert line(started).startswith("2 steps, about 0:03; 4 steps measured before. ")


def test_line_of_arrivals_shows_their_share_of_the_capacity() -> None:
    opened = msgspec.structs.replace(measurement([1_000] * 4), share=0.85, arrival_rate=17.0)
    assert "   85% of capacity  " in described(opened)


def test_cause_of_several_failures_is_printed_once() -> None:
    again = TrialFailed(trial=TRIAL, cause="worker 1 ended", is_known=True, left=about(0))
    assert line(again) == "FAILED test  T=16 P=2  /a: the same cause as an earlier trial"
