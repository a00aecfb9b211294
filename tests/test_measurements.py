"""The journal: what was written is there, whatever the sweep died of."""

from pathlib import Path

import pytest

from functune import measurements
from functune.errors import RunFolderError
from functune.measurements import FILE_NAME, Calibration
from tests.analysis.simulated import step

STEPS = [step(users=1), step(users=16)]


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    for each in STEPS:
        measurements.append(tmp_path / FILE_NAME, each)
    return tmp_path / FILE_NAME


def test_measurements_come_back_as_they_were(journal: Path) -> None:
    assert measurements.load(journal.parent) == STEPS


@pytest.mark.parametrize("lost", [1, 2, 100])
def test_line_that_was_not_finished_is_passed_over_and_cut_off(journal: Path, lost: int) -> None:
    whole = journal.read_bytes()
    journal.write_bytes(whole[:-lost])
    assert measurements.load(journal.parent) == STEPS[:1]
    measurements.mend(journal)
    measurements.append(journal, STEPS[1])
    assert journal.read_bytes() == whole


def test_journal_that_is_whole_is_left_as_it_is(journal: Path) -> None:
    whole = journal.read_bytes()
    measurements.mend(journal)
    assert journal.read_bytes() == whole
    measurements.mend(journal.with_name("none"))


def test_other_schema_is_refused(journal: Path) -> None:
    journal.write_bytes(journal.read_bytes().replace(b'"schema_version":2', b'"schema_version":1'))
    with pytest.raises(RunFolderError, match="line 1: schema_version is 1, this functune reads 2"):
        measurements.load(journal.parent)


def test_calibrations_come_back_and_need_not_be_there(tmp_path: Path) -> None:
    assert measurements.load_calibrations(tmp_path) == []
    one = Calibration(at=1.0, users=16, throughput=9000.0, latency_p50_us=900.0, generator_cpu=0.99)
    measurements.append(tmp_path / measurements.CALIBRATIONS, one)
    assert measurements.load_calibrations(tmp_path) == [one]
