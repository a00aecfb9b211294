"""The search of an experiment: every subject, every scope, and the steps that expectations need."""

import msgspec

from functune.analysis.numbers.levels import levels_of
from functune.analysis.search.exploration import explore
from functune.experiments.model import Expectation, Experiment, Matrix, Where, Workload
from functune.experiments.planned import planned_subjects
from functune.experiments.subject import Subject
from functune.plans.registry import SCOPES
from functune.run.measurement import Measurement
from functune.setting import Setting
from tests.analysis.simulated import CORES, planned, searched

MIXED = planned(
    settings=Matrix(thread_count=(1, 4, 16, "unset"), process_count=(1, 2)), users=(1, 16, 64), routes=("/api/mixed",)
)
"""For a handler of 5 ms of CPU and 45 ms of waiting: two processes serve twice what one can."""


def fastest(measured: list[Measurement], *, processes: int) -> float:
    return max(one.throughput for one in measured if one.setting.process_count == processes)


def test_search_finds_the_best_setting_of_every_scope() -> None:
    found = searched(MIXED, scopes=SCOPES, cpu=0.005, wait=0.045)
    assert fastest(found, processes=2) > 390
    assert fastest(found, processes=1) > 195  # 16 threads: 1 / 5 ms, all that one interpreter lock allows
    assert len(found) < 24 / 2


def test_search_of_one_scope_misses_the_best_of_another() -> None:
    """Otherwise the test above would show nothing."""
    waiting = planned(settings=Matrix(thread_count=(1, 4, 16), process_count=(1, 2)), users=(1, 16, 64))
    found = searched(waiting)
    assert fastest(found, processes=2) > 310
    assert fastest(found, processes=1) < 15
    assert fastest(searched(waiting, scopes=SCOPES), processes=1) > 155


def test_settings_wanted_by_any_scope_are_not_skipped() -> None:
    found = levels_of(searched(MIXED, scopes=SCOPES, cpu=0.005, wait=0.045))
    with_scopes = explore(MIXED, found, cores=CORES, scopes=SCOPES).skipped
    without = explore(MIXED, found, cores=CORES).skipped
    flex_best = Setting(thread_count=16)
    assert flex_best in {skip.setting for skip in without}
    assert flex_best not in {skip.setting for skip in with_scopes}
    assert {skip.setting for skip in with_scopes} < {skip.setting for skip in without}


def test_scopes_that_allow_everything_change_nothing() -> None:
    threads = planned(settings=Matrix(thread_count=(1, 4, 16, "unset")), users=(1, 16, 64))
    assert searched(threads, scopes=SCOPES) == searched(threads)
    assert searched(MIXED, scopes=(lambda _: False,)) == searched(MIXED)


def test_setting_that_does_not_fit_the_memory_bounds_none_that_fits() -> None:
    """64 threads serve more than 16 can, and use more than the 512 MB of an instance: 16 are the answer."""
    threads = planned(settings=Matrix(thread_count=(1, 16, 64)), users=(1, 16, 64))
    small = msgspec.structs.replace(threads, memory_mb=512)

    def sized(each: Measurement) -> Measurement:
        worker = 900.0 if each.setting.thread_count == 64 else 80.0
        return msgspec.structs.replace(each, worker_peak_mb={"4241": 60.0, "4242": worker})

    measured = [sized(each) for each in searched(threads)]
    best_of_16 = Setting(thread_count=16), 64
    wanted = {(each.setting, each.users) for each in explore(small, levels_of(measured), cores=CORES).batch}
    assert not {(each.setting, each.users) for each in measured} & {best_of_16}
    assert best_of_16 in wanted
    assert not explore(threads, levels_of(measured), cores=CORES).batch


def test_setting_that_could_not_be_measured_is_no_part_of_the_search() -> None:
    [subject] = planned_subjects(MIXED)
    lost = {(subject, one) for one in (Setting(thread_count=1), Setting(thread_count=1, process_count=2))}
    plan = explore(MIXED, [], cores=CORES, scopes=SCOPES, lost=lost)
    assert [(each.setting, each.users) for each in plan.batch] == [(Setting(thread_count=4), 1)]


def with_background() -> Experiment:
    workload = Workload(routes=("/api/a",), background="/api/b", background_users=(0, 4))
    return msgspec.structs.replace(MIXED, workload=workload)


def test_every_background_load_is_a_search_of_its_own() -> None:
    found = searched(with_background())
    alone, disturbed = (
        [(one.setting, one.users) for one in found if one.subject.background_users == users] for users in (0, 4)
    )
    assert alone == disturbed
    assert {one.subject for one in found} == {
        Subject(route="/api/a"),
        Subject(route="/api/a", background="/api/b", background_users=4),
    }


def test_steps_of_expectations_are_measured_first() -> None:
    where = Where(thread_count=4, process_count=2, users=16)
    claim = Expectation(claim="c", metric="throughput", where=where, at_least=1)
    plan = explore(msgspec.structs.replace(MIXED, expect=(claim,)), [], cores=CORES, scopes=SCOPES)
    assert [(each.setting, each.users) for each in plan.batch] == [
        (Setting(thread_count=1), 1),
        (Setting(thread_count=4, process_count=2), 16),
    ]
