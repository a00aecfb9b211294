import msgspec
import pytest

from functune.analysis.laws.littles_law import residual
from functune.analysis.numbers.figures import figures_of
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
