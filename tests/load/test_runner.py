"""Locust really run, against a stand-in for the host."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from contextlib import aclosing
from itertools import pairwise
from pathlib import Path
from statistics import fmean, median, pstdev, quantiles

import msgspec
import psutil
import pytest

from functune.errors import LoadError
from functune.load.calibration import calibrate
from functune.load.processes import LOCUSTFILE
from functune.load.records import LoadPlan
from functune.load.runner import failure, finished_steps
from tests.load.loads import (
    PATIENCE,
    StartStandIn,
    at_edges,
    balanced,
    load_generators,
    measured,
    most_answers,
    plan,
    run,
    slept_us,
    wait_until,
)


async def test_load_measures_a_server_of_known_capacity(start_stand_in: StartStandIn) -> None:
    """4 threads of 50 ms: 20/s for one user, 80/s once there are enough; Little's law holds in every step."""
    steps = await run(plan("/sleep?ms=50", users=(1, 4, 12), measure=1), start_stand_in(4))
    results = [measured(*step) for step in steps]

    assert [result.users for result in results] == [1, 4, 12]
    # Sleeping takes at least its time, so the upper limit is sharp; the lower one is for a busy machine.
    for step, result, places in zip(steps, results, [1, 4, 4], strict=True):
        assert result.errors == {}
        assert result.throughput > 0.3 * places / 0.05
        # uvloop counts whole milliseconds
        assert len(result.latencies_us) <= most_answers(result, places=places, service=0.049)
        latency = fmean(result.latencies_us) / 1e6
        edges = at_edges(*step, result)
        assert result.concurrency == pytest.approx(result.throughput * latency, rel=0.01, abs=edges)
        assert result.concurrency == pytest.approx(result.users, rel=0.1)
    assert [list(result.worker_peak_in_flight.values()) for result in results] == [[1], [4], [4]]
    assert all(0 <= wait < 1e6 for wait in results[0].wait_times_us)


async def test_warm_up_lasts_until_every_user_had_an_answer(start_stand_in: StartStandIn) -> None:
    """One thread of 200 ms and 6 users: the first round takes 1.2 s, longer than the warm-up of 0.3 s."""
    [(step, requests)] = await run(plan("/sleep?ms=200", users=(6,)), start_stand_in(1))
    assert step.opened - step.began >= 1.19  # uvloop counts whole milliseconds
    assert sum(request.ended <= step.opened for request in requests) >= 6
    assert median(measured(step, requests).latencies_us) > 0.9e6  # the queue at its full length, as a rule


async def test_warm_up_ends_at_its_limit(start_stand_in: StartStandIn) -> None:
    [(step, requests)] = await run(plan("/hang", settle_limit=0.5), start_stand_in(1))
    assert 0.8 <= step.opened - step.began < 20  # a request would end after 30 s
    assert len(step.unfinished) == 2
    with pytest.raises(LoadError, match="no request ended and 2 were in flight"):
        measured(step, requests)


async def test_request_times_out(start_stand_in: StartStandIn) -> None:
    [(_, requests)] = await run(plan("/hang", timeout=0.4), start_stand_in(1))
    assert {request.error for request in requests} == {"TimeoutError"}


async def test_failing_answers_are_recorded(start_stand_in: StartStandIn) -> None:
    [step] = await run(plan("/fail?ms=5"), start_stand_in(1))
    result = measured(*step)
    assert result.throughput == 0
    assert set(result.errors) == {"HTTP 500"}


async def test_redirects_are_not_followed(start_stand_in: StartStandIn) -> None:
    [step] = await run(plan("/moved?ms=5"), start_stand_in(1))
    assert set(measured(*step).errors) == {"HTTP 302"}


async def test_load_measures_who_used_the_cores(start_stand_in: StartStandIn) -> None:
    """The server computes all the time, and so does another program."""
    others = set(psutil.Process().children())
    base_url = start_stand_in(1)
    [server] = set(psutil.Process().children()) - others
    other = await asyncio.create_subprocess_exec(sys.executable, "-c", "while True: pass")
    try:
        load = msgspec.structs.replace(plan("/burn?ms=20", measure=2), host_pid=server.pid)
        [(step, requests)] = await run(load, base_url)
    finally:
        other.kill()
        await other.wait()
    result = measured(step, requests)
    assert 0 < result.generator_cpu < 0.5
    assert step.host_cpu is not None
    answers = sum(step.opened < request.ended <= step.closed for request in requests)
    # Each takes 20 ms of a core, however busy the machine is; one more or less was under way at either end.
    assert step.host_cpu * (step.closed - step.opened) == pytest.approx(0.02 * answers, rel=0.25, abs=0.05)
    assert result.other_cpu is not None
    assert result.other_cpu > 0.2


