import msgspec
import pytest

from functune.analysis.checks.interference import interference_warnings, not_free, window_warnings
from functune.analysis.numbers.levels import Level, levels_of
from tests.analysis.simulated import level, step


def disturbed(other_cpu: float | None) -> Level:
    """A level during which other programs used so many cores."""
    return level(msgspec.structs.replace(step(), other_cpu=other_cpu))


def test_warnings_name_how_much_and_how_often() -> None:
    steps = [disturbed(0.3), disturbed(1.2), disturbed(0.2), disturbed(None)]
    assert interference_warnings(steps) == (
        "Other programs used up to 1.20 cores while 2 of 4 steps were measured: the figures may be too low. "
        "Repeat on an idle machine.",
    )


def test_warnings_are_silent_on_an_idle_machine() -> None:
    assert interference_warnings([disturbed(0.25), disturbed(None), disturbed(0.0)]) == ()
    assert interference_warnings([]) == ()


@pytest.mark.parametrize(
    ("others", "machine", "expected"),
    [
        ([0.2, 0.0], 2, None),
        ([0.05, 0.21], 2, "needs 2 free cores, and other programs used 0.21 cores of 2"),
        ([3.0], 8, None),
        ([0.0], 1, "needs 2 free cores, and the machine has 1"),
        ([0.0], 1.5, "needs 2 free cores, and the machine has 1.5"),
        ([0.0], None, "needs 2 free cores, and how many the machine has is not known"),
        ([0.0, None], 2, "needs 2 free cores, and the use by other programs is not known"),
        ([], 2, None),
    ],
)
def test_cores_are_free_when_others_leave_enough(
    others: list[float | None], machine: float | None, expected: str | None
) -> None:
    assert not_free([disturbed(other) for other in others], needed=2, machine=machine) == expected


def test_window_of_few_bursts_is_warned_of() -> None:
    """2 s sleeps in lockstep, measured for 4.5 s: one burst more or less is a third of the throughput."""
    bursts = msgspec.structs.replace(step(), duration=4.5, longest_pause=2.0)
    steady = msgspec.structs.replace(step(), duration=4.5, longest_pause=1.1)
    [said] = window_warnings(levels_of([bursts, steady]))
    assert said.startswith("No answer came for up to 2.00 s in 1 of 2 measurements")
    assert said.endswith("measure for 8.00 s or longer.")
    assert window_warnings(levels_of([steady])) == ()


def test_window_too_short_for_its_latency_is_warned_of() -> None:
    sound = step(users=16, cpu=0.02, wait=0.0, duration=1.5)
    off = msgspec.structs.replace(sound, concurrency=sound.concurrency * 1.06)
    [said] = window_warnings(levels_of([off, step(users=1)]))
    assert said == (
        "The window was too short to check Little's law in 1 of 2 measurements: requests in flight at its edges "
        "explain the difference. Windows of 10.7 s would check it."
    )
    blocked = step(users=128, cpu=0.02, wait=0.0, duration=3.0)
    [said] = window_warnings(levels_of([msgspec.structs.replace(blocked, concurrency=blocked.concurrency * 1.06)]))
    assert said.endswith(
        "Answers take up to 2.56 s there, so windows of minutes would be needed: steps with fewer users, whose answers "
        "take less, show whether it holds."
    )
    assert window_warnings(levels_of([sound, step(users=1)])) == ()
