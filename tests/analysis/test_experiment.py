import msgspec
import pytest

from functune.analysis.experiment import analyse
from functune.experiments.model import Expectation, Matrix, Where
from functune.experiments.subject import Subject
from functune.run.measurement import Failure
from functune.setting import Setting
from tests.analysis.simulated import findings, planned, searched, step, sweep

SLEEP, AWAIT, BLOCK = "/sync/sleep", "/async/sleep", "/async/blocking"


def test_analyse_answers_one_route_in_one_sentence() -> None:
    experiment = planned(settings=Matrix(thread_count=(1, 64, "unset")))
    found = analyse(experiment, sweep(experiment), cores=2)
    assert found.verdict == ("Use 64 threads in 1 process: 638 requests/s at 64 users, as much as with the defaults.")
    assert [advice.setting for advice in found.advice] == [Setting(thread_count=64)]
    assert found.passed


def test_analyse_says_when_no_setting_matters() -> None:
    experiment = planned(settings=Matrix(thread_count=(1, 16)))
    verdict = analyse(experiment, sweep(experiment, cpu=0.02, wait=0), cores=2).verdict
    assert verdict.startswith("No setting makes a difference, so use the simplest, 1 thread in 1 process")


def test_analyse_finds_one_setting_for_all_routes() -> None:
    experiment = planned(routes=(SLEEP, AWAIT), settings=Matrix(thread_count=(1, 64)))
    found = analyse(experiment, sweep(experiment), cores=2)
    assert [(advice.subjects, advice.setting.thread_count) for advice in found.advice] == [
        ((Subject(route=SLEEP), Subject(route=AWAIT)), 64)
    ]
    assert found.verdict.startswith("Use 64 threads in 1 process, within 5 % of the best for every route")


def test_analyse_says_when_routes_disagree() -> None:
    experiment = planned(routes=("/a", "/b"), settings=Matrix(thread_count=(1, 16)), users=(8,))
    few, many = Setting(thread_count=1), Setting(thread_count=16)
    steps = [
        msgspec.structs.replace(step(route=route, setting=setting, users=8), latencies_us=[50_000] * count)
        for route, setting, count in (("/a", few, 300), ("/a", many, 200), ("/b", few, 200), ("/b", many, 300))
    ]
    found = analyse(experiment, steps)
    assert found.verdict == (
        "No one setting suits every route: use 1 thread in 1 process for /a and 16 threads in 1 process for /b."
    )
    assert [advice.subjects for advice in found.advice] == [(Subject(route="/a"),), (Subject(route="/b"),)]


def test_analyse_compares_routes_where_there_is_one_setting() -> None:
    experiment = planned(routes=(AWAIT, BLOCK), settings=Matrix())
    found = analyse(experiment, sweep(experiment, blocking=[BLOCK]), cores=2)
    assert found.verdict == (
        "With 1 process, threads unset, /async/sleep serves 638 requests/s, "
        "63.8 times /async/blocking (10.0 requests/s)."
    )
    assert found.advice == ()


def test_analyse_takes_a_partial_run_and_pools_repeated_steps() -> None:
    expect = (Expectation(claim="c", metric="throughput", where=Where(thread_count=64, users=64), at_least=1),)
    experiment = planned(expect=expect)
    steps = sweep(experiment)[:4]
    again = msgspec.structs.replace(steps[0], trial=9, repeat=1)
    other = msgspec.structs.replace(steps[0], experiment="another", users=1000)
    found = analyse(experiment, [*steps, again, other], cores=2)
    assert (len(found.levels), found.planned) == (4, 12)
    assert found.levels[0].figures.requests == len(steps[0].latencies_us) * 2
    assert found.levels[0].throughput == steps[0].throughput
    assert [[each.trial for each in level.repeats] for level in found.levels] == [[0, 9], [0], [0], [1]]
    assert not found.passed


def test_analyse_of_failures_recommends_nothing() -> None:
    found = analyse(planned(), [step(setting=Setting(thread_count=4), errors=20)])
    assert found.verdict == (
        "No setting can be recommended. No step worked: each failed more than 1 % of its requests, "
        "or all of them (HTTP 500: 20)."
    )
    assert not found.worked


def test_analyse_of_nothing_says_so() -> None:
    found = analyse(planned(), [])
    assert found.verdict == "Nothing of this experiment was measured."
    assert (found.recommendations, found.advice) == ((), ())


def test_analyse_passes_what_was_not_judged() -> None:
    where = Where(thread_count=64, users=64)
    needs = Expectation(claim="c", metric="throughput", where=where, at_least=1e6, free_cores=2)
    found = analyse(planned(expect=(needs,)), sweep(planned()), cores=1)
    assert [outcome.result for outcome in found.outcomes] == ["not judged"]
    assert found.passed


def test_analyse_warns_of_other_programs() -> None:
    steps = [msgspec.structs.replace(one, other_cpu=0.8) for one in sweep(planned())]
    (warning,) = analyse(planned(), steps, cores=2).warnings
    assert warning.startswith("Other programs used up to 0.80 cores while 12 of 12 steps were measured")


