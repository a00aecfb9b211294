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
    assert alone.wait == 0
    assert alone.run == pytest.approx(0.1003, rel=0.01)
    assert crowded.latency == pytest.approx(16 * 0.1003, rel=0.02)
    assert crowded.wait == pytest.approx(15 * 0.1003, rel=0.02)
    assert crowded.wait + crowded.run + crowded.rest == pytest.approx(crowded.latency)


def test_splits_distinguish_waiting_from_the_way_to_the_handler() -> None:
    def timed(users: int, *, latency: int, queued: int) -> Measurement:
        one = step(setting=Setting(thread_count=1), users=users)
        times = {"latencies_us": latency, "queued_us": queued, "service_times_us": 100_000}
        return msgspec.structs.replace(one, **{name: [value] * 20 for name, value in times.items()})

    measured = [timed(1, latency=125_000, queued=20_000), timed(16, latency=170_000, queued=60_000)]
    parts = [(each.wait, each.run, each.rest) for each in splits(measured)]
    assert parts == [pytest.approx((0, 0.1, 0.025)), pytest.approx((0.04, 0.1, 0.03))]


@pytest.mark.parametrize("lost", ["queued_us", "service_times_us"])
def test_splits_are_not_guessed_where_answers_do_not_report_times(lost: str) -> None:
    experiment = planned(settings=Matrix(thread_count=(1,)), users=(1, 16))
    measured = [msgspec.structs.replace(one, **{lost: []}) for one in sweep(experiment)]
    assert splits(measured) == ()


def test_splits_need_a_lone_user() -> None:
    experiment = planned(settings=Matrix(thread_count=(1,)), users=(4, 16))
    assert splits(sweep(experiment)) == ()