async def test_host_elsewhere_has_no_share_of_the_cores(start_stand_in: StartStandIn) -> None:
    [(step, _)] = await run(plan("/sleep?ms=5"), start_stand_in(1))
    assert step.host_cpu is None
    assert step.other_cpu is not None


def test_failure_is_reported_without_its_log(tmp_path: Path) -> None:
    said = failure("ended with exit code 1", plan("/sleep"), "http://127.0.0.1:1", [tmp_path / "locust.log"])
    assert "calling /sleep at http://127.0.0.1:1 ended with exit code 1" in said
    assert "No such file" in said


async def test_dying_host_is_recorded(start_stand_in: StartStandIn) -> None:
    """Nothing listens any more: the users fail, without keeping a core busy with it."""
    [step] = await run(plan("/die"), start_stand_in(1))
    assert len(step[1]) < 200
    with pytest.raises(LoadError, match="ConnectionRefusedError"):
        measured(*step)


async def test_failing_load_generator_is_an_error_with_its_log() -> None:
    with pytest.raises(LoadError, match=r"(?s)calling /sleep at .* ended with exit code \d after 0 of 1 .*notaport"):
        await run(plan("/sleep", settle_limit=0.5), "http://127.0.0.1:notaport")


async def test_late_load_generator_is_ended(start_stand_in: StartStandIn, tmp_path: Path) -> None:
    """The Locust file of the reader takes a minute to be imported."""
    (tmp_path / "slow.py").write_text("import time\n\nfrom locust import HttpUser\n\ntime.sleep(60)\n")
    load = msgspec.structs.replace(plan("slow.py", settle_limit=0.5), locustfile="slow.py", folder=str(tmp_path))
    with pytest.raises(LoadError, match=r"had not ended 0\.5 s after its plan"):
        await run(load, start_stand_in(1), start_and_stop=0.5)
    assert load_generators() == []


async def test_closing_ends_the_load(start_stand_in: StartStandIn) -> None:
    load = plan("/sleep?ms=5", users=(1,) * 20)  # it does not come to its end meanwhile
    async with aclosing(finished_steps(load, base_url=start_stand_in(1))) as steps:
        await anext(steps)
        assert len(load_generators()) == 1
    assert load_generators() == []


def test_load_ends_with_its_runner(start_stand_in: StartStandIn, tmp_path: Path) -> None:
    """A killed runner can end nothing itself: Locust notices that it is gone."""
    script = (
        "import asyncio; from functune.load import runner; from functune.load.records import LoadPlan\n"
        "plan = LoadPlan(route='/sleep?ms=10', users=(1,), warm_up=0.3, measure=60)\n"
        f"asyncio.run(anext(runner.finished_steps(plan, base_url={start_stand_in(1)!r})))"
    )
    # It cannot remove its temporary folder either.
    runner = subprocess.Popen([sys.executable, "-c", script], env=os.environ | {"TMPDIR": str(tmp_path)})
    try:
        wait_until(load_generators)
        [generator] = load_generators()
        wait_until(generator.net_connections)  # it has begun to call
    finally:
        os.kill(runner.pid, signal.SIGKILL)
        runner.wait()
    generator.wait(timeout=PATIENCE)


def test_locustfile_works_without_functune(start_stand_in: StartStandIn) -> None:
    """As in Azure Load Testing: flags instead of a plan."""
    command = [sys.executable, "-m", "locust", "-f", LOCUSTFILE, "--headless", "--only-summary", "--json"]
    command += ["-H", start_stand_in(2), "-u", "2", "-r", "2", "-t", "3"]
    environment = os.environ | {"FUNCTUNE_ROUTE": "/sleep?ms=10"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=2 * PATIENCE, check=True)
    [statistics] = json.loads(done.stdout)
    assert statistics["name"] == "/sleep?ms=10"
    assert statistics["num_requests"] > 10
    assert statistics["num_failures"] == 0


