import math
import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functune.analysis.numbers.figures import Figures
from functune.analysis.numbers.levels import Level, levels_of
from functune.analysis.search.objective import parse_objective
from functune.analysis.verdict.strategies import STRATEGIES, WEIGHT, Choice, NoChoice, choose, pareto_front
from functune.experiments.model import Strategy
from functune.setting import Setting
from tests.analysis.simulated import plain_level, step


def offer(
    threads: int | None = 1,
    *,
    processes: int = 1,
    users: int = 8,
    throughput: float = 100.0,
    p95: float | None = 0.1,
    cost: float | None = 1.0,
    repeats: tuple[float, ...] = (),
) -> Level:
    """A level to choose from; ``repeats`` are its throughput in each repeat, relative to that of all."""
    whole = Figures(throughput=throughput, p95=p95, cost=cost)
    return plain_level(
        whole,
        setting=Setting(thread_count=threads, process_count=processes),
        users=users,
        repeats={
            index: msgspec.structs.replace(whole, throughput=throughput * factor)
            for index, factor in enumerate(repeats)
        },
    )


def chosen(offered: list[Level], strategy: Strategy = "throughput", *, objective: str = "") -> Choice:
    found = choose(offered, strategy=strategy, objective=parse_objective(objective) if objective else None)
    assert isinstance(found, Choice), found
    return found


def test_each_strategy_chooses_what_its_name_says() -> None:
    fast = offer(64, throughput=300, p95=0.4, cost=1.0)
    quick = offer(4, throughput=100, p95=0.05, cost=3.0)
    cheap = offer(16, throughput=200, p95=0.5, cost=0.5)
    middle = offer(8, throughput=150, p95=0.1, cost=0.9)
    offered = [fast, quick, cheap, middle]
    wanted = {"throughput": fast, "latency": quick, "cost": cheap, "balanced": middle}
    assert {strategy: chosen(offered, strategy).chosen for strategy in STRATEGIES} == wanted


def test_simplest_of_a_tie_wins() -> None:
    """Fewest processes, then threads; 5 % less throughput is still a tie, 6 % is not."""
    fastest = offer(4, processes=2, throughput=100)
    offered = [fastest, offer(None, throughput=99), offer(64, throughput=95.1), offer(16, throughput=94)]
    found = chosen(offered)
    assert found.chosen == offered[2]
    assert found.best == fastest
    assert [tied.level for tied in found.ties] == [offered[2], offered[1], offered[0]]
    assert found.next_best == offered[3]


def test_tie_takes_the_interval_of_paired_repeats() -> None:
    """8 % less on average: a tie when rounds scatter by more than that, none when every round says the same."""
    rounds = (1.0, 0.8, 0.9, 1.1, 1.2)
    best = offer(64, throughput=100, repeats=rounds)
    steady = offer(4, throughput=92, repeats=rounds)
    assert chosen([best, steady]).chosen == best
    scattered = offer(4, throughput=92, repeats=(1.2, 1.1, 0.8, 0.9, 1.0))
    found = chosen([best, scattered])
    assert found.chosen == scattered
    assert found.ties[0].worse == pytest.approx(1 / 0.92)
    assert found.ties[0].spread is not None
    assert found.ties[0].spread.is_interval


def test_users_are_the_fewest_that_serve_95_percent_of_the_most() -> None:
    levels = [
        offer(4, users=users, throughput=throughput)
        for users, throughput in ((1, 10.0), (4, 40.0), (8, 77.0), (16, 80.0), (32, 80.5), (64, 60.0))
    ]
    assert chosen(levels).chosen.users == 8


@pytest.mark.parametrize("strategy", ["throughput", "cost"])
def test_setting_whose_most_is_as_good_is_tied_though_it_enters_with_fewer_users(strategy: Strategy) -> None:
    """4 threads serve 95 % of their 40 requests/s with 2 users; 16 threads were measured with 8 users only."""
    levels = [(4, 2, 38.0), (4, 8, 40.0), (16, 8, 40.2)]
    found = chosen([offer(t, users=n, throughput=rate, cost=100 / rate) for t, n, rate in levels], strategy)
    assert (found.chosen.setting.thread_count, found.chosen.users) == (4, 2)


def test_users_are_chosen_among_levels_that_keep_the_objective() -> None:
    levels = [offer(4, users=users, throughput=users * 10.0, p95=0.01 * users) for users in (1, 2, 4, 8, 16, 32)]
    assert chosen(levels, objective="p95 < 100ms").chosen.users == 8
    assert chosen(levels).chosen.users == 32


