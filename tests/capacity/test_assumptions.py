"""The rules of the platforms, with numbers of the reader's in place of the project's."""

import pytest

from functune.capacity.app_curves import AppCurves
from functune.capacity.asked_plan import conditions
from functune.capacity.assumptions import ROWS, assumptions
from functune.capacity.configuration import Configuration
from functune.capacity.forecast import Forecaster
from functune.capacity.traffic import steady
from functune.errors import UsageError
from tests.capacity.apps import under, waiting


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


def test_time_that_is_longer_than_the_traffic_is_all_of_it() -> None:
    """An instance is then kept from its first request to the end, and no array is longer than the day."""
    day, ever = (
        Forecaster(under(steady(1), container_apps_idle=idle, container_apps_interval=idle), None).forecast(
            Configuration(plan="container-apps", size="1", least=1), AppCurves(widest=waiting())
        )
        for idle in (86_400.0, 1e15)
    )
    assert ever == day


@pytest.mark.parametrize("name", ["flex-most", "premium-most", "container-apps-most", "app-service-most"])
def test_number_of_instances_is_whole(name: str) -> None:
    for value in (0.5, 2.5, 1001.0):
        with pytest.raises(
            UsageError, match=f"--assume {name}={value:g}: allowed are whole numbers .* from 1 to 1,000"
        ):
            assumptions([(name, value)])
    assert assumptions([(name, 1000.0)])[name] == 1000


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
