"""The run folder: what was written is there, whatever ended the sweep."""

import re
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from functune.errors import ExperimentError, RunFolderError
from functune.experiments.model import Experiment
from functune.run.environment import Environment
from functune.run.folder import CALIBRATIONS, ENVIRONMENT, EXPERIMENTS, FAILURES, MEASUREMENTS, RunFolder
from functune.run.measurement import Calibration, Failure
from functune.setting import Setting
from tests.analysis.simulated import SLEEP, planned, step

STEPS = [step(users=1), step(users=16)]
HERE = Environment(host="functune local host", host_kind="local", app_digest="abc", cpu_count=2)
CALIBRATION = Calibration(at=1.0, users=16, throughput=9000.0, latency_p50_us=900.0, generator_cpu=0.99)
FAILURE = Failure(
    experiment="threads",
    trial=3,
    repeat=1,
    phase="capacity",
    subject=msgspec.structs.replace(SLEEP, background="/b", background_users=2),
    setting=Setting(process_count=2),
    cause="worker 2 ended",
)


def created(path: Path, asked: Sequence[Experiment] = (), environment: Environment = HERE) -> RunFolder:
    return RunFolder.create(path, asked or [planned()], environment)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """A run folder with both steps."""
    found = created(tmp_path / "run")
    for each in STEPS:
        found.append(each)
    return found


def journal(folder: RunFolder) -> Path:
    return folder.path / MEASUREMENTS


def test_opened_folder_holds_what_was_written(folder: RunFolder) -> None:
    for record in (CALIBRATION, FAILURE):
        folder.append(record)
    again = RunFolder.open(folder.path)
    assert again.experiments == (planned(),)
    assert again.environment == HERE
    assert again.measurements() == again.require_measurements() == STEPS
    assert again.calibrations() == [CALIBRATION]
    assert again.failures() == [FAILURE]


def test_folder_from_before_a_knob_has_it_unset(folder: RunFolder) -> None:
    """Its lines and its experiments lack the knob, and it can still be resumed."""
    key = "limiter_tokens"
    lines = [line.replace(f',"{key}":null', "") for line in journal(folder).read_text().splitlines()]
    journal(folder).write_text("".join(f"{line}\n" for line in lines))
    toml = folder.path / EXPERIMENTS
    toml.write_text(re.sub(rf"{key} = \[.*?\]\n", "", toml.read_text(), flags=re.DOTALL))
    assert key not in journal(folder).read_text() + toml.read_text()
    again = RunFolder.open_to_resume(folder.path)
    assert (again.experiments, again.measurements()) == ((planned(),), STEPS)


def test_new_folder_holds_nothing_yet(tmp_path: Path) -> None:
    fresh = created(tmp_path / "a" / "run")
    assert (fresh.measurements(), fresh.calibrations(), fresh.failures()) == ([], [], [])
    with pytest.raises(RunFolderError, match="holds no measurement: the sweep ended before its first step"):
        fresh.require_measurements()


def test_folder_that_holds_a_run_is_not_overwritten(folder: RunFolder) -> None:
    before = {path.name: path.read_bytes() for path in folder.path.iterdir()}
    with pytest.raises(RunFolderError) as caught:
        created(folder.path, [planned(name="other")])
    assert str(caught.value) == (
        f"{folder.path} holds a run already (measurements.jsonl): resume it with `functune sweep --resume "
        f"{folder.path}`, give another folder with --out, or remove this one"
    )
    assert {path.name: path.read_bytes() for path in folder.path.iterdir()} == before


def test_folder_of_a_run_without_measurements_is_used_again(tmp_path: Path) -> None:
    first = created(tmp_path)
    first.append(CALIBRATION)
    first.append(FAILURE)
    second = created(tmp_path, [planned(name="other")])
    assert [each.name for each in RunFolder.open(tmp_path).experiments] == ["other"]
    assert (second.calibrations(), second.failures()) == ([], [])


def test_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """Below a regular file nobody may write, not even root."""
    (tmp_path / "file").write_text("")
    place = tmp_path / "file" / "run"
    with pytest.raises(RunFolderError, match=r"file/run cannot be written: Not a directory; .*--out"):
        created(place)


def test_step_that_cannot_be_kept_is_an_error_for_the_user(folder: RunFolder) -> None:
    journal(folder).unlink()
    journal(folder).mkdir()
    with pytest.raises(RunFolderError, match=r"measurements\.jsonl cannot be written: Is a directory"):
        folder.append(STEPS[0])


