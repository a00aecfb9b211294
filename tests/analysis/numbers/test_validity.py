"""Steps whose figures the load generator determined, not the app."""

import msgspec
import pytest

from functune.analysis.numbers.validity import void_reason
from functune.run.measurement import LoadProcess, Measurement
from tests.analysis.simulated import findings, planned, step, sweep


def arrivals(*, meant: int, sent: int, concurrency: float) -> Measurement:
    return msgspec.structs.replace(
        step(users=64),
        phase="arrivals",
        arrival_rate=100.0,
        arrivals=meant,
        latencies_us=[1000] * sent,
        concurrency=concurrency,
    )


def test_sound_steps_are_not_void() -> None:
    assert void_reason(step()) is None
    assert void_reason(arrivals(meant=1000, sent=991, concurrency=64)) is None


def test_step_at_the_limit_of_the_generator_is_void() -> None:
    reason = void_reason(msgspec.structs.replace(step(), generator_cpu=0.95))
    assert reason is not None
    assert "used 0.95 of the one core" in reason
    assert "at least 1 more load process: --load-processes 2" in reason


def shared(*cores: float) -> Measurement:
    """A step that some load processes have sent, with the cores of each."""
    processes = [
        LoadProcess(
            number=number, pid=number, is_here=True, users=1, cores=each, clock_offset_us=0.0, clock_bound_us=200.0
        )
        for number, each in enumerate(cores, 1)
    ]
    return msgspec.structs.replace(step(), generator_cpu=sum(cores) + 0.05, load_processes=tuple(processes))


def test_busiest_load_process_decides() -> None:
    """Two that use 1.2 cores together have room; of two that use 1.1 one may have had none."""
    assert void_reason(shared(0.6, 0.6)) is None
    reason = void_reason(shared(0.95, 0.15))
    assert reason is not None
    assert "the busiest of 2 load processes used 0.95 of the one core" in reason


@pytest.mark.parametrize(
    ("cores", "more"), [([0.95], 1), ([1.0, 1.0], 1), ([1.0] * 4, 2), ([0.95, 0.1], 1), ([1.0] * 8, 4)]
)
def test_step_says_how_many_more_load_processes_it_takes(cores: list[float], more: int) -> None:
    """As many as use 0.7 of a core each for the same requests: 8 busy ones become 12."""
    reason = void_reason(shared(*cores))
    assert reason is not None
    assert f"at least {more} more load process" in reason
    assert f"--load-workers {len(cores) + more} on other machines" in reason


def test_step_whose_generator_is_not_known_counts() -> None:
    assert void_reason(msgspec.structs.replace(step(), generator_cpu=None)) is None


def test_arrivals_that_found_no_connection_are_void() -> None:
    reason = void_reason(arrivals(meant=1000, sent=980, concurrency=64))
    assert reason is not None
    assert "only 98.0 % of the intended arrivals were sent: all 64 connections" in reason


def test_arrivals_the_app_could_not_take_are_a_result() -> None:
    """Fewer ended than were meant to be sent because a queue grows in the app: that is what was asked."""
    assert void_reason(arrivals(meant=1000, sent=900, concurrency=40)) is None


def test_void_steps_are_kept_and_count_for_nothing() -> None:
    experiment = planned()
    steps = sweep(experiment)
    steps[-1] = msgspec.structs.replace(steps[-1], generator_cpu=1.0)
    found = findings(experiment, steps)
    [void] = found.void
    assert (void.setting, void.users, void.counts) == (steps[-1].setting, steps[-1].users, False)
    assert [each.throughput for each in void.void] == [steps[-1].throughput]
    assert void not in found.levels
    assert len(found.levels) == len(steps) - 1
