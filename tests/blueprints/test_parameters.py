import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueprints.answers import ProblemError
from blueprints.parameters import IntegerParameter

MS = IntegerParameter("ms", minimum=0, maximum=60_000, default=100)

numbers = st.one_of(st.text(max_size=12), st.integers().map(str), st.floats().map(str), st.sampled_from("٣²Ⅷ"))


@given(numbers)
def test_from_query_is_the_number_or_a_problem(text: str) -> None:
    if re.fullmatch(r"[0-9]{1,10}", text) and int(text) <= 60_000:
        assert MS.from_query(text) == int(text)
        return
    with pytest.raises(ProblemError, match=r"^ms is .* from 0 to 60000") as caught:
        MS.from_query(text)
    assert caught.value.status == 400


@given(st.integers(0, 60_000))
def test_from_query_takes_every_number_in_range(number: int) -> None:
    assert MS.from_query(str(number)) == number
    assert MS.from_json(number) == number


def test_from_query_without_value_is_the_default() -> None:
    assert MS.from_query(None) == 100


@pytest.mark.parametrize(
    "text", ["", " ", "-1", "+1", "1.0", "1e3", "nan", "inf", "1_000", " 5", "0x10", "٣", "60001", "9" * 5000, "1,2"]
)
def test_from_query_refuses(text: str) -> None:
    with pytest.raises(ProblemError) as caught:
        MS.from_query(text)
    assert caught.value.status == 400
    assert len(caught.value.detail) < 200


@pytest.mark.parametrize(
    "value",
    [True, False, "100", 1.0, float("nan"), None, [1], {}, -1, 60_001, 10**4000],
    ids=lambda value: type(value).__name__,
)
def test_from_json_refuses(value: object) -> None:
    with pytest.raises(ProblemError, match="ms is "):
        MS.from_json(value)
