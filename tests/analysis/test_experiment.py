import msgspec

from functune.analysis.experiment import analyse
from functune.experiments.model import Expectation, Matrix, Where
from functune.experiments.subject import Subject
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
    """Under the interpreter lock 16 threads cannot serve more than one, so the search measures one only."""
    experiment = planned(settings=Matrix(thread_count=(1, 16)))
    found = findings(experiment, searched(experiment, cpu=0.02, wait=0))
    assert {level.setting for level in found.levels} == {Setting(thread_count=1)}
    assert [advice.setting for advice in found.advice] == [Setting(thread_count=1)]
    assert found.verdict.startswith("Use 1 thread in 1 process: 50.0 requests/s at ")
    assert found.verdict.endswith("and no other setting can beat it.")


def test_single_setting_is_no_advice() -> None:
    experiment = planned(settings=Matrix(thread_count=(16,)))
    found = findings(experiment, sweep(experiment))
    assert found.advice == ()
    assert found.verdict.startswith("One setting was measured, 16 threads in 1 process: ")
