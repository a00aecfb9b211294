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
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import Any

from geventhttpclient import HTTPClient
from locust import LoadTestShape, User, constant, events, task
from locust.exception import ResponseError, StopTest

ROUTE = os.environ.get("FUNCTUNE_ROUTE", "/api/health")
TIMEOUT = float(os.environ.get("FUNCTUNE_TIMEOUT", "60"))
"""Seconds until connected, and between two bytes, after which a request has failed."""
EPOCH = time.time() - time.perf_counter()
PAUSE_AFTER_NO_ANSWER = 0.1
"""Seconds a user waits when no answer came: a closed loop on a refusing port would only burn the core it shares."""

in_flight: dict[object, float] = {}
"""When each running request began, by user."""


def now() -> float:
    """Epoch seconds with the precision of perf_counter; never set back while the load runs."""
    return EPOCH + time.perf_counter()


class AppUser(User):
    """
    A closed-loop client with one connection of its own.

    It calls geventhttpclient itself, as FastHttpUser does inside, because the generator shares its cores with the host:
    against a trivial server one core sends twice as many requests a second as through FastHttpUser, which adds cookies,
    redirects and URL parsing to each.
    """

    wait_time = constant(0)

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        if self.host is None:
            raise StopTest("no host to call: give it with --host or LOCUST_HOST")
        self.client = HTTPClient.from_url(self.host, concurrency=1, connection_timeout=TIMEOUT, network_timeout=TIMEOUT)

    @task
    def call(self) -> None:
        """Send one request and report it to Locust."""
        body, status = b"", None
        error: Exception | None = None
        in_flight[self] = began = now()
        try:
            response = self.client.request("GET", ROUTE, headers={"x-sent-at": f"{began:.6f}"})
            body, status = response.read(), response.status_code
        except (OSError, HTTPException) as exception:
            error = exception
        finally:  # a user stopped while its request runs must not stay listed
            ended = now()
            del in_flight[self]
        if status is not None and not 200 <= status < 300:
            error = ResponseError(f"HTTP {status}")
        events.request.fire(
            request_type="GET",
            name=ROUTE,
            start_time=began,
            response_time=(ended - began) * 1000,
            response_length=len(body),
            response=body,
            exception=error,
            context={},
            user=self,
            status=status,
        )
        if status is None:
            time.sleep(PAUSE_AFTER_NO_ANSWER)


if "FUNCTUNE_LOAD_PLAN" in os.environ:
    from functune.load.recorder import Recorder
    from functune.load.records import StepEnd, read_plan

    plan = read_plan(os.environ["FUNCTUNE_LOAD_PLAN"])
    recorder = Recorder(Path(os.environ["FUNCTUNE_LOAD_RECORDS"]))
    parent = os.getppid()
    events.request.add_listener(recorder.record)
    # Locust and what it imports are some 100 000 objects that no collection needs to look at again.
    events.test_start.add_listener(lambda **_: gc.freeze())
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
            warm = began + plan.warm_up
            wait_for(lambda: now() >= warm, until=warm)
            wait_for(lambda: len(recorder.settled) >= users, until=warm + plan.settle_limit)
            opened, cpu = now(), time.process_time()
            wait_for(lambda: False, until=opened + plan.measure)
            closed, cpu = now(), time.process_time() - cpu
            recorder.end_step(StepEnd(users, began, opened, closed, tuple(in_flight.values()), cpu / (closed - opened)))

    def wait_for(condition: Callable[[], bool], *, until: float) -> None:
        """Sleep until the condition holds or the time has come. Ends the process when the runner is gone."""
        while not condition() and now() < until:
            if os.getppid() != parent:  # nobody reads the records, and nobody would stop the load
                os._exit(1)
            time.sleep(min(0.01, max(until - now(), 0)))
