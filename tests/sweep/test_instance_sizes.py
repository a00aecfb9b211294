"""Sweeps over instance sizes with the local host, under the quota of the kernel."""

import asyncio
import json
import signal
import subprocess
from pathlib import Path
from statistics import mean

import pytest

from functune.experiments.file import read_experiments
from functune.hosts.control_groups import processes_in
from functune.hosts.local import LOCAL_HOST
from functune.hosts.served_app import ServedApp
from functune.report.document import read_document
from functune.run.environment import collect_environment
from functune.run.folder import RunFolder
from functune.run.measurement import Measurement
from functune.shapes import InstanceShape, shape_of
from functune.sweep.events import SweepFinished
from functune.sweep.run import measure_run
from functune.sweep.trials import Grid
from tests.cli.calling import command, in_process
from tests.host.serving import wait_until
from tests.hosts.limited import groups_left, require_control_groups

SIZED = Path(__file__).parent / "apps" / "sized"
QUARTER, WHOLE = shape_of("flex-512"), shape_of("flex-2048")
CALL = 0.15
"""Seconds of CPU time of a call that computes; what the host adds, a few milliseconds, is a small part of it."""


def asked(
    tmp_path: Path,
    *,
    route: str,
    instances: str,
    threads: str = "[8]",
    users: str = "[4]",
    measure: str = "1.0",
) -> Path:
    tmp_path.mkdir(exist_ok=True)
    path = tmp_path / "asked.toml"
    path.write_text(f"""
        name = "sizes"
        question = "Which size?"
        workload.routes = ["{route}"]
        settings = {{ instance = {instances}, thread_count = {threads} }}
        strategy = "cost"
        load = {{ users = {users}, warm_up = 0.5, measure = {measure}, search = "grid" }}
        """)
    return path


async def swept(tmp_path: Path, **keys: str) -> tuple[RunFolder, SweepFinished]:
    """The run folder of a sweep, and its end."""
    here = collect_environment(script_root=SIZED, host="local", host_kind="local", command=["functune"])
    folder = RunFolder.create(tmp_path / "run", read_experiments(asked(tmp_path, **keys)), here)
    end = await measure_run(
        folder,
        app=ServedApp(SIZED),
        kind=LOCAL_HOST,
        planner=Grid(),
        on_progress=lambda _: None,
        calibrated=False,
        checked=False,
    )
    return folder, end


async def measured(tmp_path: Path, **keys: str) -> dict[InstanceShape | None, Measurement]:
    """The one step of each size."""
    folder, _ = await swept(tmp_path, **keys)
    return {each.setting.instance: each for each in folder.measurements()}


async def test_quarter_of_a_core_computes_a_quarter_of_what_a_whole_one_does(tmp_path: Path) -> None:
    """A core serves 1 / D calls that need D of CPU time each; the host gets its quota also on a busy machine."""
    require_control_groups()
    # One thread that always has a next call: several would hand on the GIL, and a busy machine delays each of them.
    keys = {"route": f"/api/compute?ms={CALL * 1000:g}", "threads": "[1]"}
    # A whole core has as many calls in 2 s as a quarter of one has in 8 s, and waits less long for the next.
    found = await measured(tmp_path / "quarter", instances='["flex-512"]', measure="6.0", users="[2]", **keys)
    found |= await measured(tmp_path / "whole", instances='["flex-2048"]', measure="2.0", users="[6]", **keys)
    cores = {shape: each.throughput * CALL for shape, each in found.items()}
    assert cores[QUARTER] == pytest.approx(0.25, rel=0.1)
    assert cores[WHOLE] == pytest.approx(1, rel=0.1)
    # The kernel's own count says why, and the process of the host was counted as on any machine.
    assert found[QUARTER].throttled == pytest.approx(1, abs=0.1)
    assert found[QUARTER].host_cpu == pytest.approx(QUARTER.cores, rel=0.15)
    assert mean(found[QUARTER].cpu_times_us) == pytest.approx(CALL * 1e6, rel=0.1)


async def test_waits_overlap_alike_on_a_quarter_and_a_whole_core(tmp_path: Path) -> None:
    """Calls of a second are long enough that what a busy machine adds to each is a small part of it."""
    require_control_groups()
    sweeps = [
        measured(tmp_path / size, route="/api/wait?ms=1000", instances=f'["{size}"]', users="[8]", measure="4.5")
        for size in ("flex-512", "flex-2048")
    ]
    quarter, whole = await asyncio.gather(*sweeps)
    found = quarter | whole
    assert found[QUARTER].throughput == pytest.approx(8 / 1.0, rel=0.1)
    assert found[QUARTER].throughput == pytest.approx(found[WHOLE].throughput, rel=0.1)
    assert found[QUARTER].open_calls == pytest.approx(8, rel=0.1)


async def test_handler_of_300_mb_does_not_fit_512_mb_and_the_run_goes_on(tmp_path: Path) -> None:
    places = require_control_groups()
    folder, end = await swept(tmp_path, route="/api/hold?mb=300", instances='["flex-512", "flex-2048"]', users="[2]")
    assert (end.failures, end.unfit) == (0, 1)
    document = read_document(folder)
    [found] = document.experiments
    assert "does not fit 512 MB (flex-512) with 8 threads in 1 process." in found.verdict
    [failure] = document.failures
    assert (failure.unfit_mb, failure.setting.instance) == (512, QUARTER)
    [recommended] = [each.recommended for each in found.subjects]
    assert recommended is not None
    assert recommended.setting.instance == WHOLE
    assert groups_left(places) == []


def test_app_that_fits_nowhere_is_limited_by_memory(tmp_path: Path) -> None:
    """A single call needs more than there is: the check before the load already shows it, and is no error."""
    require_control_groups()
    path = asked(tmp_path, route="/api/hold?mb=700", instances='["flex-512"]')
    done = in_process(
        "sweep", path, "--script-root", SIZED, "--out", tmp_path / "run", "--no-profile", "--no-calibration"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "UNFIT sizes" in done.stdout
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    [found] = report["experiments"]
    [limit] = found["limits"].values()
    assert limit["kind"] == "memory"
    assert found["verdict"].startswith("No setting can be recommended. /api/hold?mb=700 does not fit 512 MB")


@pytest.mark.fault
def test_nothing_of_the_quota_is_left_of_a_sweep_that_is_killed(tmp_path: Path) -> None:
    places = require_control_groups()
    path = asked(tmp_path, route="/api/wait?ms=50", instances='["flex-512"]', measure="60.0")
    words = command("sweep", path, "--script-root", SIZED, "--out", tmp_path / "run", "--no-calibration")
    sweep = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: any(map(processes_in, groups_left(places, sweep.pid))), "host in its groups")
    finally:
        sweep.send_signal(signal.SIGKILL)
        sweep.wait()
    wait_until(lambda: groups_left(places, sweep.pid) == [], "end of the groups")
