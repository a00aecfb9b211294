import msgspec
import pytest

from functune.analysis.numbers.levels import levels_of
from functune.analysis.search.objective import parse_objective
from functune.analysis.verdict.recommendation import Aim, Recommendation, recommend
from functune.analysis.verdict.strategies import NoChoice
from functune.experiments.model import Matrix, Strategy
from functune.plans.registry import FLEX, price_for
from functune.run.measurement import Measurement
from functune.setting import PROCESS_COUNT, THREAD_COUNT, Setting
from tests.analysis.simulated import SLEEP, planned, step, sweep


def recommended(steps: list[Measurement], *, aim: Aim | None = None) -> Recommendation | NoChoice:
    return recommend(SLEEP, levels_of(steps), aim=aim or Aim())


def served(count: int, *, setting: Setting, users: int = 8, errors: int = 0) -> Measurement:
    """A step that served so many requests in 3 s, 200 of which are 66.7 requests/s."""
    return msgspec.structs.replace(step(setting=setting, users=users, errors=errors), latencies_us=[50_000] * count)


def test_recommend_takes_the_simplest_within_five_percent_of_the_fastest() -> None:
    found = recommended(
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
    found = recommended(steps)
    assert isinstance(found, Recommendation)
    assert found.setting == Setting(thread_count=64)
    assert found.settings_to_set == {THREAD_COUNT: "64", PROCESS_COUNT: "1"}
    alone = recommended(steps[:1])
    assert isinstance(alone, Recommendation)
    assert alone.settings_to_set == {THREAD_COUNT: None, PROCESS_COUNT: "1"}


def test_recommend_uses_each_settings_best_level() -> None:
    setting = Setting(thread_count=4)
    found = recommended([served(count, setting=setting, users=users) for users, count in ((1, 30), (8, 120), (64, 90))])
    assert isinstance(found, Recommendation)
    assert (found.best.users, found.best.throughput) == (8, 40)


def test_recommend_omits_steps_that_fail() -> None:
    found = recommended(
        [served(200, setting=Setting(thread_count=64), errors=3), served(20, setting=Setting(thread_count=1))],
    )
    assert isinstance(found, Recommendation)
    assert found.setting == Setting(thread_count=1)
    assert any(
        caveat.startswith("1 of 2 steps was not considered: it failed more than 1 % of its requests")
        for caveat in found.caveats
    )
    assert isinstance(recommended([served(20, setting=Setting(), errors=20)]), NoChoice)


@pytest.mark.parametrize(
    ("counts", "open_ended"),
    [((100, 200, 400), True), ((100, 198, 200), False), ((100, 200, 150), False)],
    ids=["rising", "flat", "falling"],
)
def test_recommend_says_when_more_users_may_give_more(counts: tuple[int, ...], open_ended: bool) -> None:
    steps = [served(count, setting=Setting(), users=users) for users, count in zip((1, 2, 4), counts, strict=True)]
    found = recommended(steps)
    assert isinstance(found, Recommendation)
    assert found.caveats[0].startswith("Not every setting within 5 % of the best was measured twice")
    assert open_ended is any(caveat.startswith("No peak up to ") for caveat in found.caveats)


def test_recommend_says_that_one_number_of_users_was_measured() -> None:
    found = recommended([served(100, setting=Setting(), users=1)])
    assert isinstance(found, Recommendation)
    assert "Measured with 1 user alone: more users may give more throughput." in found.caveats


def test_recommend_chooses_among_the_settings_a_plan_allows() -> None:
    experiment = planned(settings=Matrix(thread_count=(1, 4), process_count=(1, 2)))
    levels = levels_of(sweep(experiment, cpu=0.02, wait=0))
    flex = recommend(SLEEP, levels, aim=Aim(), cores=2, allows=FLEX.allows)
    assert isinstance(flex, Recommendation)
    assert flex.setting == Setting(thread_count=1)
    assert {each.setting.process_count for each in flex.evidence} == {1}
    other = recommend(SLEEP, levels, aim=Aim(), cores=2)
    assert isinstance(other, Recommendation)
    assert other.setting == Setting(thread_count=1, process_count=2)


def test_recommend_names_the_memory_only_where_a_setting_was_offered() -> None:
    """Two processes need too much memory; a plan of three was not measured at all."""
    steps = [served(200, setting=Setting(process_count=2))]
    small = Aim(memory_mb=16)
    assert recommended(steps, aim=small) == NoChoice(reason="Every setting used more than the 16 MB of an instance.")
    other = recommend(SLEEP, levels_of(steps), aim=small, allows=lambda setting: setting.process_count == 3)
    assert other == NoChoice(reason="None of its steps was measured.")


def test_recommend_warns_of_an_unsound_instrument() -> None:
    sound = served(200, setting=Setting(thread_count=4))
    off = msgspec.structs.replace(sound, concurrency=sound.concurrency * 1.25)
    found = recommended([off, served(10, setting=Setting(thread_count=1), users=1)])
    assert isinstance(found, Recommendation)
    assert any("Little's law is off by" in caveat for caveat in found.caveats)


def repeated(*counts: int, setting: Setting) -> list[Measurement]:
    return [
        msgspec.structs.replace(served(count, setting=setting), repeat=repeat) for repeat, count in enumerate(counts)
    ]


def test_recommend_takes_settings_as_tied_that_repeats_do_not_distinguish() -> None:
    """One repeat of the simpler setting was unlucky; in the others it kept up."""
    simple, faster = Setting(thread_count=4), Setting(thread_count=64)
    found = recommended([*repeated(160, 199, 198, setting=simple), *repeated(200, 200, 200, setting=faster)])
    assert isinstance(found, Recommendation)
    assert found.setting == simple
    assert set(found.ties) == {simple, faster}
    assert found.best.spread is not None
    assert (found.best.spread.repeats, found.best.spread.is_interval) == (3, False)
    assert any("3 repeats give a range but no interval" in caveat for caveat in found.caveats)
    apart = recommended([*repeated(160, 170, 165, setting=simple), *repeated(200, 200, 200, setting=faster)])
    assert isinstance(apart, Recommendation)
    assert apart.setting == faster


def test_recommend_keeps_the_objective() -> None:
    quick, slow = Setting(thread_count=4), Setting(thread_count=64)
    steps = [
        served(300, setting=quick),
        msgspec.structs.replace(served(600, setting=slow), latencies_us=[400_000] * 600),
    ]
    found = recommended(steps, aim=Aim(objective=parse_objective("p95 < 300ms")))
    assert isinstance(found, Recommendation)
    assert [each.setting for each in found.evidence] == [quick]
    nothing = recommended(steps, aim=Aim(objective=parse_objective("p95 < 1ms")))
    assert isinstance(nothing, NoChoice)
    assert nothing.reason.startswith("No measured setting meets p95 < 1")


@pytest.mark.parametrize(
    ("hosts", "strategy", "is_said"),
    [
        (("local", "uvicorn"), "cost", True),
        (("local", "uvicorn"), "balanced", True),
        (("local", "uvicorn"), "throughput", False),
        (("gunicorn:asgi", "uvicorn"), "cost", False),
    ],
)
def test_choice_by_the_costs_of_several_plans_says_so(
    hosts: tuple[str, ...], strategy: Strategy, is_said: bool
) -> None:
    price = price_for(2048)
    steps = [step(setting=Setting(host=host), users=users) for host in hosts for users in (1, 8)]
    aim = Aim(strategy=strategy, price=price)
    found = recommend(SLEEP, levels_of(steps, price=price), aim=aim)
    assert isinstance(found, Recommendation)
    said = [each for each in found.caveats if "always busy instances" in each]
    assert len(said) == is_said
    assert all("App Service B1 and Flex Consumption with 2048 MB" in each for each in said)
