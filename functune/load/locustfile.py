"""
The load as a Locust user: a closed loop without think time, every request stamped with the time it was sent.

Without a plan it is an ordinary locustfile that needs nothing but Locust, for distributed runs and Azure Load Testing:

    FUNCTUNE_ROUTE='/api/async/sleep?ms=100' locust -f locustfile.py --headless -H http://127.0.0.1:7071 -u 64 -r 64

functune/load/runner.py starts it with a plan in FUNCTUNE_LOAD_PLAN: then it steps through the plan's numbers of users,
or rates of arrivals, in one run and records every request. Importing Locust patches the standard library for gevent
(time.sleep lets other users run), so no other file imports it.
"""

# Locust ships types, but not for the functions called here.
# mypy: allow-untyped-calls

import gc
import os
import random
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent  # type: ignore[import-untyped]
from gevent.queue import Queue  # type: ignore[import-untyped]
from locust import FastHttpUser, LoadTestShape, constant, events, task
from locust.contrib.fasthttp import LocustUserAgent
from locust.exception import ResponseError, StopTest

CALLED_ROUTE = os.environ.get("FUNCTUNE_ROUTE", "/api/health")
TIMEOUT = float(os.environ.get("FUNCTUNE_TIMEOUT", "60"))
"""Seconds until connected, and between two bytes, after which a request has failed."""
KEY = os.environ.get("FUNCTUNE_KEY")
"""Function key, for an app that asks for one."""
HEADERS = {"Accept-Encoding": "identity"} | ({"x-functions-key": KEY} if KEY else {})
EPOCH = time.time() - time.perf_counter()
PAUSE_AFTER_NO_ANSWER = 0.1
"""Seconds a user waits when no answer came: a closed loop on a refusing port would only burn the core it shares."""

in_flight: dict[object, float] = {}
"""When each running request began, by user."""
pending: "Queue[float]" = Queue()
"""The due times of the arrivals of an open loop that no user has taken yet."""


def now() -> float:
    """Epoch seconds with the precision of perf_counter; never set back while the load runs."""
    return EPOCH + time.perf_counter()


# Otherwise FastHttpUser turns an error status into an exception with a transcript. That fails where the body is not
# UTF-8, and the request is never reported. The statuses that count as errors are decided below.
LocustUserAgent.valid_response_codes = frozenset(range(1000))


class Client(FastHttpUser):
    """
    A client with one connection of its own, which neither keeps cookies nor follows redirects nor retries.

    With 16 users on a trivial server a request costs about 240 microseconds of the generator's core; the bare client
    inside FastHttpUser costs 160. In return, Locust users know this class and can extend it.
    """

    abstract = True
    wait_time = constant(0)
    concurrency = 1
    connection_timeout = TIMEOUT
    network_timeout = TIMEOUT
    max_redirects = 0
    max_retries = 0
    insecure = False  # check certificates, which Locust skips by default

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self.client.client.cookiejar = None  # the cookie of a load balancer would keep a user on one instance

    def send(self, route: str, sent: float, context: dict[str, Any]) -> int:
        """Send one request, which FastHttpUser reports to Locust; its status, 0 when no answer came."""
        headers = HEADERS | {"x-sent-at": f"{sent:.6f}"}
        with self.client.get(route, headers=headers, context=context, catch_response=True) as response:
            in_flight.pop(self, None)
            status: int = response.status_code
            if status and not 200 <= status < 300:
                response.failure(ResponseError(f"HTTP {status}"))
        return status


class AppUser(Client):
    """Sends one request after another: each as soon as the last is answered, or at the next arrival."""

    is_open_loop = False

    @task
    def call(self) -> None:
        """Send one request."""
        began = pending.get() if self.is_open_loop else now()
        in_flight[self] = began
        sent = now() if self.is_open_loop else began
        try:
            status = self.send(CALLED_ROUTE, sent, {"began": began, "sent": sent, "user": self})
        finally:  # a user stopped while its request runs must not stay listed
            in_flight.pop(self, None)
        if not status:
            time.sleep(PAUSE_AFTER_NO_ANSWER)


