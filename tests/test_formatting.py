import pytest

from functune import formatting


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.0012345, "0.00123"),
        (9.939, "9.94"),
        (9.999, "10.0"),
        (99.97, "100"),
        (159.4, "159"),
        (999.7, "1,000"),
        (12_345, "12,300"),
        (-2.5, "-2.50"),
        (float("inf"), "inf"),
    ],
)
def test_number_has_three_significant_digits(value: float, text: str) -> None:
    assert formatting.number(value) == text


def test_range_of_numbers_that_read_the_same_is_one_number() -> None:
    assert formatting.number_range(1.941, 1.97) == "1.94 to 1.97"
    assert formatting.number_range(1.9701, 1.9732) == "1.97"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.000301, "301 µs"),
        (0.0009994, "999 µs"),
        (0.0009996, "1.00 ms"),
        (0.0999, "99.9 ms"),
        (0.1, "100 ms"),
        (0.9996, "1.00 s"),
        (1.254, "1.25 s"),
        (90, "90.0 s"),
    ],
)
def test_duration_takes_the_unit_that_reads_best(seconds: float, text: str) -> None:
    assert formatting.duration(seconds) == text


def test_joined_puts_and_before_the_last() -> None:
    assert formatting.joined(["a"]) == "a"
    assert formatting.joined(["a", "b", "c"]) == "a, b and c"
