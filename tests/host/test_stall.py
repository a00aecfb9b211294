"""How several workers start one after another, and which calls wait meanwhile, as in the real host's source."""

from concurrent.futures import ThreadPoolExecutor, wait
from datetime import datetime
from pathlib import Path

from tests.host.serving import APPS, Serving, children


def release(stages: Path, *numbers: int, text: str = "") -> None:
    """Let these workers of the staged app go on."""
    for number in numbers:
        (stages / f"{number}.new").write_text(text)
        (stages / f"{number}.new").rename(stages / str(number))


def started_at(host: Serving, number: int) -> datetime:
    """When the host said that this worker is up."""
    found = host.line(rf"^\[(\S+)Z\] Worker process started and initialized\. \(worker {number} \(pid \d+\)\)")
    return datetime.fromisoformat(found[1])


def numbers_of(host: Serving) -> set[str]:
    """The workers that answer several calls."""
    return {host.get("/api/number").text for _ in range(4)}


def test_calls_wait_for_the_second_worker_and_while_a_later_one_starts(tmp_path: Path) -> None:
    """Worker 2 comes at once, worker 3 and 4 each a second after their predecessor. Worker 3 fails to start."""
    release(tmp_path, 1)
    with (
        Serving(
            *(APPS / "staged", "--worker-startup-interval", "1"),
            FUNCTIONS_WORKER_PROCESS_COUNT="4",
            STAGES=str(tmp_path),
        ) as host,
        ThreadPoolExecutor(1) as pool,
    ):
        host.url = host.line(r"listening on (\S+)")[1]
        host.line("staged 2")
        assert len(children(host.process.pid)) == 2
        assert host.workers()["ready"] == 1
        waiting = pool.submit(host.get, "/api/number")
        # The admin endpoints answer meanwhile, so the call was read and waits.
        assert host.get("/admin/host/ping").status_code == 200
        assert not waiting.done()
        release(tmp_path, 2)
        assert waiting.result().text == "2"

        host.line("staged 3")
        waiting = pool.submit(host.get, "/api/number")
        # Two workers are ready and would answer within milliseconds.
        assert not wait([waiting], timeout=0.5).done
        release(tmp_path, 3, text="fail")
        host.line(r"Failed to start worker 3: the app in .* cannot be loaded: RuntimeError: stage 3 fails")
        assert waiting.result().text in {"1", "2"}

        host.line("staged 4")
        waiting = pool.submit(host.get, "/api/number")
        release(tmp_path, 4)
        assert waiting.result().text in {"1", "2", "4"}
        host.line(r"Worker process started and initialized\. \(worker 4 ")
        assert numbers_of(host) == {"1", "2", "4"}
        first, second, fourth = (started_at(host, number) for number in (1, 2, 4))
        assert first <= second
        assert (fourth - second).total_seconds() >= 2


def test_no_startup_stall_serves_while_the_third_worker_starts(tmp_path: Path) -> None:
    """Worker 2 fails to start, which leaves the first one serving."""
    release(tmp_path, 1)
    release(tmp_path, 2, text="fail")
    with Serving(
        *(APPS / "staged", "--worker-startup-interval", "0", "--no-startup-stall"),
        FUNCTIONS_WORKER_PROCESS_COUNT="3",
        STAGES=str(tmp_path),
    ) as host:
        host.url = host.line(r"listening on (\S+)")[1]
        host.line(r"Failed to start worker 2: the app in .* cannot be loaded: RuntimeError: stage 2 fails")
        host.line("staged 3")
        assert numbers_of(host) == {"1"}
        release(tmp_path, 3)
        host.line(r"Worker process started and initialized\. \(worker 3 ")
        assert numbers_of(host) == {"1", "3"}
