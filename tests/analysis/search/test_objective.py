import pytest

from functune.analysis.numbers.figures import Figures
from functune.analysis.search.objective import parse_objective
from functune.errors import UsageError


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("p95 < 300ms", "p95 < 300 ms"),
        ("p99 <= 0.5s", "p99 <= 500 ms"),
        ("  P50<20 MS ", "p50 < 20.0 ms"),
        ("errors < 1%", "errors < 1 %"),
        ("throughput >= 100/s", "throughput >= 100 requests/s"),
        ("throughput > 100", "throughput > 100 requests/s"),
        ("p95 < 300 ms and errors <= 0.1 %", "p95 < 300 ms and errors <= 0.1 %"),
        ("p95 < 1234ms", "p95 < 1.234 s"),
        ("p99 < 12.34ms", "p99 < 12.34 ms"),
        ("errors < 0.05%", "errors < 0.05 %"),
        ("throughput > 123.45", "throughput > 123.45 requests/s"),
    ],
)
def test_objective_is_repeated_as_it_was_stated(text: str, words: str) -> None:
    objective = parse_objective(text)
    assert str(objective) == words
    assert parse_objective(words) == objective


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("p95 < fast", "p95 < fast"),
        ("p95 > 300ms", "p95 > 300ms"),
        ("p95 < 300", "p95 < 300"),
        ("p95 < 3%", "p95 < 3%"),
        ("p90 < 300ms", "p90 < 300ms"),
        ("latency < 1s", "latency < 1s"),
        ("throughput < 100", "throughput < 100"),
        ("errors < 1", "errors < 1"),
        ("p95 < 300ms and", ""),
        ("p95 < 300ms or errors < 1%", "p95 < 300ms or errors < 1%"),
        ("p95 < -1ms", "p95 < -1ms"),
        ("", ""),
    ],
)
def test_parse_names_the_part_it_does_not_understand(text: str, part: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_objective(text)
    message = str(caught.value)
    assert message.startswith(f'objective "{text}": "{part}" is not understood: allowed are p50, p95 or p99')
    assert 'joined with "and"' in message


def test_parse_takes_no_time_of_zero() -> None:
    with pytest.raises(UsageError, match='"p95 < 0ms" has a limit of 0'):
        parse_objective("p95 < 0ms")


def test_met_is_unknown_where_a_percentile_was_refused() -> None:
    objective = parse_objective("p95 < 300ms and errors < 1%")
    assert objective.met(Figures(throughput=10, p95=0.2)) is True
    assert objective.met(Figures(throughput=10, p95=0.3)) is False
    assert objective.met(Figures(throughput=10)) is None
    assert objective.met(Figures(throughput=10, error_ratio=0.02)) is False
    assert objective.worst(Figures(throughput=10)).seen(Figures(throughput=10)) == (
        "too few requests for p95 (it needs 72)"
    )


def test_limits_are_part_of_what_is_allowed_only_with_an_equals_sign() -> None:
    at_limit = Figures(throughput=100, p95=0.3, error_ratio=0.0)
    assert parse_objective("p95 <= 300ms and throughput >= 100 and errors <= 0%").met(at_limit) is True
    assert parse_objective("p95 < 300ms").met(at_limit) is False
    assert parse_objective("throughput > 100").met(at_limit) is False
