import msgspec
import pytest

from functune.analysis.objective import parse
from functune.analysis.recommendation import PROCESSES, THREADS, Aim, Recommendation, recommend
from functune.analysis.strategies import NoChoice
from functune.experiments import Matrix
from functune.measurements import Measurement, Setting
from tests.analysis.simulated import planned, step, sweep

ROUTE = "/api/sync/sleep?ms=100"


def served(count: int, *, setting: Setting, users: int = 8, errors: int = 0, trial: int = 0) -> Measurement:
    """A step that served so many requests in 3 s, 200 of which are 66.7 requests/s."""
    return msgspec.structs.replace(
        step(setting=setting, users=users, errors=errors, trial=trial), latencies_us=[50_000] * count
    )


def test_recommend_takes_the_simplest_within_five_percent_of_the_fastest() -> None:
    found = recommend(
        ROUTE,
        [
            served(200, setting=Setting(thread_count=4, process_count=2)),
            served(192, setting=Setting(thread_count=16)),
            served(191, setting=Setting(thread_count=4)),
            served(189, setting=Setting(thread_count=1)),
        ],
    )
    assert isinstance(found, Recommendation)
    assert found.setting == Setting(thread_count=4)
    assert found.ties == (
        Setting(thread_count=4),
        Setting(thread_count=16),
        Setting(thread_count=4, process_count=2),
    )
    assert found.next_best is not None
    assert found.next_best.setting == Setting(thread_count=1)
    assert found.distance == pytest.approx(0.055)


def test_recommend_counts_unset_as_a_thousand_threads() -> None:
    steps = [served(200, setting=Setting()), served(200, setting=Setting(thread_count=64))]
    found = recommend(ROUTE, steps)
    assert isinstance(found, Recommendation)
    assert found.setting == Setting(thread_count=64)
    assert found.settings_to_set == {THREADS: "64", PROCESSES: "1"}
    alone = recommend(ROUTE, steps[:1])
    assert isinstance(alone, Recommendation)
    assert alone.settings_to_set == {THREADS: None, PROCESSES: "1"}


def test_recommend_uses_each_settings_best_level_and_names_its_trial() -> None:
    setting = Setting(thread_count=4)
    found = recommend(
        ROUTE, [served(count, setting=setting, users=users, trial=3) for users, count in ((1, 30), (8, 120), (64, 90))]
    )
    assert isinstance(found, Recommendation)
    assert (found.best.trial, found.best.users, found.best.throughput) == (3, 8, 40)


def test_recommend_leaves_out_steps_that_fail() -> None:
    found = recommend(
        ROUTE,
        [served(200, setting=Setting(thread_count=64), errors=3), served(20, setting=Setting(thread_count=1))],
    )
    assert isinstance(found, Recommendation)
    assert found.setting == Setting(thread_count=1)
    assert any("1 of 2 steps failed" in caveat for caveat in found.caveats)
    assert isinstance(recommend(ROUTE, [served(20, setting=Setting(), errors=20)]), NoChoice)


@pytest.mark.parametrize(
    ("counts", "open_ended"),
    [((100, 200, 400), True), ((100, 198, 200), False), ((100, 200, 150), False)],
    ids=["rising", "flat", "falling"],
)
def test_recommend_says_when_more_users_may_give_more(counts: tuple[int, ...], open_ended: bool) -> None:
    steps = [served(count, setting=Setting(), users=users) for users, count in zip((1, 2, 4), counts, strict=True)]
    found = recommend(ROUTE, steps)
    assert isinstance(found, Recommendation)
    assert found.caveats[0].startswith("Not every setting that may be the best was")
    assert open_ended is any(caveat.startswith("No peak up to ") for caveat in found.caveats)


def test_recommend_sets_no_process_count_on_flex() -> None:
    experiment = planned(settings=Matrix(thread_count=(1, 4), process_count=(1, 2)))
    steps = sweep(experiment, cpu=0.02, wait=0)
    flex = recommend(ROUTE, steps, cores=2, plan="flex")
    assert isinstance(flex, Recommendation)
    assert flex.setting == Setting(thread_count=1)
    assert flex.settings_to_set == {THREADS: "1"}
    other = recommend(ROUTE, steps, cores=2)
    assert isinstance(other, Recommendation)
    assert other.setting == Setting(thread_count=1, process_count=2)
    assert any("not valid on Flex Consumption: there use 1 thread in 1 process" in caveat for caveat in other.caveats)


def test_recommend_warns_of_an_unsound_instrument() -> None:
    sound = served(200, setting=Setting(thread_count=4))
    off = msgspec.structs.replace(sound, concurrency=sound.concurrency * 1.25)
    found = recommend(ROUTE, [off, served(10, setting=Setting(thread_count=1), users=1)])
    assert isinstance(found, Recommendation)
    assert any("Little's law is off by" in caveat for caveat in found.caveats)


def repeated(*counts: int, setting: Setting) -> list[Measurement]:
    return [
        msgspec.structs.replace(served(count, setting=setting), repeat=repeat) for repeat, count in enumerate(counts)
    ]


def test_recommend_takes_settings_as_tied_that_repeats_do_not_tell_apart() -> None:
    """One repeat of the simpler setting was unlucky; in the others it kept up."""
    simple, faster = Setting(thread_count=4), Setting(thread_count=64)
    found = recommend(ROUTE, [*repeated(160, 199, 198, setting=simple), *repeated(200, 200, 200, setting=faster)])
    assert isinstance(found, Recommendation)
    assert found.setting == simple
    assert set(found.ties) == {simple, faster}
    assert found.best.spread is not None
    assert (found.best.spread.repeats, found.best.spread.is_interval) == (3, False)
    assert any("From 3 repeats a range is known and no interval" in caveat for caveat in found.caveats)
    apart = recommend(ROUTE, [*repeated(160, 170, 165, setting=simple), *repeated(200, 200, 200, setting=faster)])
    assert isinstance(apart, Recommendation)
    assert apart.setting == faster


def test_recommend_keeps_the_objective() -> None:
    quick, slow = Setting(thread_count=4), Setting(thread_count=64)
    steps = [
        served(300, setting=quick),
        msgspec.structs.replace(served(600, setting=slow), latencies_us=[400_000] * 600),
    ]
    found = recommend(ROUTE, steps, aim=Aim(objective=parse("p95 < 300ms")))
    assert isinstance(found, Recommendation)
    assert [each.setting for each in found.evidence] == [quick]
    nothing = recommend(ROUTE, steps, aim=Aim(objective=parse("p95 < 1ms")))
    assert isinstance(nothing, NoChoice)
    assert nothing.reason.startswith("Nothing measured keeps p95 < 1")
