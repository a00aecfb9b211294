"""
The load as a Locust user: a closed loop without think time, every request stamped with the time it was sent.

Without a plan it is an ordinary locustfile that needs nothing but Locust, for distributed runs and Azure Load Testing:

    FUNCTUNE_ROUTE='/api/async/sleep?ms=100' locust -f locustfile.py --headless -H http://127.0.0.1:7071 -u 64 -r 64

functune/load/runner.py starts it with a plan in FUNCTUNE_LOAD_PLAN: then it steps through the plan's numbers of
users in one run and records every request. Importing Locust patches the standard library for gevent (time.sleep lets
other users run), so no other file imports it.
"""

# Locust ships its types, but not for what is called here.
# mypy: allow-untyped-calls

import gc
import os
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from locust import FastHttpUser, LoadTestShape, constant, events, task
from locust.contrib.fasthttp import LocustUserAgent
from locust.exception import ResponseError, StopTest

ROUTE = os.environ.get("FUNCTUNE_ROUTE", "/api/health")
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


def now() -> float:
    """Epoch seconds with the precision of perf_counter; never set back while the load runs."""
    return EPOCH + time.perf_counter()


# Else FastHttpUser makes of an error status an exception with a transcript, which fails, and leaves the request
# unreported, where the body is not UTF-8. Which status is an error is decided below.
LocustUserAgent.valid_response_codes = frozenset(range(1000))


class AppUser(FastHttpUser):
    """
    A closed-loop client with one connection of its own, which neither keeps cookies nor follows redirects nor retries.

    With 16 users on a trivial server a request costs about 240 microseconds of the generator's core, where the bare
    client inside FastHttpUser costs 160; in return it is what a Locust user knows and can extend.
    """

    wait_time = constant(0)
    concurrency = 1
    connection_timeout = TIMEOUT
    network_timeout = TIMEOUT
    max_redirects = 0
    max_retries = 0
    insecure = False  # check certificates, which Locust does not unless told to

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self.client.client.cookiejar = None  # the cookie of a load balancer would keep a user on one instance

    @task
    def call(self) -> None:
        """Send one request; FastHttpUser reports it to Locust."""
        in_flight[self] = began = now()
        headers = HEADERS | {"x-sent-at": f"{began:.6f}"}
        context = {"began": began, "user": self}
        try:
            with self.client.get(ROUTE, headers=headers, context=context, catch_response=True) as response:
                del in_flight[self]
                status = response.status_code  # 0 when no answer came
                if status and not 200 <= status < 300:
                    response.failure(ResponseError(f"HTTP {status}"))
        finally:  # a user stopped while its request runs must not stay listed
            in_flight.pop(self, None)
        if not status:
            time.sleep(PAUSE_AFTER_NO_ANSWER)


if "FUNCTUNE_LOAD_PLAN" in os.environ:
    from functune.load import cpu
    from functune.load.recorder import Recorder
    from functune.load.records import StepEnd, read_plan

    plan = read_plan(os.environ["FUNCTUNE_LOAD_PLAN"])
    recorder = Recorder(Path(os.environ["FUNCTUNE_LOAD_RECORDS"]))
    parent = os.getppid()
    events.request.add_listener(recorder.record)
    # Locust and what it imports are some 100 000 objects that no collection needs to look at again.
    events.test_start.add_listener(lambda **_: gc.freeze())
    events.user_error.add_listener(lambda exception, **_: give_up(exception))
    events.spawning_complete.add_listener(lambda **_: recorder.begin_step(now()))

    class Steps(LoadTestShape):
        """One step after another, all in a single tick: Locust asks once a second, too coarse for a step."""

        def tick(self) -> None:
            """Run the plan, and end the run by giving no further users."""
            runner = self.runner
            assert runner is not None  # Locust sets it before it asks
            for users in plan.users:
                runner.start(users, spawn_rate=users)  # all at once
                self.measure(users)

        def measure(self, users: int) -> None:
            """Sleep through the warm-up and the window, then have the step written."""
            wait_for(lambda: recorder.began is not None, until=now() + plan.settle_limit)
            began = recorder.began
            if began is None:
                raise StopTest(f"{users} users did not start within {plan.settle_limit:g} s")
            host = cpu.host_processes(plan.host_pid)
            warm = began + plan.warm_up
            wait_for(lambda: now() >= warm, until=warm)
            wait_for(lambda: len(recorder.settled) >= users, until=warm + plan.settle_limit)
            opened, before = now(), cpu.read(host)
            wait_for(lambda: False, until=opened + plan.measure)
            closed, unfinished = now(), tuple(in_flight.values())
            used = cpu.shares(before, cpu.read(host), host_is_here=plan.host_pid is not None)
            recorder.end_step(StepEnd(users, began, opened, closed, unfinished, used.generator, used.host, used.other))

    def wait_for(condition: Callable[[], bool], *, until: float) -> None:
        """Sleep until the condition holds or the time has come. Ends the process when the runner is gone."""
        while not condition() and now() < until:
            if os.getppid() != parent:  # nobody reads the records, and nobody would stop the load
                os._exit(1)
            time.sleep(min(0.01, max(until - now(), 0)))

    def give_up(error: Exception) -> None:
        """End the process: what a user raises is no failed request but a mistake, which every further one repeats."""
        traceback.print_exception(error)
        os._exit(1)
