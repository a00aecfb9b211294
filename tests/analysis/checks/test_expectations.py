import msgspec

from functune.analysis.checks.expectations import Outcome, check_expectations, result_in_words
from functune.analysis.numbers.levels import levels_of
from functune.experiments.model import Expectation, Experiment, Metric, Where
from functune.run.measurement import Measurement
from functune.setting import Setting
from tests.analysis.simulated import planned, step, sweep

AT_16 = Where(thread_count=16, users=64)
AT_1 = Where(thread_count=1, users=64)


def expected(
    metric: Metric, where: Where, *, over: Where | None = None, low: float | None = None, high: float | None = None
) -> Expectation:
    return Expectation(claim="claim", metric=metric, where=where, over=over, at_least=low, at_most=high)


def check(experiment: Experiment, steps: list[Measurement], *, cores: float | None = None) -> tuple[Outcome, ...]:
    return check_expectations(experiment, levels_of(steps), cores=cores)


def test_check_passes_within_and_fails_beyond_the_limits() -> None:
    experiment = planned(
        expect=(
            expected("throughput", AT_16, low=152, high=163),
            expected("throughput", AT_16, low=163),
            expected("throughput", AT_16, high=152),
            expected("throughput", AT_16, over=AT_1, low=15, high=17),
            expected("throughput", AT_16, over=AT_1, high=15),
            expected("p95_ms", AT_16, low=395, high=410),
            expected("error_ratio", AT_16, high=0),
        )
    )
    outcomes = check(experiment, sweep(experiment))
    assert [outcome.result for outcome in outcomes] == [
        *("holds", "fails", "fails", "holds", "fails", "holds", "holds")
    ]
    assert [outcome.allowed for outcome in outcomes[:3]] == ["152 to 163", "at least 163", "at most 152"]
    assert outcomes[3].observed_text.endswith(" times")


def test_check_fails_what_was_not_measured() -> None:
    experiment = planned(expect=(expected("throughput", AT_16, low=0), expected("p95_ms", AT_1, high=1e9)))
    too_few = step(setting=Setting(thread_count=1), users=64)  # 30 requests: no 95th percentile
    outcomes = check(experiment, [too_few])
    assert [(outcome.result, outcome.observed) for outcome in outcomes] == [("fails", None)] * 2
    assert outcomes[0].observed_text == "not measured"


def test_check_shows_what_is_just_outside_its_limit() -> None:
    experiment = planned(expect=(expected("error_ratio", Where(thread_count=4, users=64), high=0.025),))
    (outcome,) = check(experiment, [step(setting=Setting(thread_count=4), users=64, errors=4)])
    assert outcome.result == "fails"
    assert outcome.observed_text.startswith("0.032")


def test_check_judges_what_needs_cores_only_where_they_were_free() -> None:
    """Other programs matter while a step that is looked at was measured, not while another one was."""
    of_two = expected("throughput", AT_16, over=AT_1, low=1e6)
    experiment = planned(expect=(msgspec.structs.replace(of_two, free_cores=2),))
    first, second = (Setting(thread_count=count) for count in (1, 64))
    steps = sweep(experiment)

    def disturbed(setting: Setting) -> list[str]:
        busy = [msgspec.structs.replace(one, other_cpu=1.2) if one.setting == setting else one for one in steps]
        return [result_in_words(outcome) for outcome in check(experiment, busy, cores=2)]

    assert disturbed(first) == ["not judged: needs 2 free cores, and other programs used 1.20 cores of 2"]
    assert disturbed(second) == ["fails"]
    assert [outcome.result for outcome in check(experiment, [])] == ["fails"]
    assert [outcome.result for outcome in check(experiment, steps)] == ["not judged"]


def test_check_finds_the_arrivals_at_a_share_of_the_measured_capacity() -> None:
    """With 4 threads of 100 ms the capacity is 40 a second; a round that measured 42 had 21 arrivals at half of it."""
    at_half, at_most = (Where(thread_count=4, arrivals=share) for share in (0.5, 0.95))
    experiment = planned(
        arrivals=(0.5, 0.7, 0.95),
        expect=(
            expected("p95_ms", at_half, low=100, high=101),
            expected("p95_ms", at_most, over=at_half, low=7.9, high=8.1),
            expected("p95_ms", Where(thread_count=4, arrivals=0.7), low=0),
        ),
    )
    [half, most] = (
        msgspec.structs.replace(
            step(setting=Setting(thread_count=4), users=users, duration=10.0),
            arrival_rate=rate,
            share=share,
            phase="arrivals",
        )
        for users, rate, share in ((1, 21.0, 0.5), (32, 38.0, 0.95))
    )
    outcomes = check(experiment, [*sweep(experiment), half, most])
    assert [(outcome.result, outcome.observed is None) for outcome in outcomes] == [
        ("holds", False),
        ("holds", False),
        ("fails", True),
    ]
