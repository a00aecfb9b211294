import math
import random

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functune.analysis.objective import Figures, parse
from functune.analysis.strategies import Candidate, Choice, NoChoice, Strategy, candidates, choose, pareto
from functune.measurements import Setting
from tests.analysis.simulated import step

STRATEGIES: tuple[Strategy, ...] = ("throughput", "latency", "cost", "balanced")


def candidate(
    threads: int | None = 1,
    *,
    processes: int = 1,
    users: int = 8,
    throughput: float = 100.0,
    p95: float | None = 0.1,
    cost: float | None = 1.0,
    memory_mb: int | None = None,
    repeats: tuple[float, ...] = (),
) -> Candidate:
    """A candidate; ``repeats`` are its throughput in each repeat, relative to that of all."""
    whole = Figures(throughput=throughput, p95=p95, cost=cost)
    return Candidate(
        setting=Setting(thread_count=threads, process_count=processes),
        users=users,
        figures=whole,
        memory_mb=memory_mb,
        repeats={
            index: msgspec.structs.replace(whole, throughput=throughput * factor)
            for index, factor in enumerate(repeats)
        },
    )


def chosen(
    offered: list[Candidate], strategy: Strategy = "throughput", *, objective: str = "", weight: float = 0.5
) -> Choice:
    found = choose(
        offered,
        strategy=strategy,
        objective=parse(objective) if objective else None,
        weight=weight,
        generator=np.random.default_rng(1),
    )
    assert isinstance(found, Choice), found
    return found


def test_each_strategy_chooses_what_its_name_says() -> None:
    fast = candidate(64, throughput=300, p95=0.4, cost=1.0)
    quick = candidate(4, throughput=100, p95=0.05, cost=3.0)
    cheap = candidate(16, throughput=200, p95=0.5, cost=0.5)
    middle = candidate(8, throughput=150, p95=0.1, cost=0.9)
    offered = [fast, quick, cheap, middle]
    wanted = {"throughput": fast, "latency": quick, "cost": cheap, "balanced": middle}
    assert {strategy: chosen(offered, strategy).chosen for strategy in STRATEGIES} == wanted


def test_balanced_moves_from_latency_to_cost_with_its_weight() -> None:
    offered = [candidate(1, p95=0.05, cost=3.0), candidate(4, p95=0.1, cost=0.9), candidate(16, p95=0.5, cost=0.5)]
    found = [chosen(offered, "balanced", weight=weight).chosen for weight in (0.0, 0.5, 1.0)]
    assert found == offered
    with pytest.raises(ValueError, match=r"weight is 1\.5: allowed is 0"):
        chosen(offered, "balanced", weight=1.5)


def test_simplest_of_a_tie_wins() -> None:
    """Fewest processes, then threads, then memory; 5 % less throughput is still a tie, 6 % is not."""
    fastest = candidate(4, processes=2, throughput=100)
    offered = [fastest, candidate(None, throughput=99), candidate(64, throughput=95.1), candidate(16, throughput=94)]
    found = chosen(offered)
    assert found.chosen == offered[2]
    assert found.best == fastest
    assert [tied.candidate for tied in found.ties] == [offered[2], offered[1], offered[0]]
    assert found.next_best == offered[3]
    small = [candidate(4, cost=1.0, memory_mb=2048), candidate(4, cost=1.01, memory_mb=512)]
    assert chosen(small, "cost").chosen == small[1]


def test_tie_takes_the_interval_of_paired_repeats() -> None:
    """8 % less on average: a tie when rounds scatter by more than that, none when every round says the same."""
    rounds = (1.0, 0.8, 0.9, 1.1, 1.2)
    best = candidate(64, throughput=100, repeats=rounds)
    steady = candidate(4, throughput=92, repeats=rounds)
    assert chosen([best, steady]).chosen == best
    scattered = candidate(4, throughput=92, repeats=(1.2, 1.1, 0.8, 0.9, 1.0))
    found = chosen([best, scattered])
    assert found.chosen == scattered
    assert found.ties[0].worse == pytest.approx(1 / 0.92)
    assert found.ties[0].spread is not None
    assert found.ties[0].spread.is_interval


def test_users_are_the_fewest_that_serve_95_percent_of_the_most() -> None:
    levels = [
        candidate(4, users=users, throughput=throughput)
        for users, throughput in ((1, 10.0), (4, 40.0), (8, 77.0), (16, 80.0), (32, 80.5), (64, 60.0))
    ]
    assert chosen(levels).chosen.users == 8


def test_users_are_chosen_among_levels_that_keep_the_objective() -> None:
    levels = [candidate(4, users=users, throughput=users * 10.0, p95=0.01 * users) for users in (1, 2, 4, 8, 16, 32)]
    assert chosen(levels, objective="p95 < 100ms").chosen.users == 8
    assert chosen(levels).chosen.users == 32


