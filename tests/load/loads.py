"""Loads that tests really run, and what is left of their processes."""

import socket
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


def plan(
    route: str, *, users: tuple[int, ...] = (2,), measure: float = 0.6, settle_limit: float = 5, timeout: float = 5
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


def load_generators(name: str = "locust") -> list[psutil.Process]:
    """The Locust processes this one has started; with ``locust worker``, those that have a master here."""
    found = []
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # it has ended since
            if child.name().startswith(name) or name in child.cmdline():  # forked here, or as a command of the reader
                found.append(child)
    return found


def wait_until(condition: Callable[[], object]) -> None:
    """Return once the condition holds; fail after 20 s."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def free_port() -> int:
    """A port that was free a moment ago: the commands of the load processes need it before anything listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