if "FUNCTUNE_LOAD_PLAN" in os.environ:
    from functune.load import cpu
    from functune.load.host_calls import HostCalls, open_calls, read_host_calls
    from functune.load.recorder import Recorder
    from functune.load.records import StepEnd, read_plan

    plan = read_plan(os.environ["FUNCTUNE_LOAD_PLAN"])
    recorder = Recorder(Path(os.environ["FUNCTUNE_LOAD_RECORDS"]))
    parent = os.getppid()
    events.request.add_listener(recorder.record)
    # Locust and its imports are some 100 000 objects that no garbage collection needs to visit again.
    events.test_start.add_listener(lambda **_: gc.freeze())
    events.user_error.add_listener(lambda exception, **_: give_up(exception))
    events.spawning_complete.add_listener(lambda **_: recorder.begin_step(now()))

    AppUser.is_open_loop = bool(plan.arrival_rates)

    if plan.background is not None and plan.background_users:

        class Background(Client):
            """Calls the background route without a pause; its requests are not recorded."""

            fixed_count = plan.background_users

            @task
            def call(self) -> None:
                """Send one request."""
                if not self.send(str(plan.background), now(), {}):
                    time.sleep(PAUSE_AFTER_NO_ANSWER)

    class Arrivals:
        """A Poisson process: requests become due whether or not earlier ones were answered."""

        def __init__(self, seed: int) -> None:
            self.random = random.Random(seed)
            self.rate = 0.0
            self.due: list[float] = []
            """The due times of the step's requests."""

        def begin(self, rate: float) -> None:
            """Continue at another rate."""
            self.rate, self.due = rate, []

        def run(self) -> None:
            """Put every arrival into the queue when it is due."""
            due = now()
            while True:
                due += self.random.expovariate(self.rate)
                time.sleep(max(due - now(), 0))
                self.due.append(due)
                pending.put(due)

    class Steps(LoadTestShape):
        """One step after another, all in a single tick: Locust asks once a second, too coarse for a step."""

        def tick(self) -> None:
            """Run the plan, and end the run by giving no further users."""
            if plan.arrival_rates:
                self.run_open_loop()
                return
            for users in plan.users:
                self.start(users)
                self.measure(users)

        def run_open_loop(self) -> None:
            """Run a step for every rate of arrivals, all sent by the same users."""
            [users] = plan.users
            arrivals = Arrivals(plan.seed)
            self.start(users)
            for number, rate in enumerate(plan.arrival_rates):
                arrivals.begin(rate)
                if number == 0:
                    gevent.spawn(arrivals.run)
                recorder.begin_step(now())
                self.measure(users, arrivals)

        def start(self, users: int) -> None:
            """Start this many users at once, together with those of the background."""
            runner = self.runner
            assert runner is not None  # Locust sets it before it asks
            recorder.began = None
            runner.start(users + plan.background_users, spawn_rate=users + plan.background_users)
            wait_for(lambda: recorder.began is not None, until=now() + plan.settle_limit)
            if recorder.began is None:
                raise StopTest(f"{users} users did not start within {plan.settle_limit:g} s")

        def measure(self, users: int, arrivals: Arrivals | None = None) -> None:
            """Sleep through the warm-up and the window, then have the step written."""
            began = recorder.began
            assert began is not None
            host = cpu.host_processes(plan.host_pid)
            warm = began + plan.warm_up
            wait_for(lambda: now() >= warm, until=warm)
            if arrivals is None:
                wait_for(lambda: len(recorder.settled) >= users, until=warm + plan.settle_limit)
            calls_before, memory_before = self.host_calls(), cpu.process_memory_mb(host)
            opened, before = now(), cpu.read(host)
            lags = wait_for(lambda: False, until=opened + plan.measure)
            calls = self.host_calls()  # before the window closes: other users run while this one waits for the answer
            closed, unfinished = now(), (*in_flight.values(), *pending.queue)
            used = cpu.shares(before, cpu.read(host), host_is_here=plan.host_pid is not None)
            recorder.end_step(
                StepEnd(
                    users,
                    began,
                    opened,
                    closed,
                    unfinished,
                    used.generator,
                    used.host,
                    used.other,
                    None if arrivals is None else arrivals.rate,
                    () if arrivals is None else tuple(due for due in arrivals.due if opened < due <= closed),
                    tuple(lags),
                    cpu.own_memory_mb(),
                    used.host_processes,
                    cpu.process_memory_mb(host),
                    cpu.peak_memory_mb(host, memory_before),
                    open_calls(calls_before, calls),
                    None if calls is None else calls.front,
                )
            )

        def host_calls(self) -> HostCalls | None:
            """The calls in the workers; None for a host on another machine, or one that does not count them."""
            assert self.runner is not None
            return None if plan.host_pid is None else read_host_calls(str(self.runner.environment.host))

    def wait_for(condition: Callable[[], bool], *, until: float) -> list[int]:
        """
        Sleep until the condition holds or the time has come. Ends the process when the runner has ended.

        Returns by how many microseconds each sleep was too long: a request due in that time would have waited as long.
        """
        lags = []
        while not condition() and (left := until - now()) > 0:
            if os.getppid() != parent:  # nobody reads the records, and nobody would stop the load
                os._exit(1)
            asked, began = min(0.01, left), now()
            time.sleep(asked)
            lags.append(max(round((now() - began - asked) * 1e6), 0))
        return lags

    def give_up(error: Exception) -> None:
        """End the process: an exception in a user is a mistake of this file, and every further request repeats it."""
        traceback.print_exception(error)
        os._exit(1)