async def test_arrivals_keep_their_rate_when_answers_are_late(start_stand_in: StartStandIn) -> None:
    """Poisson arrivals of 60/s for 2 s: 120 plus or minus 5 standard deviations of 11, however long an answer takes."""
    load = LoadPlan(
        route="/sleep?ms=50", users=(60,), arrival_rates=(60.0,), seed=3, warm_up=0.3, measure=2, settle_limit=5
    )
    [(step, requests)] = await run(load, start_stand_in(100))
    result = measured(step, requests)
    assert 65 < result.arrivals < 175
    assert result.arrival_rate == 60.0
    assert result.throughput * result.duration == pytest.approx(balanced(step, requests, result), abs=1)
    assert len(step.unfinished) < 0.4 * result.arrivals  # 3 as a rule: the answers keep up
    gaps = [later - earlier for earlier, later in pairwise(sorted(step.arrivals))]
    assert 0.6 < pstdev(gaps) / fmean(gaps) < 1.5  # 1 for a Poisson process, 0 for a clock
    assert min(result.latencies_us) >= 49_000  # uvloop counts whole milliseconds
    assert len(result.send_delays_us) == len(result.latencies_us)


async def test_latency_of_an_arrival_counts_from_when_it_was_due(start_stand_in: StartStandIn) -> None:
    """One thread of 50 ms serves 20/s; of 60/s most wait, first for one of 4 connections and then for the thread."""
    load = LoadPlan(
        route="/sleep?ms=50", users=(4,), arrival_rates=(60.0,), seed=3, warm_up=0.3, measure=2, settle_limit=5
    )
    [(step, requests)] = await run(load, start_stand_in(1))
    result = measured(step, requests)
    assert result.throughput < 25
    assert max(result.send_delays_us) > 500_000
    assert all(delay < latency for delay, latency in zip(result.send_delays_us, result.latencies_us, strict=True))
    assert result.concurrency > 20  # the backlog is in flight


async def test_rates_follow_each_other_in_one_run(start_stand_in: StartStandIn) -> None:
    load = LoadPlan(
        route="/sleep?ms=5", users=(30,), arrival_rates=(20.0, 200.0), warm_up=0.3, measure=1, settle_limit=5
    )
    slow, fast = [measured(*step) for step in await run(load, start_stand_in(100))]
    assert (slow.arrival_rate, fast.arrival_rate) == (20.0, 200.0)
    assert slow.arrivals < 60 < 120 < fast.arrivals


async def test_background_loads_the_host_and_is_not_recorded(start_stand_in: StartStandIn) -> None:
    """One thread, which the background holds for 300 ms at a time: a call of 10 ms waits for it nearly every time."""
    alone = plan("/sleep?ms=10", users=(1,), measure=3)
    with_background = msgspec.structs.replace(alone, background="/sleep?ms=300", background_users=1)
    [loaded] = [measured(*step) for step in await run(with_background, start_stand_in(1))]
    assert fmean(loaded.latencies_us) > fmean(loaded.service_times_us) + 150_000  # alone, it would not wait
    assert quantiles(loaded.service_times_us, n=4)[-1] < 300_000  # half of them were longer with the background
    assert loaded.users == 1
    assert loaded.concurrency == pytest.approx(1, rel=0.1)


async def test_generator_and_host_tell_their_memory(start_stand_in: StartStandIn) -> None:
    others = set(psutil.Process().children())
    base_url = start_stand_in(1)
    [stand_in] = set(psutil.Process().children()) - others
    load = msgspec.structs.replace(plan("/sleep?ms=5"), host_pid=stand_in.pid)
    [(step, requests)] = await run(load, base_url)
    result = measured(step, requests)
    assert list(result.worker_rss_mb) == list(result.worker_cpu) == [str(stand_in.pid)]
    assert 10 < result.worker_rss_mb[str(stand_in.pid)] < 200
    assert result.generator_rss_mb is not None
    assert 20 < result.generator_rss_mb < 500
    # It looks at the clock from the opening to the closing, however late a busy machine makes each look.
    seconds = step.closed - step.opened
    assert 0.5 * seconds < slept_us(result) / 1e6 < seconds + 0.011


async def test_generator_is_measured_against_a_server_that_does_nothing() -> None:
    calibration = await calibrate()
    assert calibration.throughput > 50  # thousands on a machine that does nothing else
    assert 0 < calibration.generator_cpu < 1.1  # near its one core on a free machine
    assert calibration.latency_p50_us < 1e6