@pytest.mark.parametrize("lost", [1, 2, 100])
def test_line_that_was_not_finished_is_passed_over_and_cut_off(folder: RunFolder, lost: int) -> None:
    whole = journal(folder).read_bytes()
    journal(folder).write_bytes(whole[:-lost])
    assert folder.measurements() == STEPS[:1]
    folder.reopen(HERE)
    folder.append(STEPS[1])
    assert journal(folder).read_bytes() == whole


def test_journal_that_is_whole_stays_as_it_is(folder: RunFolder) -> None:
    whole = journal(folder).read_bytes()
    folder.reopen(HERE)
    assert journal(folder).read_bytes() == whole


def test_reopened_folder_tries_again_what_failed(folder: RunFolder) -> None:
    folder.append(FAILURE)
    folder.append(CALIBRATION)
    folder.reopen(HERE)
    assert (folder.failures(), folder.calibrations()) == ([], [CALIBRATION])


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"app_digest": "def"}, "files of the app have changed"),
        ({"app_digest": None}, "files of the app have changed"),
        ({"host": "func 4.0"}, "host was 'functune local host' and is 'func 4.0' now"),
        ({"cpu_count": 8}, "cpu_count was 2 and is 8 now"),
    ],
)
def test_another_app_or_machine_does_not_go_on_with_a_run(
    folder: RunFolder, changed: dict[str, object], said: str
) -> None:
    whole = journal(folder).read_bytes()
    with pytest.raises(RunFolderError) as caught:
        folder.reopen(msgspec.structs.replace(HERE, **changed))
    assert f"cannot be resumed: {said}; measure again into another folder" in str(caught.value)
    assert journal(folder).read_bytes() == whole


def test_other_schema_is_refused(folder: RunFolder) -> None:
    old = journal(folder).read_bytes().replace(b'"schema_version":3', b'"schema_version":1')
    journal(folder).write_bytes(old)
    message = r"measurements\.jsonl: schema_version is 1, this functune reads 2 and 3; measure again"
    with pytest.raises(RunFolderError, match=message):
        folder.measurements()
    with pytest.raises(RunFolderError, match="cannot be resumed: an older functune began it"):
        RunFolder.open_to_resume(folder.path)
    assert journal(folder).read_bytes() == old


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"{}\n", "line 1: not a measurement"),
        (b"nonsense\n", "line 1: not a measurement"),
        (b'{"schema_version":3}\n', "line 1: not a measurement"),
    ],
)
def test_line_that_is_no_measurement_is_named(folder: RunFolder, line: bytes, said: str) -> None:
    journal(folder).write_bytes(line)
    with pytest.raises(RunFolderError, match=rf"measurements\.jsonl, {said}"):
        folder.measurements()


@pytest.mark.parametrize(
    ("name", "content", "error", "message"),
    [
        (ENVIRONMENT, None, RunFolderError, r"is not a run folder: it has no environment\.json; .*sweep --out DIR"),
        (ENVIRONMENT, "[]", RunFolderError, r"environment\.json: Expected `object`"),
        (EXPERIMENTS, None, ExperimentError, r"experiment\.toml: No such file"),
        (EXPERIMENTS, "name =", ExperimentError, r"experiment\.toml: not TOML"),
    ],
)
def test_open_names_the_file_it_cannot_use(
    folder: RunFolder, name: str, content: str | None, error: type[Exception], message: str
) -> None:
    (folder.path / name).unlink()
    if content is not None:
        (folder.path / name).write_text(content, encoding="utf-8")
    with pytest.raises(error, match=message):
        RunFolder.open(folder.path)


@pytest.mark.parametrize("name", [CALIBRATIONS, FAILURES])
def test_other_journals_name_the_line_they_cannot_use(folder: RunFolder, name: str) -> None:
    (folder.path / name).write_bytes(b"[]\n")
    with pytest.raises(RunFolderError, match=rf"{name}, line 1: not a"):
        (folder.calibrations if name == CALIBRATIONS else folder.failures)()


def test_journal_that_cannot_be_read_is_named(folder: RunFolder) -> None:
    journal(folder).unlink()
    journal(folder).mkdir()
    with pytest.raises(RunFolderError, match=r"measurements\.jsonl: Is a directory"):
        folder.measurements()
