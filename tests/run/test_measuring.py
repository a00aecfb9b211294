"""The lock of a run that is measured."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from functune.errors import RunFolderError
from functune.run.folder import ENVIRONMENT, MEASUREMENTS
from functune.run.measuring import being_measured, is_measured
from tests.cli.calling import in_process
from tests.report.written import ENVIRONMENT as NOTED
from tests.report.written import FAILURES, run_folder, threads


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
    another = pytest.raises(RunFolderError, match="another command is measuring")
    with being_measured(run), another, being_measured(run):
        pass
    assert not is_measured(run)


def test_run_that_is_measured_is_not_resumed_and_keeps_its_files(tmp_path: Path) -> None:
    """Resuming removes the failures and an unfinished line, which the other command may be writing."""
    experiment, measured = threads()
    here = {**NOTED, "host_kind": "local"}
    run = run_folder(tmp_path / "run", [experiment], measured[:2], here, failures=FAILURES)
    with (run / MEASUREMENTS).open("ab") as file:
        file.write(b'{"schema_version":3,')
    before = {file.name: file.read_bytes() for file in run.iterdir()}
    with being_measured(run):
        done = in_process("sweep", "--resume", run)
    assert done.returncode == 3
    assert f"another command is measuring {run} now: wait until it ends" in done.stderr
    assert {file.name: file.read_bytes() for file in run.iterdir()} == before
