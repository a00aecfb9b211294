"""An experiment over instance sizes: each is searched for itself, and the answer is among all of them."""

import re

import msgspec
import pytest

from functune.analysis.experiment import ExperimentFindings, analyse
from functune.analysis.laws.bounds import bound, demand_of
from functune.analysis.numbers.levels import levels_of
from functune.analysis.verdict.sentences import sizes_in_words
from functune.experiments.model import Experiment, Matrix
from functune.experiments.planned import planned_subjects
from functune.plans.advice import advice_for
from functune.plans.registry import FLEX, PLANS, SCOPES, price_for
from functune.run.measurement import Failure, Measurement
from functune.setting import Setting
from functune.shapes import OwnShape, shape_of
from tests.analysis.simulated import CORES, planned, searched, step, sweep

QUARTER, WHOLE = shape_of("flex-512"), shape_of("flex-2048")
SIZES = planned(settings=Matrix(instance=("flex-512", "flex-2048"), thread_count=(1, 4, 16)), users=(1, 4, 16))
BY_COST = msgspec.structs.replace(SIZES, strategy="cost")
COMPUTES = {"cpu": 0.02, "wait": 0.0}


def found_in(experiment: Experiment, measured: list[Measurement], *failures: Failure) -> ExperimentFindings:
    return analyse(
        experiment,
        measured,
        cores=CORES,
        price=price_for(experiment.priced_memory_mb),
        scopes=SCOPES,
        failures=failures,
    )


def unfit(setting: Setting, *, mb: int = 512) -> Failure:
    [subject] = planned_subjects(SIZES)
    return Failure(
        experiment=SIZES.name,
        trial=0,
        repeat=0,
        phase="capacity",
        subject=subject,
        setting=setting,
        cause=f"does not fit {mb} MB: at 4 users, the kernel ended 1 process",
        unfit_mb=mb,
    )


def most(measured: list[Measurement], **knobs: object) -> float:
    return max(
        each.throughput
        for each in measured
        if all(getattr(each.setting, name) == value for name, value in knobs.items())
    )


def test_search_finds_the_best_setting_of_each_size() -> None:
    """The time of a lone user on a quarter of a core is four times as long, and would bound a whole core wrongly."""
    measured = searched(SIZES, scopes=SCOPES, **COMPUTES)
    assert most(measured, instance=QUARTER) == pytest.approx(12.5, rel=0.05)
    assert most(measured, instance=WHOLE) == pytest.approx(50, rel=0.05)
    assert len(measured) < len(sweep(SIZES))


def test_setting_of_each_size_is_said() -> None:
    """20 ms of computing: a quarter of a core is busy with 4 threads, a whole one that waits longer with 16."""
    found = found_in(SIZES, searched(SIZES, scopes=SCOPES, cpu=0.02, wait=0.18))
    [recommended] = found.recommendations
    assert [(each.setting.instance, each.setting.thread_count) for each in recommended.by_size] == [
        (QUARTER, 4),
        (WHOLE, 16),
    ]
    quarter, whole = sizes_in_words(recommended)
    assert re.match(r"On flex-512 use 4 threads in 1 process: 12\.\d requests/s at \d+ users\.", quarter)
    assert whole == "On flex-2048 use 16 threads in 1 process: 50.0 requests/s at 16 users."
    [one] = found_in(planned(), searched(planned())).recommendations
    assert one.by_size == ()


def test_lone_user_on_the_largest_instance_gives_the_demand() -> None:
    levels = levels_of(sweep(SIZES, **COMPUTES))
    demand = demand_of(levels, cores=CORES)
    assert demand is not None
    assert demand.service == pytest.approx(0.02)
    limits = {
        shape: bound(demand, users=16, setting=Setting(thread_count=16, instance=shape), handler="def", cores=CORES)
        for shape in (QUARTER, WHOLE)
    }
    assert limits[QUARTER].throughput == pytest.approx(12.5)
    assert limits[WHOLE].throughput == pytest.approx(50)


def test_frontier_of_cost_and_p95_is_over_the_sizes() -> None:
    """Calls that wait for 100 ms and compute for 3 ms: a quarter of a core is cheaper, a whole one quicker."""
    [subject] = found_in(BY_COST, sweep(BY_COST, cpu=0.003, wait=0.1)).subjects
    front = [(level.setting.instance, level.figures.p95) for level in subject.front_levels]
    assert {shape for shape, _ in front} == {QUARTER, WHOLE}
    assert front[0][0] == QUARTER


