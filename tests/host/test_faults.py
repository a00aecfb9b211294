"""Workers that break in every way an app can break them: the call is answered, the others go on, the host stays."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.host.serving import APPS, Serving, is_alive, wait_until

pytestmark = pytest.mark.fault


@pytest.fixture(scope="module")
def pair() -> Iterator[Serving]:
    """Two workers; these tests end three of the six a host of two puts up with, and each is replaced at once."""
    limits = {"worker": {"restart_interval": 0, "function_timeout": 5}}
    with Serving(APPS / "faults", limits=limits, FUNCTIONS_WORKER_PROCESS_COUNT="2") as host:
        yield host.ready()


def pids(host: Serving) -> set[str]:
    """Who serves now: two calls in turn meet both workers."""
    return {host.get("/api/pid").text for _ in range(2)}


def test_worker_that_exits_in_the_middle_of_a_call_is_replaced(pair: Serving) -> None:
    before = pids(pair)
    assert pair.get("/api/exit?code=1").status_code == 500
    pair.line(r"exited with code 1 with 1 invocation\(s\) in flight")
    pair.ready()
    assert len(pids(pair) & before) == 1


def test_worker_that_is_killed_loses_its_own_calls_only(pair: Serving, tmp_path: Path) -> None:
    pair.ready()
    calls = [pair.send(f"/api/held?until={tmp_path}/go") for _ in range(4)]
    killed = pair.workers()["pids"][0]
    wait_until(lambda: pair.text.count("waiting") >= 4, "four calls in the workers")
    os.kill(killed, signal.SIGKILL)
    pair.line(rf"\(pid {killed}\) was ended by SIGKILL with 2 invocation")
    (tmp_path / "go").touch()
    answers = [call.answer() for call in calls]
    assert sorted(answer.status_code for answer in answers) == [200, 200, 500, 500]
    assert str(killed) not in {answer.text for answer in answers}
    pair.ready()


def test_event_loop_that_hangs_leaves_the_other_worker_serving(pair: Serving) -> None:
    """Its own calls hang, as on the platform, until functionTimeout has the worker replaced."""
    pair.ready()
    with ThreadPoolExecutor(2) as pool:
        hanging = pool.submit(pair.get, "/api/hang")
        pair.line("hanging")
        calls = [pool.submit(pair.get, "/api/pid"), pool.submit(pair.get, "/api/pid")]
        wait_until(lambda: any(call.done() for call in calls), "answer of the other worker")
        assert not hanging.done()
        assert hanging.result().status_code == 500
        assert sorted(call.result().status_code for call in calls) == [200, 500]
    pair.ready()


def test_memory_that_grows_without_end_costs_one_worker(pair: Serving) -> None:
    pair.ready()
    before = pair.workers()["pids"]
    assert pair.get("/api/grow").status_code == 500
    pair.line("was ended by SIGABRT with 1 invocation")
    wait_until(lambda: sum(is_alive(pid) for pid in before) == 1, "end of one worker")
    pair.ready()
    assert len(pids(pair)) == 2


def test_megabytes_of_prints_are_cut_and_hold_up_nobody(pair: Serving) -> None:
    pair.ready()
    assert pair.get("/api/prints").status_code == 200
    pair.line(r"xxx… \(16384 more characters\)$")
    pair.line("the last line$")
    assert len(pids(pair)) == 2
