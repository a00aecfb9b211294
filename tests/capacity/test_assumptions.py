"""The rules of the platforms, with numbers of the reader's in place of the project's."""

import pytest

from functune.capacity.asked_plan import conditions
from functune.capacity.assumptions import ROWS, assumptions
from functune.errors import UsageError


def test_number_of_the_reader_replaces_that_of_the_project_and_its_source() -> None:
    found = assumptions([("flex-idle", 60.0), ("premium-fill", 0.5)])
    assert (found["flex-idle"], found["premium-fill"], found["premium-idle"]) == (60, 0.5, 600)
    assert found.by_name["flex-idle"].in_words == (
        "Flex Consumption removes an instance 60 s after its last request. (as asked, in place of the project's number)"
    )


@pytest.mark.parametrize("name", [row.name for row in ROWS])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_number_that_no_rule_can_have_is_refused(name: str, value: float) -> None:
    with pytest.raises(UsageError, match=f"--assume {name}=.*: allowed are numbers above 0"):
        assumptions([(name, value)])


@pytest.mark.parametrize("name", ["flex-most", "premium-most", "container-apps-most", "app-service-most"])
def test_number_of_instances_is_whole(name: str) -> None:
    with pytest.raises(UsageError, match=f"--assume {name}=0.5: allowed are whole numbers of instances from 1"):
        assumptions([(name, 0.5)])
    assert assumptions([(name, 2.0)])[name] == 2


@pytest.mark.parametrize("seconds", [(0.0, 5.0), (1.0, float("nan")), (float("nan"), 5.0), (1.0, float("inf"))])
def test_start_that_takes_no_such_time_is_refused_by_its_own_flag(seconds: tuple[float, float]) -> None:
    with pytest.raises(UsageError, match=r"--cold-start \S+ \S+: allowed are two numbers of seconds above 0"):
        conditions("steady:1", cold_start=seconds)


@pytest.mark.parametrize(("least", "most"), [((9.0, 5.0), ()), ((), (("cold-start-most", 0.5),))])
def test_shortest_start_above_the_longest_is_refused_with_both(
    least: tuple[float, float], most: tuple[tuple[str, float], ...]
) -> None:
    with pytest.raises(UsageError, match=r"is above the longest, .*: give both in ascending order"):
        conditions("steady:1", cold_start=least or None, assume=most)
