"""The lock of a run that is measured."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from functune.errors import RunFolderError
from functune.run.folder import ENVIRONMENT
from functune.run.measuring import being_measured, is_measured


@pytest.fixture
def run(tmp_path: Path) -> Path:
    (tmp_path / ENVIRONMENT).write_text("{}")
    return tmp_path


def test_run_is_measured_while_its_lock_is_held(run: Path) -> None:
    assert not is_measured(run)
    with being_measured(run):
        assert is_measured(run)
    assert not is_measured(run)


def test_those_who_ask_at_the_same_time_are_not_taken_for_a_measurement(run: Path) -> None:
    with ThreadPoolExecutor(4) as askers:
        assert not any(askers.map(is_measured, [run] * 4000))


def test_run_that_is_measured_is_not_measured_a_second_time(run: Path) -> None:
    another = pytest.raises(RunFolderError, match="is measured by another command now")
    with being_measured(run), another, being_measured(run):
        pass
    assert not is_measured(run)
