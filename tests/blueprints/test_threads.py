import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from blueprints import processes
from blueprints.threads import HOST_DEFAULT, SETTING, SOURCE_VARIABLE, describe, python_default, read_setting
from functune.host.settings import THREAD_COUNT_SOURCE
from functune.setting import DEFAULT_THREAD_COUNT, MAX_PROCESS_COUNT, PROCESS_COUNT, THREAD_COUNT
from tests.blueprints.held_calls import HeldCalls


@pytest.mark.parametrize(
    ("environment", "configured", "source"),
    [
        ({}, None, "python default"),
        ({SETTING: "4"}, 4, "app setting"),
        ({SETTING: " 4 "}, 4, "app setting"),
        ({SETTING: "1000"}, 1000, "app setting"),
        ({SETTING: "1000", SOURCE_VARIABLE: "host default"}, 1000, "host default"),
        ({SETTING: "0"}, "0", "python default"),
        ({SETTING: "-3"}, "-3", "python default"),
        ({SETTING: ""}, "", "python default"),
        ({SETTING: "many"}, "many", "python default"),
        ({SETTING: "2.5", SOURCE_VARIABLE: "host default"}, "2.5", "python default"),
    ],
)
def test_setting_is_read_as_the_runtime_reads_it(
    environment: dict[str, str], configured: int | str | None, source: str
) -> None:
    setting = read_setting(environment)
    assert setting.configured == configured
    assert setting.source == source


def test_names_and_numbers_are_those_of_the_host() -> None:
    """The app cannot import functune, which has them too."""
    assert (SETTING, SOURCE_VARIABLE, HOST_DEFAULT) == (THREAD_COUNT, THREAD_COUNT_SOURCE, DEFAULT_THREAD_COUNT)
    assert (processes.SETTING, processes.MAXIMUM) == (PROCESS_COUNT, MAX_PROCESS_COUNT)


def test_python_default_is_that_of_the_standard_library() -> None:
    with ThreadPoolExecutor() as executor:
        assert executor._max_workers == python_default()
    assert python_default() <= (os.cpu_count() or 1) + 4


def test_executor_is_described_live() -> None:
    with ThreadPoolExecutor(2) as executor, HeldCalls(executor) as held:
        held.submit(5)
        held.wait_until_begun(2)
        assert describe(read_setting({SETTING: "2"}), executor) == {
            "configured": 2,
            "source": "app setting",
            "maxWorkers": 2,
            "alive": 2,
            "idle": 0,
            "queued": 3,
        }


def test_executor_unknown_is_null() -> None:
    assert describe(read_setting({}), None) == {
        "configured": None,
        "source": "python default",
        "maxWorkers": None,
        "alive": None,
        "idle": None,
        "queued": None,
    }
