import msgspec
import pytest

from functune.analysis.laws.littles_law import edge_limit, residual, soundness, window_needed
from functune.analysis.numbers.figures import Figures, figures_of
from functune.setting import Setting
from tests.analysis.simulated import step


def test_residual_is_zero_where_the_law_holds() -> None:
    assert residual(figures_of([step(setting=Setting(thread_count=4), users=16)])) == pytest.approx(0, abs=1e-12)


def test_residual_counts_failures_as_in_flight() -> None:
    assert residual(figures_of([step(users=8, errors=100)])) == pytest.approx(0, abs=1e-12)


def test_residual_is_relative_to_the_concurrency_measured() -> None:
    sound = step(users=8)
    assert residual(
        figures_of([msgspec.structs.replace(sound, concurrency=sound.concurrency * 1.25)])
    ) == pytest.approx(0.2)


def test_residual_of_an_idle_step_is_none() -> None:
    assert residual(figures_of([msgspec.structs.replace(step(), latencies_us=[], concurrency=0.0)])) is None


def off_by(relative: float, *, duration: float) -> Figures:
    """16 users who compute under one interpreter lock, 0.32 s a request, with a concurrency that is off."""
    sound = step(users=16, cpu=0.02, wait=0.0, duration=duration)
    return figures_of([msgspec.structs.replace(sound, concurrency=sound.concurrency * (1 + relative))])


@pytest.mark.parametrize(
    ("relative", "duration", "expected"),
    [
        (0.0, 1.5, "sound"),
        (0.02, 60.0, "sound"),
        (0.06, 1.5, "window too short"),
        (0.2, 1.5, "window too short"),
        (0.4, 1.5, "broken"),
        (0.06, 60.0, "broken"),
        (-0.2, 60.0, "broken"),
    ],
)
def test_residual_is_judged_by_what_the_edges_of_its_window_can_cause(
    relative: float, duration: float, expected: str
) -> None:
    """Over 1.5 s requests of 0.32 s can put the law off by 21 % at the edges, over 60 s by 0.5 %."""
    assert soundness(off_by(relative, duration=duration)) == expected


def test_window_needed_is_one_whose_edges_cannot_cause_three_percent() -> None:
    assert window_needed(off_by(0.0, duration=1.5)) == pytest.approx(0.32 / 0.03, rel=0.01)


def test_shortest_repeat_decides_what_edges_can_cause() -> None:
    long, short = (step(users=16, cpu=0.02, wait=0.0, duration=duration) for duration in (60.0, 1.5))
    assert edge_limit(figures_of([long, short])) == pytest.approx(0.32 / 1.5, rel=0.01)


def test_step_in_which_nothing_ended_is_not_judged() -> None:
    assert soundness(figures_of([msgspec.structs.replace(step(), latencies_us=[], concurrency=0.0)])) is None
    stuck = figures_of([msgspec.structs.replace(step(), latencies_us=[], concurrency=16.0)])
    assert (soundness(stuck), edge_limit(stuck), window_needed(stuck)) == (None, None, None)
