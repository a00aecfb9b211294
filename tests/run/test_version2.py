"""A run folder that an earlier functune wrote, with schema version 2: it is read, and not gone on with."""

import shutil
from pathlib import Path

import msgspec
import pytest

from functune.analysis.experiment import analyse
from functune.errors import RunFolderError
from functune.experiments.subject import Subject
from functune.run.folder import FAILURES, MEASUREMENTS, RunFolder
from functune.run.version2 import with_shares
from functune.setting import Setting
from tests.analysis.simulated import arrivals, planned, step

RECORDED = Path(__file__).parent / "version2"
ROUTE = "/api/sync/sleep?ms=10"


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """A copy of the recorded run."""
    shutil.copytree(RECORDED, tmp_path / "run")
    return RunFolder.open(tmp_path / "run")


def test_measurements_have_the_subject_they_were_measured_on(folder: RunFolder) -> None:
    blocked = [one for one in folder.measurements() if one.experiment == "blocked-loop-beside-threads"]
    assert [one.subject for one in blocked] == [
        Subject(route=ROUTE),
        Subject(route=ROUTE, background="/api/async/blocking?ms=50", background_users=1),
        Subject(route=ROUTE, background="/api/async/blocking?ms=50", background_users=2),
    ]


def test_arrivals_have_the_share_that_was_planned(folder: RunFolder) -> None:
    opened = [one for one in folder.measurements() if one.arrival_rate is not None]
    assert [(round(one.arrival_rate or 0.0), one.share) for one in opened] == [(195, 0.5), (273, 0.7)]
    assert all(one.share is None for one in folder.measurements() if one.arrival_rate is None)


def test_run_is_analysed_as_before(folder: RunFolder) -> None:
    """The figures are those of measurements.csv that the older functune wrote for this run."""
    [experiment] = [one for one in folder.experiments if one.name == "tail-latency"]
    found = analyse(experiment, folder.measurements(), cores=folder.environment.usable_cores)
    assert folder.environment.usable_cores == 2
    assert [(level.share, level.users) for level in found.arrivals] == [(0.5, 64), (0.7, 64)]
    figures = [level.figures for level in found.arrivals]
    assert [(each.p50, each.p95, each.p99) for each in figures] == [
        (0.012007, 0.015412, 0.018985),
        (0.012406, 0.022412, 0.030283),
    ]
    assert [each.in_flight for each in figures] == pytest.approx([2.35422, 3.96687], rel=1e-5)
    assert [level.throughput for level in found.levels] == pytest.approx([84.997, 390.609], rel=1e-5)
    assert [outcome.result for outcome in found.outcomes] == ["fails", "holds", "holds"]  # 0.95 is not in the copy


def test_calibrations_are_read(folder: RunFolder) -> None:
    assert len(folder.calibrations()) == 2


def test_failures_are_those_of_every_background_load_of_the_route(folder: RunFolder) -> None:
    """Version 2 did not say which of them failed."""
    assert folder.failures() == []
    line = {
        "experiment": "blocked-loop-beside-threads",
        "trial": 1,
        "repeat": 0,
        "phase": "capacity",
        "route": ROUTE,
        "setting": {"process_count": 1, "thread_count": 16, "per_instance_concurrency": None, "app_settings": []},
        "cause": "worker 1 ended",
    }
    (folder.path / FAILURES).write_bytes(msgspec.json.encode(line) + b"\n")
    found = folder.failures()
    assert [one.subject.background_users for one in found] == [0, 1, 2]
    assert {(one.setting, one.cause) for one in found} == {(Setting(thread_count=16), "worker 1 ended")}


def test_resuming_is_refused_and_changes_nothing(folder: RunFolder) -> None:
    whole = (folder.path / MEASUREMENTS).read_bytes()
    with pytest.raises(RunFolderError) as caught:
        RunFolder.open_to_resume(folder.path)
    assert str(caught.value) == (
        f"{folder.path} cannot be resumed: an older functune began it; measure again into another folder"
    )
    assert (folder.path / MEASUREMENTS).read_bytes() == whole


@pytest.mark.parametrize("name", [MEASUREMENTS, FAILURES])
def test_line_that_is_not_of_version_2_is_named_by_its_file(folder: RunFolder, name: str) -> None:
    with (folder.path / name).open("ab") as file:
        file.write(b'{"schema_version":2}\n')
    with pytest.raises(RunFolderError, match=rf"{name}: cannot be read as schema version 2"):
        (folder.measurements if name == MEASUREMENTS else folder.failures)()


def test_capacity_is_that_of_all_repeats_of_a_step() -> None:
    """A lucky repeat served 8 % more: 0.95 of the capacity is not mistaken for 0.85 of it."""
    experiment = planned(arrivals=(0.5, 0.85, 0.95))
    setting = Setting(thread_count=16)
    usual = step(setting=setting, users=64, duration=30)
    lucky = msgspec.structs.replace(usual, repeat=1, duration=30 / 1.12)
    capacity = 2 * len(usual.latencies_us) / (30 + 30 / 1.12)
    opened = msgspec.structs.replace(arrivals(0.95 * capacity, setting=setting), share=None)
    assert [one.share for one in with_shares([usual, lucky, opened], [experiment])] == [None, None, 0.95]
    assert with_shares([usual, opened], [])[1].share is None