def test_nothing_that_keeps_the_objective_names_the_nearest() -> None:
    offered = [offer(1, p95=0.9), offer(16, users=4, p95=0.312), offer(64, p95=None)]
    found = choose(offered, objective=parse_objective("p95 < 300ms"))
    assert found == NoChoice(
        reason="No measured setting meets p95 < 300 ms: the nearest is 16 threads in 1 process at 4 users, p95 312 ms."
    )


def test_missing_figures_are_named_instead_of_guessed() -> None:
    unpriced = choose([offer(cost=None)], strategy="cost")
    assert unpriced == NoChoice(reason="Nothing can be chosen by cost: it needs prices.")
    few = choose([offer(p95=None)], strategy="latency")
    assert isinstance(few, NoChoice)
    assert "72 requests" in few.reason
    assert choose([]) == NoChoice(reason="None of its steps was measured.")


figure = st.floats(0.01, 1000)
offers = st.lists(
    st.builds(
        offer,
        st.sampled_from([1, 4, 16, 64, None]),
        processes=st.integers(1, 4),
        users=st.just(8),
        throughput=figure,
        p95=figure,
        cost=figure,
    ),
    min_size=1,
    max_size=10,
    unique_by=lambda one: one.setting,
)


@given(offers, st.sampled_from(sorted(STRATEGIES)), st.randoms(use_true_random=False))
def test_choice_does_not_depend_on_order(offered: list[Level], strategy: Strategy, chance: random.Random) -> None:
    shuffled = chance.sample(offered, len(offered))
    assert chosen(shuffled, strategy) == chosen(offered, strategy)


@given(offers, st.sampled_from(sorted(STRATEGIES)))
def test_choice_does_not_depend_on_levels_that_are_neither_chosen_nor_best(
    offered: list[Level], strategy: Strategy
) -> None:
    whole = chosen(offered, strategy)
    relevant = [one for one in offered if one in (whole.chosen, whole.best)]
    assert chosen(relevant, strategy).chosen == whole.chosen
    for one in offered:
        if one not in relevant:
            fewer = [other for other in offered if other != one]
            assert chosen(fewer, strategy).chosen == whole.chosen


@given(offers, st.floats(1e-3, 1e3), st.floats(1e-3, 1e3))
def test_balanced_does_not_depend_on_currency_or_unit(offered: list[Level], currency: float, unit: float) -> None:
    def scaled(one: Level) -> Level:
        cost, p95 = one.figures.cost, one.figures.p95
        assert cost is not None
        assert p95 is not None
        figures = msgspec.structs.replace(one.figures, cost=cost * currency, p95=p95 * unit)
        return plain_level(figures, setting=one.setting, users=one.users)

    def value(cost: float | None, p95: float | None) -> float:
        assert cost is not None
        assert p95 is not None
        return WEIGHT * math.log(cost) + (1 - WEIGHT) * math.log(p95)

    before = chosen(offered, "balanced").best.figures
    after = chosen([scaled(one) for one in offered], "balanced").best.figures
    moved = WEIGHT * math.log(currency) + (1 - WEIGHT) * math.log(unit)
    assert value(after.cost, after.p95) == pytest.approx(value(before.cost, before.p95) + moved, abs=1e-9)


@given(offers)
def test_best_of_balanced_is_on_the_pareto_front(offered: list[Level]) -> None:
    assert chosen(offered, "balanced").best in pareto_front(offered)


@given(offers)
def test_pareto_front_is_what_no_other_beats(offered: list[Level]) -> None:
    def values(one: Level) -> tuple[float, float]:
        assert one.figures.cost is not None
        assert one.figures.p95 is not None
        return one.figures.cost, one.figures.p95

    def beaten(one: Level) -> bool:
        cost, p95 = values(one)
        return any(c <= cost and p <= p95 and (c, p) != (cost, p95) for c, p in map(values, offered))

    assert {values(one) for one in pareto_front(offered)} == {values(one) for one in offered if not beaten(one)}


def test_only_levels_that_worked_are_chosen_from() -> None:
    setting = Setting(thread_count=4)
    steps = [
        msgspec.structs.replace(step(setting=setting, users=users, duration=30), repeat=repeat)
        for repeat in range(2)
        for users in (1, 8)
    ]
    failing = step(setting=setting, users=64, errors=500)
    found = choose(levels_of([*steps, failing]))
    assert isinstance(found, Choice)
    assert (found.chosen.setting, found.chosen.users, len(found.chosen.repeats)) == (setting, 8, 2)
    nothing = choose(levels_of([failing]))
    assert isinstance(nothing, NoChoice)
    assert nothing.reason.endswith("(HTTP 500: 500).")
