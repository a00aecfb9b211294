"""``functune sweep`` and ``tune`` with several load processes: the run folder, a lost process, and what is refused."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from functune.run.folder import MEASUREMENTS, RunFolder
from functune.run.measurement import Measurement
from tests.cli.apps import write_app
from tests.cli.calling import command, in_process, interrupted_after_a_step
from tests.host.serving import wait_until
from tests.load.loads import free_port


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """A small app in a folder of its own."""
    return write_app(tmp_path / "app")


def experiment(folder: Path, *, load: str = "", measure: float = 1) -> Path:
    path = folder / "asked.toml"
    path.write_text(
        f"""
        name = "test"
        question = "Does it work?"
        workload.routes = ["/api/waiting"]
        settings.thread_count = [8]
        [load]
        users = [2, 4]
        warm_up = 0.2
        measure = {measure}
        {load}
        """
    )
    return path


def wait_for_steps(folder: Path, count: int) -> None:
    """Return when a run has written that many steps."""
    path = folder / MEASUREMENTS
    wait_until(lambda: path.exists() and path.read_bytes().count(b"\n") >= count, f"step {count}", timeout=120)


def measured(folder: Path) -> list[Measurement]:
    """The steps that a run has written."""
    return RunFolder.open(folder).measurements()


def steps_of(folder: Path) -> list[int]:
    """The users of the measured steps, in order."""
    return [each.users for each in measured(folder)]


def test_lost_load_process_leaves_a_whole_run_that_can_be_continued(app: Path, tmp_path: Path) -> None:
    """It is killed in the second step: the first is kept, the second is not, and nothing is there twice."""
    folder = tmp_path / "run"
    asked = experiment(tmp_path, measure=3)
    options = ["sweep", asked, "--script-root", app, "--out", folder, "--no-profile", "--no-calibration"]
    process = subprocess.Popen(
        command(*options, "--load-processes", 2), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    wait_for_steps(folder, 1)
    killed = measured(folder)[0].load_processes[0].pid
    os.kill(killed, signal.SIGKILL)
    said = process.communicate(timeout=120)[1]

    assert process.returncode == 3, said
    assert "1 trial could not be measured" in said
    [failure] = RunFolder.open(folder).failures()
    assert f"(pid {killed}), which ended by SIGKILL, after 1 of 2 steps" in failure.cause
    assert steps_of(folder) == [2]
    refused = in_process("sweep", "--resume", folder, "--load-processes", 3)
    assert refused.returncode == 2
    assert "--load-processes with --resume" in refused.stderr

    continued = in_process("sweep", "--resume", folder, "--no-profile")
    assert continued.returncode == 0, continued.stderr
    assert steps_of(folder) == [2, 4]
    assert [len(each.load_processes) for each in measured(folder)] == [2, 2]
    assert "Clocks of the load processes" in (folder / "report.html").read_text()
    calibrations = RunFolder.open(folder).calibrations()
    assert {(each.processes, each.users) for each in calibrations} == {(2, 32)}
    assert all(each.throughput > 0 for each in calibrations)  # how much is up to the machine


def test_tune_measures_with_several_load_processes(app: Path, tmp_path: Path) -> None:
    """It is interrupted after the first step: the others would be sent in the same way."""
    run = tmp_path / "run"
    done = interrupted_after_a_step(run, "tune", "/api/waiting", "--script-root", app, "--load-processes", 2)
    assert done.returncode == 130, done.stderr
    assert {len(each.load_processes) for each in measured(run)} == {2}


@pytest.mark.parametrize(
    ("flags", "load", "said"),
    [
        (
            ["--load-processes", "2", "--load-workers", "2"],
            "",
            "--load-processes 2 with --load-workers 2: allowed is one of them",
        ),
        (["--load-bind", "10.0.0.4:5557"], "", "--load-bind without --load-workers"),
        (["--load-workers", "2", "--load-bind", "here"], "", "--load-bind here: allowed is ADDRESS:PORT"),
        (
            ["--load-workers", "2", "--load-bind", "0.0.0.0:5557"],
            "",
            "the host listens on the loopback interface, which other machines cannot reach",
        ),
        ([], "processes = 2\nworkers = 2", "processes is 2 and workers is 2: allowed is one of them"),
        ([], 'bind = "127.0.0.1:65536"', "bind is '127.0.0.1:65536': allowed is ADDRESS:PORT"),
        ([], "processes = 0", "load.processes is 0: allowed: a whole number from 1 to 64"),
    ],
)
def test_what_cannot_be_is_refused(app: Path, tmp_path: Path, flags: list[str], load: str, said: str) -> None:
    done = in_process(
        "sweep",
        experiment(tmp_path, load=load),
        "--script-root",
        app,
        "--out",
        tmp_path / "run",
        "--no-calibration",
        *flags,
    )
    assert done.returncode == 2
    assert said in done.stderr
    assert not (tmp_path / "run").exists()


def test_printed_commands_take_part_in_the_run(app: Path, tmp_path: Path) -> None:
    """The run waits for two load processes, which are started here by what it prints; they get its data from it."""
    folder, bind = tmp_path / "run", f"127.0.0.1:{free_port()}"
    options = ["sweep", experiment(tmp_path), "--script-root", app, "--out", folder, "--no-profile", "--no-calibration"]
    process = subprocess.Popen(
        command(*options, "--load-workers", "2", "--load-bind", bind),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    said = ""
    while "ssh -N -L" not in said:
        line = process.stdout.readline()
        assert line, said
        said += line
    assert f"This run waits for 2 load processes at {bind}" in said
    assert "Warning" not in said  # of a port that other machines reach
    [loop] = [line.strip() for line in said.splitlines() if line.strip().startswith("while ")]
    environ = os.environ | {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
    loops = [subprocess.Popen(loop, shell=True, env=environ, start_new_session=True) for _ in range(2)]
    try:
        wait_for_steps(folder, 2)
    finally:
        for each in loops:
            os.killpg(each.pid, signal.SIGKILL)
            each.wait()
    _, failure = process.communicate(timeout=120)
    assert process.returncode == 0, failure
    steps = measured(folder)
    assert [each.users for each in steps] == [2, 4]
    assert [sorted(sender.users for sender in each.load_processes) for each in steps] == [[1, 1], [2, 2]]
    assert RunFolder.open(folder).calibrations() == []