def test_waits_are_cheapest_on_the_smallest_size_and_flex_is_told_to_use_it() -> None:
    found = found_in(BY_COST, sweep(BY_COST, cpu=0.0003, wait=0.1))
    [recommended] = found.recommendations
    assert recommended.setting == Setting(thread_count=16, instance=QUARTER)
    [advice] = advice_for(found, FLEX)
    assert advice.parameters["instanceMemoryMB"] == 512
    assert any("a quota of 0.25 cores of this machine and a limit of 512 MB" in note for note in advice.notes)
    assert not any(advice_for(found, PLANS[name]) for name in ("premium", "app-service", "container-apps"))


def test_instances_of_an_app_on_azure_are_no_quotas_of_this_machine() -> None:
    measured = [msgspec.structs.replace(each, setting_seen=True) for each in sweep(BY_COST, cpu=0.0003, wait=0.1)]
    found = analyse(BY_COST, measured, cores=None, price=price_for(BY_COST.priced_memory_mb), scopes=SCOPES)
    [advice] = advice_for(found, FLEX)
    [recommended] = found.recommendations
    said = " ".join([*advice.notes, *recommended.caveats])
    assert "always busy instances of Flex Consumption with 2048 MB and Flex Consumption with 512 MB, of which" in said
    assert "of this machine" not in said
    assert "measured here" not in said


@pytest.mark.parametrize(
    ("name", "instance", "per_second"),
    [
        ("flex-512", "Flex Consumption with 512 MB", 0.5 * 0.000026),
        ("flex-4096", "Flex Consumption with 4096 MB", 4 * 0.000026),
        ("EP1", "Premium EP1", 157.72 / 730 / 3600),
        ("P1v3", "App Service P1v3", 113.15 / 730 / 3600),
        ("aca-0.5", "Container Apps 0.5", 0.5 * 0.000024 + 1 * 0.000003),
    ],
)
def test_price_is_that_of_the_plan_that_has_the_shape(name: str, instance: str, per_second: float) -> None:
    price, setting = price_for(2048), Setting(instance=shape_of(name), host="gunicorn:gthread")
    cost = price(setting, 100.0)
    assert cost is not None
    requests = 0.4 if name.startswith(("flex", "aca")) else 0.0
    assert cost == pytest.approx(per_second / 100 * 1e6 + requests)
    assert price.instance(setting) == instance


def test_shape_that_no_plan_has_has_no_price() -> None:
    own = Setting(instance=shape_of(OwnShape(cores=0.5, memory_mb=1024)))
    assert price_for(2048)(own, 100.0) is None
    assert all(PLANS[name].allows(own) for name in ("local", "flex", "premium"))


def test_size_that_does_not_fit_is_a_result_in_the_verdict() -> None:
    fits = [each for each in sweep(BY_COST) if each.setting.instance == WHOLE]
    found = found_in(BY_COST, fits, *(unfit(Setting(thread_count=count, instance=QUARTER)) for count in (1, 4)))
    assert found.verdict.endswith(
        " /api/sync/sleep?ms=100 does not fit 512 MB (flex-512) with 1 thread in 1 process and 4 threads in 1 process."
    )
    assert found.answered
    assert found.limits[str(found.subjects[0].subject)].kind != "memory"
    assert {each.setting.instance for each in found.recommendations} == {WHOLE}


def test_setting_that_fits_with_few_users_only_is_not_recommended() -> None:
    one = Setting(thread_count=1, instance=QUARTER)
    found = found_in(
        BY_COST, [step(setting=one), *(each for each in sweep(BY_COST) if each.setting != one)], unfit(one)
    )
    assert all(one not in {each.setting for each in every.evidence} for every in found.recommendations)


def test_app_that_fits_no_size_is_limited_by_memory_and_answered() -> None:
    settings = [Setting(thread_count=count, instance=QUARTER) for count in (1, 4, 16)]
    found = found_in(SIZES, [], *map(unfit, settings))
    [limit] = found.limits.values()
    assert limit.kind == "memory"
    assert found.answered
    assert found.verdict.startswith(
        "No setting can be recommended. /api/sync/sleep?ms=100 does not fit 512 MB (flex-512) with"
    )
    assert not found_in(SIZES, []).answered
