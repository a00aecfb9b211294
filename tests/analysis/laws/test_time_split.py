import msgspec
import pytest

from functune.analysis.laws.time_split import Split, splits_of
from functune.analysis.numbers.levels import levels_of
from functune.experiments.model import Matrix
from functune.run.measurement import Measurement
from functune.setting import Setting
from tests.analysis.simulated import planned, step, sweep


def splits(measured: list[Measurement]) -> tuple[Split, ...]:
    return splits_of(levels_of(measured), setting=Setting(thread_count=1))


def test_splits_add_up_to_the_latency_and_find_the_wait() -> None:
    experiment = planned(settings=Matrix(thread_count=(1,)), users=(1, 16))
    alone, crowded = splits(sweep(experiment))
    assert (alone.users, crowded.users) == (1, 16)
    assert alone.wait == pytest.approx(0, abs=0.0005)
    assert alone.run == pytest.approx(0.1003, rel=0.01)
    assert crowded.latency == pytest.approx(16 * 0.1003, rel=0.02)
    assert crowded.wait == pytest.approx(15 * 0.1003, rel=0.02)
    assert crowded.wait + crowded.run + crowded.rest == pytest.approx(crowded.latency)


def test_splits_take_the_wait_that_the_host_measures() -> None:
    one = step(setting=Setting(thread_count=1), users=16)
    times = {"latencies_us": 170_000, "wait_times_us": 40_000, "service_times_us": 100_000}
    measured = msgspec.structs.replace(one, **{name: [value] * 20 for name, value in times.items()})
    parts = [(each.wait, each.run, each.rest) for each in splits([measured])]
    assert parts == [pytest.approx((0.04, 0.1, 0.03))]


@pytest.mark.parametrize("lost", ["wait_times_us", "service_times_us"])
def test_splits_are_not_guessed_where_answers_do_not_report_times(lost: str) -> None:
    experiment = planned(settings=Matrix(thread_count=(1,)), users=(1, 16))
    measured = [msgspec.structs.replace(one, **{lost: []}) for one in sweep(experiment)]
    assert splits(measured) == ()
