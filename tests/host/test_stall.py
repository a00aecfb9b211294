"""Calls wait while the third or a later worker starts, as in the real host's source, unless that is switched off."""

from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

from tests.host.serving import APPS, Serving
from tests.host.test_workers import release

PROCESSES = {"FUNCTIONS_WORKER_PROCESS_COUNT": "3"}


def test_calls_wait_while_the_third_worker_starts(tmp_path: Path) -> None:
    release(tmp_path, 1, 2)
    with (
        Serving(APPS / "staged", "--worker-startup-interval", "0", **PROCESSES, STAGES=str(tmp_path)) as host,
        ThreadPoolExecutor(1) as pool,
    ):
        host.url = host.line(r"listening on (\S+)")[1]
        host.line("staged 3")
        assert host.workers()["ready"] == 2
        waiting = pool.submit(host.get, "/api/number")
        # Two workers are ready and would answer within milliseconds.
        assert not wait([waiting], timeout=0.5).done
        release(tmp_path, 3)
        assert waiting.result().text in {"1", "2", "3"}


def test_calls_go_on_when_the_third_worker_fails_to_start(tmp_path: Path) -> None:
    release(tmp_path, 1, 2)
    release(tmp_path, 3, text="fail")
    with Serving(APPS / "staged", "--worker-startup-interval", "0", **PROCESSES, STAGES=str(tmp_path)) as host:
        host.url = host.line(r"listening on (\S+)")[1]
        host.line("Failed to start worker 3")
        assert {host.get("/api/number").text for _ in range(4)} == {"1", "2"}


def test_no_startup_stall_serves_while_the_third_worker_starts(tmp_path: Path) -> None:
    release(tmp_path, 1, 2)
    flags = ["--worker-startup-interval", "0", "--no-startup-stall"]
    with Serving(APPS / "staged", *flags, **PROCESSES, STAGES=str(tmp_path)) as host:
        host.url = host.line(r"listening on (\S+)")[1]
        host.line("staged 3")
        assert {host.get("/api/number").text for _ in range(4)} == {"1", "2"}
        release(tmp_path, 3)
        host.ready()
