"""Which workers are replaced when they end, how often, and what the calls get that were in flight or waited."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.host.serving import APPS, Serving, wait_until

SOON = {"worker": {"restart_interval": 0.1}}


def timed(seconds: float) -> dict[str, dict[str, float]]:
    return {"worker": {"restart_interval": 0.1, "function_timeout": seconds}}


def test_function_timeout_kills_and_replaces_the_worker_of_the_call() -> None:
    """
    The other call in flight is lost with the worker; the real host leaves it hanging.

    Quick calls, one of which began a while before the slow one, do not bring the limit nearer.
    """
    with Serving(APPS / "faults", limits=timed(1.0)) as host, ThreadPoolExecutor(2) as pool:
        [pid] = host.ready().workers()["pids"]
        assert [host.get(f"/api/{kind}?s=0.4").text for kind in ("wait", "sleep", "wait")] == [str(pid)] * 3
        slow = pool.submit(host.get, "/api/wait?s=60")
        wait_until(lambda: host.text.count("waiting") == 3, "slow call in the worker")
        other = pool.submit(host.get, "/api/sleep?s=60")
        assert (slow.result().status_code, slow.result().content) == (500, b"")
        assert other.result().status_code == 500
        named = host.line(
            r"Exception: invocation (\S+) ran longer than the functionTimeout of 1 s in host\.json; worker 1"
        )
        host.line(rf"Executed 'Functions\.wait' \(Failed, Id={named[1]}, Duration=\d+ms\)")
        host.line(rf"worker 1 \(pid {pid}\) was ended by SIGKILL with 1 invocation\(s\) in flight, because")
        assert host.get("/api/pid").text not in {"", str(pid)}


def test_function_timeout_does_not_count_as_a_death() -> None:
    """Three deaths would end this host, the fourth call would never be served."""
    with Serving(APPS / "faults", limits=timed(0.2)) as host:
        host.ready()
        for _ in range(4):
            before = host.workers()["pids"]
            assert host.get("/api/wait?s=60").status_code == 500
            wait_until(lambda before=before: host.workers()["pids"] not in ([], before), "replacement of the worker")
        assert host.get("/api/pid").status_code == 200


def test_worker_that_ends_with_0_is_not_replaced_and_the_others_go_on() -> None:
    with Serving(APPS / "faults", limits=SOON, FUNCTIONS_WORKER_PROCESS_COUNT="2") as host:
        pids = host.ready().workers()["pids"]
        assert host.get("/api/exit?code=0").status_code == 500
        host.line("ended itself with exit code 0 and is not replaced, as on the platform, which would also keep")
        left = {host.get("/api/pid").text for _ in range(4)}
        assert len(left) == 1
        assert left <= {str(pid) for pid in pids}
        assert host.workers()["ready"] == 1


def test_last_worker_that_ends_with_0_ends_the_host_and_says_why() -> None:
    with Serving(APPS / "faults", limits=SOON) as host:
        host.ready()
        assert host.get("/api/exit?code=0").status_code == 500
        assert host.ended() == 1
        assert "functune: no worker process is left: worker 1" in host.lines[-1]
        assert "exit code 0" in host.lines[-1]


def test_worker_that_ends_with_200_is_replaced_without_being_counted() -> None:
    with Serving(APPS / "faults", limits=SOON) as host:
        host.ready()
        assert [host.get("/api/exit?code=200").status_code for _ in range(5)] == [500] * 5
        assert host.get("/api/pid").status_code == 200


def test_worker_that_a_signal_without_a_name_ends_is_replaced() -> None:
    with Serving(APPS / "faults", limits=SOON) as host:
        [pid] = host.ready().workers()["pids"]
        os.kill(pid, signal.SIGRTMIN + 5)
        host.line(rf"worker 1 \(pid {pid}\) was ended by signal {signal.SIGRTMIN + 5} with 0 invocation")
        assert host.get("/api/pid").text not in {"", str(pid)}


def test_replacement_that_fails_to_start_is_tried_again(tmp_path: Path) -> None:
    """The second and third worker break; the file that makes them is gone for the next."""
    with Serving(
        APPS / "faults",
        limits=SOON,
        FUNCTIONS_WORKER_PROCESS_COUNT="2",
        STARTS=str(tmp_path),
        BREAK_AFTER="2",
    ) as host:
        host.ready()
        assert host.get("/api/exit?code=1").status_code == 500
        host.line("Failed to restart worker .: the app in .* RuntimeError: this worker was told to break")
        for start in tmp_path.iterdir():
            start.unlink()
        host.ready()


def test_waiting_calls_do_not_hold_up_a_host_that_gives_up(tmp_path: Path) -> None:
    with (
        Serving(APPS / "faults", limits=SOON, STARTS=str(tmp_path), BREAK_AFTER="1") as host,
        ThreadPoolExecutor(1) as pool,
    ):
        host.ready()
        assert host.get("/api/exit?code=1").status_code == 500
        waiting = pool.submit(host.get, "/api/pid")
        assert host.ended() == 1
        assert waiting.result().status_code == 503
        assert host.lines[-1].endswith("Exceeded language worker restart retry count: 3 worker processes have ended")
        assert host.text.count("Failed to restart worker 1") == 2
