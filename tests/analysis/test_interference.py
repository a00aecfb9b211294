import msgspec
import pytest

from functune.analysis.interference import not_free, warnings
from functune.measurements import Measurement
from tests.analysis.simulated import step


def beside(other_cpu: float | None) -> Measurement:
    return msgspec.structs.replace(step(), other_cpu=other_cpu)


def test_warnings_name_how_much_and_how_often() -> None:
    steps = [beside(0.3), beside(1.2), beside(0.2), beside(None)]
    assert warnings(steps) == (
        "Other programs used up to 1.20 cores while 2 of 4 steps were measured: the figures may be too low. "
        "Repeat on an idle machine.",
    )


def test_warnings_are_silent_on_an_idle_machine() -> None:
    assert warnings([beside(0.25), beside(None), beside(0.0)]) == ()
    assert warnings([]) == ()


@pytest.mark.parametrize(
    ("others", "machine", "expected"),
    [
        ([0.2, 0.0], 2, None),
        ([0.05, 0.21], 2, "needs 2 free cores, and other programs used 0.21 cores of 2"),
        ([3.0], 8, None),
        ([0.0], 1, "needs 2 free cores, and the machine has 1"),
        ([0.0], 1.5, "needs 2 free cores, and the machine has 1.5"),
        ([0.0], None, "needs 2 free cores, and how many the machine has is not known"),
        ([0.0, None], 2, "needs 2 free cores, and what other programs used is not known"),
        ([], 2, None),
    ],
)
def test_cores_are_free_when_others_leave_enough(
    others: list[float | None], machine: float | None, expected: str | None
) -> None:
    assert not_free([beside(other) for other in others], needed=2, machine=machine) == expected
