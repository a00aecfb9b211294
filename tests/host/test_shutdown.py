"""However a host ends, what is in flight gets its answer where it can, and no process stays."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from tests.host.serving import APPS, Serving, children, is_alive, wait_until


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_lets_the_calls_in_flight_finish(number: signal.Signals) -> None:
    with Serving(APPS / "main", "--verbose") as host, ThreadPoolExecutor(2) as pool:
        host.ready()
        workers = host.workers()["pids"]
        calls = [pool.submit(host.get, f"/api/{kind}/sleep?ms=1000") for kind in ("sync", "async")]
        host.line("Executing 'Functions.sync_sleep")
        host.line("Executing 'Functions.async_sleep")
        host.process.send_signal(number)
        assert host.ended() == 0
        assert [call.result().status_code for call in calls] == [200, 200]
        assert not any(is_alive(pid) for pid in workers)
        assert "Traceback" not in host.text


def test_signal_during_the_import_of_the_app_ends_the_host(tmp_path: Path) -> None:
    """The app would never be imported."""
    with Serving(APPS / "staged", STAGES=str(tmp_path)) as host:
        host.line("staged 1")
        workers = children(host.process.pid)
        host.process.send_signal(signal.SIGTERM)
        assert host.ended() == 0
        assert workers
        assert not any(is_alive(pid) for pid in workers)


def test_signal_ends_a_worker_whose_event_loop_is_blocked() -> None:
    with Serving(APPS / "main") as host:
        [worker] = host.ready().workers()["pids"]
        host.get("/api/block/later")
        host.line("blocking now")
        host.process.send_signal(signal.SIGTERM)
        assert host.ended() == 0
        assert not is_alive(worker)


def test_killed_host_leaves_no_worker_even_with_a_blocked_event_loop() -> None:
    with Serving(APPS / "main", FUNCTIONS_WORKER_PROCESS_COUNT="2") as host:
        workers = host.ready().workers()["pids"]
        host.get("/api/block/later")
        host.line("blocking now")
        host.process.kill()
        assert host.ended() == -signal.SIGKILL
        wait_until(lambda: not any(is_alive(pid) for pid in workers), "end of the workers")


@pytest.mark.parametrize("code", [3, 0])
def test_process_the_app_started_ends_with_a_worker_that_crashes(code: int) -> None:
    """
    The process of the next worker ends with that one, when the host ends it.

    With code 0 the host ends as well, since it has no other worker, and says why.
    """
    with Serving(APPS / "parent", limits={"worker": {"restart_interval": 0}}) as host:
        child = int(host.ready().get("/api/child").text)
        assert host.get(f"/api/exit?code={code}").status_code == 500
        wait_until(lambda: not is_alive(child), "end of the app's process")
        if code == 0:
            assert host.ended() == 1
            assert "functune: no worker process is left: worker 1" in host.lines[-1]
            assert "exit code 0" in host.lines[-1]
            return
        started = psutil.Process(host.ready().process.pid).children(recursive=True)
        assert len(started) == 2, "the new worker and its process"
        host.process.send_signal(signal.SIGTERM)
        assert host.ended() == 0
        wait_until(lambda: not any(is_alive(process.pid) for process in started), "end of both")


def test_process_that_outlives_its_worker_does_not_hold_up_the_host() -> None:
    """It holds the output of the worker open for 300 s, which the host reads to its end."""
    with Serving(APPS / "parent", OWN_SESSION="1") as host:
        child = int(host.ready().get("/api/child").text)
        try:
            host.process.send_signal(signal.SIGTERM)
            assert host.process.wait(60) == 0
            assert is_alive(child)
        finally:
            os.kill(child, signal.SIGKILL)


def test_call_that_outlasts_the_drain_gets_a_500() -> None:
    with Serving(APPS / "faults", limits={"worker": {"shutdown_timeout": 1}}) as host, ThreadPoolExecutor(1) as pool:
        [worker] = host.ready().workers()["pids"]
        call = pool.submit(host.get, "/api/wait?s=25")
        host.line("waiting")
        host.process.send_signal(signal.SIGTERM)
        assert call.result().status_code == 500
        assert host.ended() == 0
        assert not is_alive(worker)
        assert "Traceback" not in host.text


def test_call_that_waits_for_a_start_that_fails_gets_a_503(tmp_path: Path) -> None:
    """The host listens before it starts its worker, and says where only when it has."""
    with Serving(APPS / "staged", STAGES=str(tmp_path)) as host:
        host.line("staged 1")
        [listener] = psutil.Process(host.process.pid).net_connections("tcp4")
        host.url = f"http://127.0.0.1:{listener.laddr.port}"
        call = host.send("/api/number")
        assert host.get("/admin/host/status").json()["state"] == "Initialized"
        (tmp_path / "1.new").write_text("fail")
        (tmp_path / "1.new").rename(tmp_path / "1")
        assert call.answer().status_code == 503
        assert host.ended() == 1
        assert "RuntimeError: stage 1 fails" in host.text
