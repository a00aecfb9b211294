"""Several Locust processes really run: the same figures as with one, on one clock, and a clear end when one is lost."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import aclosing, suppress
from itertools import pairwise
from operator import attrgetter
from pathlib import Path
from statistics import fmean, median, pstdev, quantiles

import msgspec
import psutil
import pytest

from functune.analysis.numbers.levels import Level, levels_of
from functune.errors import LoadError
from functune.experiments.request_source import ListedRequest
from functune.experiments.requests import RequestTemplate
from functune.load.load_workers import start_command
from functune.load.records import LoadPlan, Request, StepEnd
from functune.load.requests import prepared_request
from functune.load.runner import finished_steps
from functune.run.measurement import Measurement
from tests.load.loads import (
    PATIENCE,
    StartStandIn,
    accounted,
    at_edges,
    balanced,
    free_port,
    load_generators,
    measured,
    plan,
    run,
    slept_us,
    wait_until,
)

WINDOWS = (3, 2)
"""Windows measured in each of two loads: load processes that the reader starts take part in one after the other."""
OWN = 0.01
"""Relative difference that the servers themselves may have, which are processes of their own."""
AHEAD = 7.0
"""Seconds by which the clock of a load process on another machine is ahead, in the test of it."""
ANOTHER_MACHINE = f"""
import runpy, time
real = time.time
time.time = lambda: real() + {AHEAD}
runpy.run_module("locust", run_name="__main__", alter_sys=True)
"""


@pytest.fixture
def start_load_process() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start a load process as a reader does, by a command of the shell; it ends with the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start(command: str | list[str]) -> subprocess.Popen[bytes]:
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        process = subprocess.Popen(
            command, shell=isinstance(command, str), env=os.environ | {"PATH": path}, start_new_session=True
        )
        started.append(process)
        return process

    yield start
    for process in started:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for_calls(base_url: str, connections: int) -> None:
    """Return when a server of this process has that many connections."""
    port = int(base_url.rpartition(":")[2])
    [server] = [each for each in psutil.Process().children() if port in ports(each)]
    wait_until(lambda: sum(each.status == psutil.CONN_ESTABLISHED for each in server.net_connections()) >= connections)


def ports(process: psutil.Process) -> set[int]:
    """The ports that a process listens on."""
    with suppress(psutil.NoSuchProcess):  # another has ended since
        return {each.laddr.port for each in process.net_connections() if each.status == psutil.CONN_LISTEN}
    return set()


async def one(load: LoadPlan, base_url: str) -> Measurement:
    [step] = await run(load, base_url)
    return measured(*step)


async def levels(loads: dict[str, LoadPlan], base_urls: list[str]) -> dict[str, Level]:
    """
    Each load measured in all WINDOWS on a server of its own.

    They run side by side, so that other programs slow all of them alike; each waits nearly all of the time.
    """
    steps: dict[str, list[tuple[StepEnd, list[Request]]]] = {name: [] for name in loads}
    for windows in WINDOWS:
        several = [msgspec.structs.replace(load, users=load.users * windows) for load in loads.values()]
        found = await asyncio.gather(*map(run, several, base_urls))
        for name, each in zip(loads, found, strict=True):
            steps[name] += each
    return {
        name: levels_of([measured(*step, repeat=repeat) for repeat, step in enumerate(each)], seed=1)[0]
        for name, each in steps.items()
    }


def require_agreement(several: Level, single: Level) -> None:
    """
    The intervals of throughput and p95 overlap, and the means are within a twentieth.

    That is so in the median of the windows, since other programs can disturb one load in a window.
    """
    for one, other in ((several.spread, single.spread), (several.p95_spread, single.p95_spread)):
        assert one is not None
        assert other is not None
        assert one.is_interval
        assert max(one.low, other.low) <= (1 + OWN) * min(one.high, other.high)
    for figure in map(attrgetter, ("throughput", "in_flight")):
        alone = single.by_repeat(figure)
        ratios = [value / alone[number] for number, value in several.by_repeat(figure).items()]
        assert median(ratios) == pytest.approx(1, rel=0.05), figure
    assert several.figures.rate_times_latency == pytest.approx(several.figures.in_flight, rel=0.05)


async def test_two_load_processes_measure_what_one_does(
    start_stand_in: StartStandIn, start_load_process: Callable[..., subprocess.Popen[bytes]]
) -> None:
    """
    24 places of 300 ms and 48 users: 80/s, whoever sends the requests, also a master with two workers of the reader.

    These are started once, by the command that is printed, and take part in every load of the run.
    """
    single, port = plan("/sleep?ms=300", users=(48,), measure=2), free_port()
    for _ in range(2):
        start_load_process(start_command("127.0.0.1", port))
    loads = {
        "single": single,
        "two": msgspec.structs.replace(single, processes=2),
        "led": msgspec.structs.replace(single, workers=2, bind=("127.0.0.1", port)),
    }
    found = await levels(loads, [start_stand_in(24) for _ in loads])
    require_agreement(found["two"], found["single"])
    require_agreement(found["led"], found["single"])
    assert [each.figures.load_processes for each in found.values()] == [1, 2, 2]


async def test_every_step_is_shared_and_cores_of_all_processes_are_counted(start_stand_in: StartStandIn) -> None:
    """Also a step with fewer users than load processes, and one whose users do not divide evenly."""
    load = msgspec.structs.replace(plan("/sleep?ms=100", users=(1, 3, 6), measure=1.2), processes=2)
    steps = await run(load, start_stand_in(100))
    assert [sorted(each.users for each in step.load_processes) for step, _ in steps] == [[0, 1], [1, 2], [3, 3]]
    for step in steps:
        result = measured(*step)
        assert result.errors == {}
        assert result.concurrency == pytest.approx(result.users, rel=0.1)
        in_flight, edges = result.throughput * fmean(result.latencies_us) / 1e6, at_edges(*step, result)
        assert result.concurrency == pytest.approx(in_flight, rel=0.01, abs=edges)
        cores = [process.cores for process in result.load_processes]
        assert min(cores) > 0
        assert sum(cores) < result.generator_cpu  # which has those of the master as well
        assert result.busiest_generator == max(cores)
        assert result.other_cpu is not None
        # Each look comes 10 ms after the last, or later, and the last one of each process may be late.
        assert 0.8 * 2 * 1.2e6 < slept_us(result) < 2 * (1.2e6 + max(result.generator_lag_us) + 11_000)


async def test_arrivals_of_two_load_processes_are_one_poisson_process(start_stand_in: StartStandIn) -> None:
    """60/s for 2 s: 120 plus or minus 5 standard deviations of 11, half of them from each."""
    load = LoadPlan(
        route="/sleep?ms=50", users=(60,), arrival_rates=(60.0,), seed=3, warm_up=0.3, measure=2, processes=2
    )
    [(step, requests)] = await run(load, start_stand_in(100))
    result = measured(step, requests)
    assert 65 < result.arrivals < 175
    assert result.arrival_rate == 60.0
    assert result.throughput * result.duration == pytest.approx(balanced(step, requests, result), abs=2)
    assert len(step.unfinished) < 0.4 * result.arrivals  # 3 as a rule: the answers keep up
    gaps = [later - earlier for earlier, later in pairwise(step.arrivals)]
    # Two processes with the same seed would have the same arrivals, always the same time apart.
    assert Counter(round(gap, 5) for gap in gaps).most_common(1)[0][1] < 6
    assert 0.6 < pstdev(gaps) / fmean(gaps) < 1.5
    assert [each.users for each in step.load_processes] == [30, 30]


async def test_arrivals_need_no_connection_in_every_load_process(start_stand_in: StartStandIn) -> None:
    """One connection: the process that has it sends all arrivals."""
    load = LoadPlan(route="/sleep?ms=1", users=(1,), arrival_rates=(4.0, 20.0), warm_up=0.3, measure=3, processes=2)
    steps = await run(load, start_stand_in(100))
    slow, fast = [measured(*step) for step in steps]
    assert 0 < slow.arrivals < 30 < fast.arrivals < 100
    assert accounted(*steps[1]) == pytest.approx(fast.arrivals, abs=1)
    assert len(steps[1][0].unfinished) < 0.4 * fast.arrivals, "half of the arrivals have a process that sends none"


async def test_background_is_shared_and_not_recorded(start_stand_in: StartStandIn) -> None:
    """One place: its holders of the background keep it for 60 ms at a time."""
    load = msgspec.structs.replace(
        plan("/sleep?ms=5", users=(2,), measure=1.5), background="/sleep?ms=60", background_users=2, processes=2
    )
    result = await one(load, start_stand_in(1))
    assert result.users == sum(each.users for each in result.load_processes) == 2
    assert fmean(result.latencies_us) > 80_000
    assert quantiles(result.service_times_us, n=4)[-1] < 50_000  # half of them were longer with the background
    assert result.concurrency == pytest.approx(2, rel=0.1)


async def test_rows_in_turn_are_shared(tmp_path: Path) -> None:
    """Three load processes at the same speed take the rows as one process would."""
    (tmp_path / "ids.csv").write_text("id\n" + "".join(f"{number}\n" for number in range(10)))
    template = RequestTemplate(name="item", route="/items/{id}", values="ids.csv")

    def source(*place: int) -> ListedRequest:
        return prepared_request(template, folder=tmp_path, environ={}, rng=random.Random(1), place=place)

    alone, shared = source(0, 1), [source(number, 3) for number in range(3)]
    assert [each.outgoing().path for _ in range(10) for each in shared] == [alone.outgoing().path for _ in range(30)]


async def test_users_of_a_locust_file_are_shared(start_stand_in: StartStandIn, tmp_path: Path) -> None:
    (tmp_path / "locustfile.py").write_text(
        "from locust import FastHttpUser, task\n"
        "class Shopper(FastHttpUser):\n"
        "    @task\n"
        "    def look(self):\n"
        "        self.client.get('/sleep?ms=10', headers={'x-sent-at': '0'})\n"
        "        self.client.get('/sleep?ms=5', headers={'x-sent-at': '0'}, name='/other')\n"
    )
    load = msgspec.structs.replace(
        plan("locustfile.py", users=(4,), measure=1), locustfile="locustfile.py", folder=str(tmp_path), processes=2
    )
    result = await one(load, start_stand_in(8))
    assert set(result.by_request) == {"GET /sleep", "GET /other"}
    assert [each.users for each in result.load_processes] == [2, 2]


async def test_mistake_in_a_load_process_is_shown(start_stand_in: StartStandIn, tmp_path: Path) -> None:
    (tmp_path / "journey.py").write_text(
        "from locust import FastHttpUser, task\n"
        "class Shopper(FastHttpUser):\n"
        "    @task\n"
        "    def look(self):\n"
        "        raise ValueError('a mistake of the journey')\n"
    )
    load = msgspec.structs.replace(
        plan("journey.py", users=(4,)), locustfile="journey.py", folder=str(tmp_path), processes=2
    )
    with pytest.raises(LoadError, match=r"(?s)load process \d of 2.*a mistake of the journey"):
        await run(load, start_stand_in(8))
    assert load_generators() == []


async def test_killed_load_process_ends_the_load_and_keeps_the_steps_before(start_stand_in: StartStandIn) -> None:
    load = msgspec.structs.replace(plan("/sleep?ms=20", users=(2, 4, 8), measure=1.5), processes=2)
    seen: list[tuple[StepEnd, list[Request]]] = []
    with pytest.raises(LoadError) as caught:  # noqa: PT012 - the error comes with the next step
        async with aclosing(finished_steps(load, base_url=start_stand_in(8))) as steps:
            async for step in steps:
                seen.append(step)
                [pid] = [each.pid for each in step[0].load_processes if each.number == 1]
                os.kill(pid, signal.SIGKILL)
    assert [step.users for step, _ in seen] == [2]
    said = rf"lost load process \d of 2 \(pid {pid}\), which ended by SIGKILL, after 1 of 3 steps"
    assert caught.match(said)
    assert load_generators() == []


async def test_lost_worker_of_the_reader_ends_the_load(
    start_stand_in: StartStandIn, start_load_process: Callable[..., subprocess.Popen[bytes]]
) -> None:
    """Nobody here sees its process: the master notices that it is silent."""
    port = free_port()
    for _ in range(2):
        start_load_process(start_command("127.0.0.1", port).removeprefix("while ").partition(";")[0])
    load = msgspec.structs.replace(plan("/sleep?ms=20", users=(2, 4), measure=60), workers=2, bind=("127.0.0.1", port))

    base_url = start_stand_in(8)

    async def kill_one() -> None:
        await asyncio.to_thread(wait_for_calls, base_url, 2)
        next(each for each in load_generators() if "-f" in each.cmdline()).send_signal(signal.SIGKILL)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(kill_one())
        with pytest.raises(LoadError, match=r"load process \d of 2 .*was lost: it sent no sign of life"):
            await run(load, base_url)


async def test_clock_of_another_machine_is_found_and_removed(
    start_stand_in: StartStandIn, start_load_process: Callable[..., subprocess.Popen[bytes]]
) -> None:
    """One of two load processes has a clock that is 7 s ahead: the step is the same, and says so."""
    port = free_port()
    options = ["-f", "-", "--worker", "--master-host", "127.0.0.1", "--master-port", str(port)]
    start_load_process([sys.executable, "-m", "locust", *options])
    start_load_process([sys.executable, "-c", ANOTHER_MACHINE, *options])
    load = msgspec.structs.replace(plan("/sleep?ms=80", users=(8,), measure=2), workers=2, bind=("127.0.0.1", port))
    [step] = await run(load, start_stand_in(100))
    result = measured(*step)
    near, far = sorted(result.load_processes, key=lambda each: each.clock_offset_us)
    assert abs(near.clock_offset_us) <= near.clock_bound_us + 1e4
    assert abs(far.clock_offset_us - AHEAD * 1e6) <= far.clock_bound_us + 1e4
    assert far.clock_bound_us < 0.5e6
    assert result.concurrency == pytest.approx(8, rel=0.1)
    # Half of it without the requests of the far one.
    in_flight, edges = result.throughput * fmean(result.latencies_us) / 1e6, at_edges(*step, result)
    assert in_flight == pytest.approx(8, abs=max(0.8, edges))


async def test_load_process_too_many_ends_the_load(
    start_stand_in: StartStandIn, start_load_process: Callable[..., subprocess.Popen[bytes]]
) -> None:
    """It connects in the middle of a step, and Locust would give it a part of the users."""
    base_url, port = start_stand_in(8), free_port()
    once = start_command("127.0.0.1", port).removeprefix("while ").partition(";")[0]
    for _ in range(2):
        start_load_process(once)
    load = msgspec.structs.replace(
        plan("/sleep?ms=20", users=(2,), measure=PATIENCE), workers=2, bind=("127.0.0.1", port)
    )

    async def start_third() -> None:
        await asyncio.to_thread(wait_for_calls, base_url, 2)
        start_load_process(once)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(start_third())
        with pytest.raises(LoadError, match="another load process has connected, and the load is planned for 2"):
            await run(load, base_url)


async def test_missing_workers_are_named(start_stand_in: StartStandIn) -> None:
    load = msgspec.structs.replace(plan("/sleep", settle_limit=1), workers=3, bind=("127.0.0.1", free_port()))
    with pytest.raises(LoadError, match=r"waited 0.5 s for 3 load processes at 127\.0\.0\.1:\d+, and 0 connected"):
        await run(load, start_stand_in(1), workers_within=0.5, start_and_stop=0.1)


def test_load_processes_end_with_their_runner(start_stand_in: StartStandIn, tmp_path: Path) -> None:
    """A killed runner can end nothing itself: the master and its load processes notice that it is gone."""
    script = (
        "import asyncio; from functune.load import runner; from functune.load.records import LoadPlan\n"
        "plan = LoadPlan(route='/sleep?ms=10', users=(4,), warm_up=0.3, measure=60, processes=2)\n"
        f"asyncio.run(anext(runner.finished_steps(plan, base_url={start_stand_in(1)!r})))"
    )
    runner = subprocess.Popen([sys.executable, "-c", script], env=os.environ | {"TMPDIR": str(tmp_path)})
    try:
        wait_until(lambda: len(load_generators()) == 3)
        generators, senders = load_generators(), load_generators("locust worker")
        wait_until(lambda: all(len(each.net_connections()) > 2 for each in senders))  # they have begun to call
    finally:
        os.kill(runner.pid, signal.SIGKILL)
        runner.wait()
    for generator in generators:
        generator.wait(timeout=PATIENCE)