def test_nothing_that_keeps_the_objective_names_the_nearest() -> None:
    offered = [candidate(1, p95=0.9), candidate(16, users=4, p95=0.312), candidate(64, p95=None)]
    found = choose(offered, objective=parse("p95 < 300ms"), generator=np.random.default_rng(1))
    assert found == NoChoice(
        reason="Nothing measured keeps p95 < 300 ms: the nearest is 16 threads in 1 process at 4 users, p95 312 ms.",
        nearest=offered[1],
    )


def test_missing_figures_are_said_instead_of_guessed() -> None:
    chance = np.random.default_rng(1)
    unpriced = choose([candidate(cost=None)], strategy="cost", generator=chance)
    assert unpriced == NoChoice(reason="Nothing can be chosen by cost: it takes prices: name the instance memory.")
    few = choose([candidate(p95=None)], strategy="latency", generator=chance)
    assert isinstance(few, NoChoice)
    assert "72 requests" in few.reason
    assert isinstance(choose([], generator=chance), NoChoice)


figure = st.floats(0.01, 1000)
offers = st.lists(
    st.builds(
        candidate,
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


@given(offers, st.sampled_from(STRATEGIES), st.floats(0, 1), st.randoms(use_true_random=False))
def test_choice_does_not_depend_on_order(
    offered: list[Candidate], strategy: Strategy, weight: float, chance: random.Random
) -> None:
    shuffled = chance.sample(offered, len(offered))
    assert chosen(shuffled, strategy, weight=weight) == chosen(offered, strategy, weight=weight)


@given(offers, st.sampled_from(STRATEGIES), st.floats(0, 1))
def test_choice_does_not_depend_on_candidates_that_are_neither_chosen_nor_best(
    offered: list[Candidate], strategy: Strategy, weight: float
) -> None:
    whole = chosen(offered, strategy, weight=weight)
    relevant = [one for one in offered if one in (whole.chosen, whole.best)]
    assert chosen(relevant, strategy, weight=weight).chosen == whole.chosen
    for one in offered:
        if one not in relevant:
            fewer = [other for other in offered if other != one]
            assert chosen(fewer, strategy, weight=weight).chosen == whole.chosen


@given(offers, st.floats(0.01, 0.99), st.floats(1e-3, 1e3), st.floats(1e-3, 1e3))
def test_balanced_does_not_depend_on_currency_or_unit(
    offered: list[Candidate], weight: float, currency: float, unit: float
) -> None:
    def scaled(one: Candidate) -> Candidate:
        cost, p95 = one.figures.cost, one.figures.p95
        assert cost is not None
        assert p95 is not None
        return msgspec.structs.replace(
            one, figures=msgspec.structs.replace(one.figures, cost=cost * currency, p95=p95 * unit)
        )

    before = chosen(offered, "balanced", weight=weight).best.figures
    after = chosen([scaled(one) for one in offered], "balanced", weight=weight).best.figures

    def value(cost: float | None, p95: float | None) -> float:
        assert cost is not None
        assert p95 is not None
        return weight * math.log(cost) + (1 - weight) * math.log(p95)

    moved = weight * math.log(currency) + (1 - weight) * math.log(unit)
    assert value(after.cost, after.p95) == pytest.approx(value(before.cost, before.p95) + moved, abs=1e-9)


@given(offers, st.floats(0.01, 0.99))
def test_best_of_balanced_is_on_the_pareto_front(offered: list[Candidate], weight: float) -> None:
    found = chosen(offered, "balanced", weight=weight)
    assert found.best in found.front


@given(offers)
def test_pareto_front_is_what_no_other_beats(offered: list[Candidate]) -> None:
    def values(one: Candidate) -> tuple[float, float]:
        assert one.figures.cost is not None
        assert one.figures.p95 is not None
        return one.figures.cost, one.figures.p95

    def beaten(one: Candidate) -> bool:
        cost, p95 = values(one)
        return any(c <= cost and p <= p95 and (c, p) != (cost, p95) for c, p in map(values, offered))

    assert {values(one) for one in pareto(offered)} == {values(one) for one in offered if not beaten(one)}


def test_candidates_are_the_steps_that_worked_with_their_repeats() -> None:
    setting = Setting(thread_count=4)
    steps = [
        msgspec.structs.replace(step(setting=setting, users=users, duration=30), repeat=repeat)
        for repeat in range(2)
        for users in (1, 8)
    ]
    failing = step(setting=setting, users=64, errors=500)
    found = candidates([*steps, failing], cost=lambda setting, throughput: 100 / throughput, memory_mb=2048)
    assert [(one.setting, one.users, len(one.repeats)) for one in found] == [(setting, 1, 2), (setting, 8, 2)]
    assert found[1].figures.cost == pytest.approx(100 / found[1].figures.throughput)
    assert found[1].memory_mb == 2048
