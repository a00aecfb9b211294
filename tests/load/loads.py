"""Loads that tests really run, and what is left of their processes."""

import atexit
import socket
import sys
import time
from collections.abc import Callable
from contextlib import aclosing, suppress

import psutil

from functune.experiments.subject import Subject
from functune.load import windows
from functune.load.records import LoadPlan, Request, StepEnd
from functune.load.runner import finished_steps
from functune.load.windows import Place
from functune.run.measurement import Measurement
from functune.setting import Setting

type StartStandIn = Callable[[int], str]

PATIENCE = 60.0
"""Seconds that anything may take on a busy machine. Importing Locust takes it one or two of CPU time."""


def plan(
    route: str, *, users: tuple[int, ...] = (2,), measure: float = 0.6, settle_limit: float = 30, timeout: float = 30
) -> LoadPlan:
    return LoadPlan(route=route, users=users, warm_up=0.3, measure=measure, settle_limit=settle_limit, timeout=timeout)


async def run(load: LoadPlan, base_url: str, **options: float) -> list[tuple[StepEnd, list[Request]]]:
    async with aclosing(finished_steps(load, base_url=base_url, **options)) as steps:
        return [step async for step in steps]


def measured(step: StepEnd, requests: list[Request], *, repeat: int = 0) -> Measurement:
    return windows.measure(step, requests, Place("e", repeat, Subject(route="/sleep"), Setting(), repeat=repeat))


def accounted(step: StepEnd, requests: list[Request]) -> int:
    """The arrivals in the window that were answered in it, or were on their way or waiting when it closed."""
    due = [*(each.began for each in requests), *step.unfinished]
    return sum(step.opened < moment <= step.closed for moment in due)


def balanced(step: StepEnd, requests: list[Request], result: Measurement) -> float:
    """The arrivals of a window with those that waited as it opened, less those that were still open as it closed."""
    opened, closed = result.started_at, result.started_at + result.duration

    def open_at(moment: float) -> int:
        """The arrivals that were due and not answered."""
        ended = sum(each.began <= moment < each.ended for each in requests)
        return ended + sum(began <= moment for began in step.unfinished)

    return result.arrivals + open_at(opened) - open_at(closed)


def at_edges(step: StepEnd, requests: list[Request], result: Measurement) -> float:
    """
    By how much the requests in flight of a window can differ from its throughput times its mean latency.

    Little's law is exact but for the requests that cross an edge: of those that ended in the window, the time before it
    counts in the latencies alone; of those that were open when it closed, the time in it counts in no latency.
    """
    opened, closed = result.started_at, result.started_at + result.duration
    before = sum(opened - each.began for each in requests if each.began < opened < each.ended <= closed)
    began = [*(each.began for each in requests if each.ended > closed), *step.unfinished]
    after = sum(closed - moment for moment in began if moment < closed)
    return max(before, after) / result.duration


def slept_us(result: Measurement) -> int:
    """The sleep of the generator between its looks at the clock: 10 ms and its lag each time; the last is shorter."""
    return sum(10_000 + lag for lag in result.generator_lag_us)


def most_answers(result: Measurement, *, places: int, service: float) -> float:
    """
    The most answers of a window of a server that has so many places, and takes ``service`` seconds for a request.

    A place has one more than fit into the window where its first began before. Those that were read late can have been
    ready before the window opened.
    """
    times = zip(result.latencies_us, result.wait_times_us, result.service_times_us, strict=True)
    late = max(latency - wait - taken for latency, wait, taken in times) / 1e6
    return places * ((result.duration + late) / service + 1)


def load_generators(name: str = "locust") -> list[psutil.Process]:
    """The Locust processes this one has started; with ``locust worker``, those that have a master here."""
    found = []
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # it has ended since
            if child.name().startswith(name) or name in child.cmdline():  # forked here, or as a command of the reader
                found.append(child)
    return found


def wait_until(condition: Callable[[], object]) -> None:
    """Return once the condition holds; fail after PATIENCE."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def has_ended(process: psutil.Process) -> bool:
    """Whether a process has ended; nobody may have asked for its exit code yet."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:  # between the two
        return True


def free_port() -> int:
    """
    A port for whoever listens later: the commands of the load processes need it before.

    Until the tests end, a socket that is bound and does not listen keeps it from programs that ask for any port. A
    server that names the port gets it: on Linux two sockets may have the same one where both reuse it and one listens.
    """
    keeper = socket.socket()
    keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    keeper.bind(("127.0.0.1", 0))
    port: int = keeper.getsockname()[1]
    if sys.platform == "linux":
        atexit.register(keeper.close)
    else:
        keeper.close()
    return port
