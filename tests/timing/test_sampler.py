"""The sampler over time: on and off again, many threads, and workers that are killed."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from functune.errors import HostError
from functune.sweep.profile_lines import read_samples
from functune.timing.sampler_switch import SamplerSwitch
from tests.host.serving import Serving, wait_until
from tests.timing.sampled import SHOP, SampledHost, calling, marked_line, sampled_host

CROWD = Path(__file__).parent / "crowd.py"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SampledHost]:
    with sampled_host(SHOP, tmp_path_factory.mktemp("one")) as host:
        yield host


@pytest.fixture(scope="module")
def host_of_two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SampledHost]:
    """Two workers."""
    with sampled_host(SHOP, tmp_path_factory.mktemp("two"), processes=2) as host:
        yield host


def test_it_starts_and_stops_twenty_times(host: SampledHost) -> None:
    periods = set()
    for _ in range(20):
        [samples] = host.period("/api/sleep", users=2, seconds=0.1).samples
        periods.add(samples.period)
        assert sum(count for _, _, count in samples.process.values()) > 0
    assert len(periods) == 20
    assert host.serving.get("/api/noop").text == "ok"


def test_it_takes_no_samples_while_it_is_off(host: SampledHost) -> None:
    before = written(host.folder)
    with calling(host.serving.url, "/api/sleep", users=2):
        pass
    assert written(host.folder) == before


def written(folder: Path) -> dict[Path, int]:
    """When each file of samples was written."""
    return {path: path.stat().st_mtime_ns for path in folder.glob("*.json")}


def test_period_that_ends_before_it_is_seen_has_a_file_all_the_same(host: SampledHost) -> None:
    """Its end follows its beginning at once, so the sampler sees it late, as on a machine that gives it no core."""
    for _ in range(5):
        period = host.switch.turn_on()
        host.switch.turn_off()
        wait_until(partial(read_samples, host.folder, period), "file of the worker")


def test_worker_that_is_killed_while_sampled_leaves_no_file_and_the_others_do(host_of_two: SampledHost) -> None:
    host = host_of_two
    killed, other = host.serving.workers()["pids"]
    period = host.switch.turn_on()
    host.serving.get("/api/sleep")
    os.kill(killed, signal.SIGKILL)
    host.serving.line(rf"worker \d \(pid {killed}\) was ended by SIGKILL")
    host.switch.turn_off()
    # The worker that replaces the killed one may write a file too, and write it first.
    wait_until(lambda: other in {each.pid for each in read_samples(host.folder, period)}, "file of the other worker")
    assert killed not in {samples.pid for samples in read_samples(host.folder, period)}
    host.serving.ready()  # for the tests that share it


def test_torn_file_and_failed_sampler_are_said(tmp_path: Path) -> None:
    (tmp_path / "7.json").write_text('{"period": 1, "rows": [')
    with pytest.raises(HostError, match=r"7\.json cannot be read"):
        read_samples(tmp_path, 1)
    document = {"period": 1, "pid": 7, "slice": 0.1, "error": "Traceback\nValueError: no", "process": {}, "rows": []}
    document["has_thread_clocks"] = True
    (tmp_path / "7.json").write_text(json.dumps(document))
    with pytest.raises(HostError, match="sampler of worker 7 failed:\nTraceback\nValueError: no"):
        read_samples(tmp_path, 1)
    assert read_samples(tmp_path, 2) == []


def test_worker_has_a_sampler_only_where_it_is_given_a_folder(tmp_path: Path) -> None:
    with Serving(SHOP, PYTHON_THREADPOOL_THREAD_COUNT="1") as serving:
        serving.ready()
        without = thread_count(serving.workers()["pids"][0])
    with sampled_host(SHOP, tmp_path / "profile", threads=1) as host:
        assert thread_count(host.serving.workers()["pids"][0]) == without + 1


def thread_count(pid: int) -> int:
    """The threads of a process that has served no call yet."""
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def test_line_is_named_while_the_event_loop_is_blocked(host_of_two: SampledHost) -> None:
    # Each worker has a queue of half a second, which outlasts a moment in which no new calls come.
    period = host_of_two.period("/api/blocking-sleep", users=32, seconds=0.6)
    line = period.lines()[0]
    assert f"{line.file}:{line.line}" == marked_line(SHOP, "blocking-sleep")
    assert line.seconds == pytest.approx(period.sampled, rel=0.3)  # both loops are held all the time


def test_program_of_many_threads_with_large_buffers_survives(tmp_path: Path) -> None:
    """32 threads that start, end, allocate and lock, in a process that holds much memory."""
    SamplerSwitch.create(tmp_path)
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", CROWD, tmp_path],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    [samples] = read_samples(tmp_path, 1)
    assert {row.function for row in samples.rows} >= {"work"}
    # 20 and more, also on a busy machine. When a sample waited 12 times as long as the last one had taken, turns
    # of other threads included, it was 1 to 5 on an idle machine even in 6 s.
    assert sum(count for _, _, count in samples.process.values()) > 5
