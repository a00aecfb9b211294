"""Which workers are replaced when they end, how often, and what the calls get that were in flight or waited."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.host.serving import APPS, Serving, wait_until

SOON = {"worker": {"restart_interval": 0.1}}
TIMED = {"worker": {"restart_interval": 0.1, "function_timeout": 5.0}}


@pytest.fixture(scope="module")
def single() -> Iterator[Serving]:
    """One worker. The third death that counts would end this host; the tests cause one."""
    with Serving(APPS / "faults", limits=TIMED) as host:
        yield host.ready()


def only_pid(host: Serving) -> int:
    """The pid of the only worker, once there is one."""
    pids: list[int] = wait_until(lambda: host.workers()["pids"], "worker", pause=0.05)
    return pids[0]


def test_function_timeout_kills_and_replaces_the_worker_of_the_call(single: Serving) -> None:
    """
    The other call in flight is lost with the worker; the real host leaves it hanging.

    Quick calls, one of which began a while before the slow one, do not bring the limit nearer.
    """
    pid = only_pid(single)
    with ThreadPoolExecutor(2) as pool:
        assert [single.get(f"/api/{kind}?s=0.4").text for kind in ("wait", "sleep", "wait")] == [str(pid)] * 3
        slow = pool.submit(single.get, "/api/wait?s=60")
        wait_until(lambda: single.text.count("waiting") == 3, "slow call in the worker")
        other = pool.submit(single.get, "/api/sleep?s=60")
        assert (slow.result().status_code, slow.result().content) == (500, b"")
        assert other.result().status_code == 500
    named = single.line(
        r"Exception: invocation (\S+) ran longer than the functionTimeout of 5 s in host\.json; worker 1"
    )
    single.line(rf"Executed 'Functions\.wait' \(Failed, Id={named[1]}, Duration=\d+ms\)")
    single.line(rf"worker 1 \(pid {pid}\) was ended by SIGKILL with 1 invocation\(s\) in flight, because")
    assert single.get("/api/pid").text not in {"", str(pid)}


def test_worker_that_a_signal_without_a_name_ends_is_replaced_and_a_call_waits_for_the_next(single: Serving) -> None:
    pid = only_pid(single)
    os.kill(pid, signal.SIGRTMIN + 5)
    single.line(rf"worker 1 \(pid {pid}\) was ended by signal {signal.SIGRTMIN + 5} with 0 invocation")
    assert single.get("/api/pid").text not in {"", str(pid)}


def test_ends_by_function_timeout_and_with_exit_code_200_are_not_counted() -> None:
    """After three ends that count, this host would end."""
    with Serving(APPS / "faults", limits={"worker": {"restart_interval": 0.1, "function_timeout": 0.3}}) as host:
        host.ready()
        for path in ["/api/wait?s=60"] * 3 + ["/api/exit?code=200"] * 3:
            before = only_pid(host)
            assert host.get(path).status_code == 500
            wait_until(lambda before=before: only_pid(host) != before, "replacement of the worker", pause=0.05)
        # On a busy machine, a call of the last worker may take longer than the timeout too.
        wait_until(lambda: host.get("/api/pid").status_code == 200, "worker that serves", pause=0.05)


def test_worker_that_ends_with_0_is_not_replaced_and_the_others_go_on() -> None:
    with Serving(APPS / "faults", limits=SOON, FUNCTIONS_WORKER_PROCESS_COUNT="2") as host:
        pids = host.ready().workers()["pids"]
        assert host.get("/api/exit?code=0").status_code == 500
        host.line("ended itself with exit code 0 and is not replaced, as on the platform, which would also keep")
        left = {host.get("/api/pid").text for _ in range(4)}
        assert len(left) == 1
        assert left <= {str(pid) for pid in pids}
        assert host.workers()["ready"] == 1


def test_replacement_that_fails_to_start_is_tried_again(tmp_path: Path) -> None:
    """Of the workers that start, the third and the fourth break."""
    with Serving(
        APPS / "faults",
        limits=SOON,
        FUNCTIONS_WORKER_PROCESS_COUNT="2",
        STARTS=str(tmp_path),
        BREAK_AFTER="2",
        MENDED_AFTER="4",
    ) as host:
        host.ready()
        assert host.get("/api/exit?code=1").status_code == 500
        host.line("Failed to restart worker .: the app in .* RuntimeError: this worker was told to break")
        host.ready()
        assert len(list(tmp_path.iterdir())) == 5


def test_waiting_calls_do_not_hold_up_a_host_that_gives_up(tmp_path: Path) -> None:
    """The call that waits comes on the connection of the one that ends the worker, right behind it."""
    with Serving(APPS / "faults", limits=SOON, STARTS=str(tmp_path), BREAK_AFTER="1") as host:
        host.ready()
        with host.connect() as connection:
            head = " HTTP/1.1\r\nhost: x\r\n\r\n"
            connection.sendall(f"GET /api/exit?code=1{head}GET /api/pid{head}".encode())
            answers = b"".join(iter(lambda: connection.recv(65536), b""))
        assert [answer[:3] for answer in answers.split(b"HTTP/1.1 ")[1:]] == [b"500", b"503"]
        assert host.ended() == 1
        assert host.lines[-1].endswith("Exceeded language worker restart retry count: 3 worker processes have ended")
        assert host.text.count("Failed to restart worker 1") == 2
