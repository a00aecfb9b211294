"""Steps whose figures the load generator determined, not the app."""

import msgspec

from functune.analysis.numbers.validity import void_reason
from functune.run.measurement import Measurement
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