def test_analyse_gives_the_same_again() -> None:
    experiment = planned(settings=Matrix(thread_count=(1, 16)))
    measured = [step(setting=Setting(thread_count=16), users=64, repeat=each, noise=0.03) for each in range(6)]
    assert findings(experiment, measured) == findings(experiment, measured)


def test_setting_that_no_other_can_beat_is_advised_though_it_alone_was_measured() -> None:
    """A single user keeps one thread busy, so the search does not measure 16."""
    experiment = planned(settings=Matrix(thread_count=(1, 16)), users=(1,))
    found = findings(experiment, searched(experiment, cpu=0.02, wait=0))
    assert {level.setting for level in found.levels} == {Setting(thread_count=1)}
    assert [advice.setting for advice in found.advice] == [Setting(thread_count=1)]
    assert found.verdict.startswith("Use 1 thread in 1 process: 50.0 requests/s at 1 user")
    assert found.verdict.endswith("and no other setting can beat it.")


def test_single_setting_is_no_advice() -> None:
    experiment = planned(settings=Matrix(thread_count=(16,)))
    found = findings(experiment, sweep(experiment))
    assert found.advice == ()
    assert found.verdict.startswith("One setting was measured, 16 threads in 1 process: ")


def test_headline_compares_with_the_defaults_and_with_nothing_else() -> None:
    measured = planned(settings=Matrix(thread_count=("unset",), process_count=(1, 2)))
    found = findings(measured, sweep(measured, cpu=0.02, wait=0))
    assert found.verdict == (
        "Use 2 processes, threads unset: 100 requests/s at 16 users, 2.00 times the throughput of the defaults."
    )
    without_defaults = planned(settings=Matrix(thread_count=(1,), process_count=(1, 2)))
    found = findings(without_defaults, sweep(without_defaults, cpu=0.02, wait=0))
    assert found.verdict == "Use 1 thread in 2 processes: 100 requests/s at 16 users."


@pytest.mark.parametrize("seconds", [30, 3], ids=["with every p95", "without that of 1 thread"])
def test_headline_of_another_strategy_names_its_aim(seconds: int) -> None:
    """In 3 s one thread serves 30 requests, too few for a p95: that is no tie."""
    experiment = planned(settings=Matrix(thread_count=(1, 16)), users=(16,))
    measured = [
        step(setting=setting, users=16, duration=seconds)
        for setting in (Setting(thread_count=1), Setting(thread_count=16))
    ]
    found = findings(msgspec.structs.replace(experiment, strategy="latency"), measured)
    assert found.verdict.startswith("Use 16 threads in 1 process: 1")
    assert found.verdict.endswith(" requests/s at 16 users, p95 100 ms, the lowest p95 of those measured.")


def test_routes_that_serve_the_same_are_not_ranked() -> None:
    experiment = planned(routes=("/a", "/b"), settings=Matrix())
    assert findings(experiment, sweep(experiment)).verdict == (
        "All 2 routes serve about the same with 1 process, threads unset: 638 requests/s at best."
    )


def test_subject_is_named_with_its_background_load() -> None:
    subjects = [Subject(route="/a", background="/b" if users else None, background_users=users) for users in (0, 1, 2)]
    assert [str(subject) for subject in subjects] == [
        "/a",
        "/a while 1 user calls /b",
        "/a while 2 users call /b",
    ]


def test_setting_that_could_not_be_measured_has_its_first_cause() -> None:
    experiment = planned(settings=Matrix(thread_count=(1, 16)))
    few, many = Setting(thread_count=1), Setting(thread_count=16)
    failures = [
        Failure(
            experiment=name, trial=1, repeat=0, phase="capacity", subject=Subject(route="/a"), setting=few, cause=cause
        )
        for name, cause in (("other", "not this one"), ("threads", "worker 1 ended"), ("threads", "again"))
    ]
    found = analyse(experiment, [], failures=failures)
    assert [(each.setting, each.reason) for each in found.failed] == [(few, "worker 1 ended")]
    failure = found.failure(Subject(route="/a"), few)
    assert failure is not None
    assert (failure.reason, failure.unfit_mb) == ("worker 1 ended", None)
    assert found.failure(Subject(route="/a"), many) is None


def test_skipped_setting_has_its_reason() -> None:
    matrix = Matrix(thread_count=(16,), per_instance_concurrency=("unset", 1))
    experiment = planned(settings=matrix)
    found = findings(experiment, searched(experiment))
    admitted = Setting(thread_count=16, per_instance_concurrency=1)
    reason = found.skip(found.subjects[0].subject, admitted)
    assert reason is not None
    assert reason.startswith("cannot exceed 9.97 requests/s (1 at a time / 100 ms); the best so far serves 160")
    assert found.skip(found.subjects[0].subject, Setting(thread_count=16)) is None
