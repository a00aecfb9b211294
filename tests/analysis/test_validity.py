"""Steps that say more of the load generator than of the app."""

import msgspec

from functune.analysis.validity import void_reason, warnings
from functune.analysis.verdict import analyse
from functune.measurements import Measurement
from tests.analysis.simulated import planned, step
from tests.analysis.simulated import sweep as simulated


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
    steps = simulated(experiment)
    steps[-1] = msgspec.structs.replace(steps[-1], generator_cpu=1.0)
    analysis = analyse(experiment, steps, cores=2)
    assert [void.step for void in analysis.void] == [steps[-1]]
    assert len(analysis.measurements) == len(steps) - 1


def test_window_of_few_bursts_is_warned_of() -> None:
    """2 s sleeps in lockstep, measured for 4.5 s: one burst more or less is a third of the throughput."""
    bursts = msgspec.structs.replace(step(), duration=4.5, longest_pause=2.0)
    steady = msgspec.structs.replace(step(), duration=4.5, longest_pause=1.1)
    [said] = warnings([bursts, steady])
    assert said.startswith("No answer came for up to 2.00 s in 1 of 2 measurements")
    assert said.endswith("measure for 8.00 s or longer.")
    assert warnings([steady]) == ()
