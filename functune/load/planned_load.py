"""
The load of a plan, as Locust runs it: one step after another in one run, with every request recorded.

functune/load/processes.py starts it with FUNCTUNE_LOAD_PLAN, the file of a plan: it steps through the plan's numbers of
users, or rates of arrivals. With FUNCTUNE_LOAD_CHECK it sends each request of the plan once instead. A plan with a
Locust file of its own has that file's users call the app.
"""

# Locust ships types, but not for the functions called here.
# mypy: allow-untyped-calls

import functools
import gc
import math
import os
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent  # type: ignore[import-untyped]
from locust import LoadTestShape, events, task
from locust.clients import HttpSession
from locust.contrib.fasthttp import FastHttpSession
from locust.exception import StopTest
from locust.runners import MasterRunner, WorkerRunner

from functune.environ import without_values
from functune.experiments.request_source import OutgoingRequest, own_seed
from functune.load import cpu
from functune.load.arrivals import Arrivals
from functune.load.host_window import HostWindow
from functune.load.load_follower import LoadFollower
from functune.load.load_master import LoadMaster
from functune.load.locustfile import (
    CALLED_ROUTE,
    PAUSE_AFTER_NO_ANSWER,
    AppUser,
    Client,
    in_flight,
    now,
    pending,
    think_times,
)
from functune.load.recorder import Recorder, error_name
from functune.load.records import CheckedRequest, StepEnd, plan_digest, read_plan
from functune.load.request_check import excerpt, note_answer, request_label
from functune.load.requests import source_of
from functune.load.runner_state import STATE_FILE, MasterState, write_state

CHECK_SECONDS = 3.0
"""Seconds that the users of a Locust file run to show that their requests succeed."""

plan = read_plan(Path(os.environ["FUNCTUNE_LOAD_PLAN"]).read_bytes())
recorder = Recorder(Path(os.environ.get("FUNCTUNE_LOAD_RECORDS", os.devnull)))
parent = os.getppid()
is_check = "FUNCTUNE_LOAD_CHECK" in os.environ
follower: LoadFollower | None = None
master: LoadMaster | None = None
# Locust and its imports are some 100 000 objects that no garbage collection needs to visit again.
events.test_start.add_listener(lambda **_: gc.freeze())
events.user_error.add_listener(lambda exception, **_: give_up(exception))
events.init.add_listener(lambda runner, **_: take_role(runner))

AppUser.is_open_loop = bool(plan.arrival_rates)
AppUser.think_time = plan.think_time


def take_role(runner: Any) -> None:
    """Prepare for the part of this process: to send all requests, or those of one of several, or to lead them."""
    global follower, master
    if isinstance(runner, MasterRunner):
        port: int = runner.server.port
        state = Path(os.environ[STATE_FILE])
        master = LoadMaster(runner, plan, recorder, state=state, now=now, wait_for=wait_for)
        events.spawning_complete.add_listener(lambda **_: recorder.begin_step(now()))

        def note_connected(**_: Any) -> None:
            write_state(state, MasterState(port=port, connected=len(runner.clients) + 1))

        events.worker_connect.add_listener(note_connected)
        write_state(state, MasterState(port=port, connected=0))
        wait_for(lambda: len(runner.clients.ready) >= plan.senders, until=math.inf)  # Locust looks once a second
        return
    place = (0, 1)
    if isinstance(runner, WorkerRunner):
        place = (runner.worker_index, plan.senders)
        follower = LoadFollower(
            runner,
            recorder,
            plan=plan_digest(plan),
            arrivals=start_arrivals(place),
            in_flight=in_flight,
            backlog=lambda: pending.queue,
            now=now,
            wait_for=wait_for,
            background="Background",
        )
        gevent.spawn(follower.end_with_master)
    else:
        events.spawning_complete.add_listener(lambda **_: recorder.begin_step(now()))
    think_times.seed(own_seed(1, place))
    prepare_source(place)


def prepare_source(place: tuple[int, int]) -> None:
    """Prepare the requests of the plan."""
    source = source_of(plan.requests, folder=Path(plan.folder), environ=os.environ, seed=plan.seed, place=place)
    AppUser.source = source if plan.requests else None


def start_arrivals(place: tuple[int, int] = (0, 1)) -> Arrivals:
    """The arrivals of this process; none are due before a step begins."""
    arrivals = Arrivals(own_seed(plan.seed, place), put=pending.put, now=now)
    if plan.arrival_rates:
        gevent.spawn(arrivals.run)
    return arrivals


def noting_start(send: Callable[..., Any]) -> Callable[..., Any]:
    """A client's method that lists its request as in flight while it runs."""

    @functools.wraps(send)
    def noted(*args: Any, **keywords: Any) -> Any:
        user = gevent.getcurrent()
        in_flight[user] = now()
        try:
            return send(*args, **keywords)
        finally:
            in_flight.pop(user, None)

    return noted


def record_journey(
    *, request_type: str, name: str, start_time: float, context: dict[str, Any], **keywords: Any
) -> None:
    """Record a request of the reader's users, each of which runs in a greenlet of its own."""
    if "background" not in context:
        began = now() - (time.time() - start_time)
        label = request_label(request_type, name)
        known = {"began": began, "sent": began, "user": gevent.getcurrent(), "name": label}
        recorder.record(context=known, **keywords)


if plan.locustfile is not None:  # its users take the place of ours
    AppUser.abstract = True
    for session in (HttpSession, FastHttpSession):
        setattr(session, "request", noting_start(session.request))  # noqa: B010 - mypy refuses the assignment
    events.request.add_listener(record_journey)
else:
    events.request.add_listener(recorder.record)

if plan.background is not None and plan.background_users and not is_check:

    class Background(Client):
        """Calls the background route without a pause; its requests are not recorded."""

        fixed_count = plan.background_users

        @task
        def call(self) -> None:
            """Send one request."""
            if not self.send(str(plan.background), now(), {"background": True}).status_code:
                time.sleep(PAUSE_AFTER_NO_ANSWER)


class Steps(LoadTestShape):
    """One step after another, all in a single tick: Locust asks once a second, too coarse for a step."""

    def tick(self) -> None:
        """Run the plan, and end the run by giving no further users."""
        if is_check:
            try:
                self.check()
            except Exception as error:  # Locust would log it and end with exit code 0
                give_up(error)
            return
        if master is not None:
            master.meet()
        if plan.arrival_rates:
            self.run_open_loop()
            return
        for users in plan.users:
            self.start(users)
            self.measure(users)

    def check(self) -> None:
        """Send each request once and write its answer; a Locust file's users run until they show enough."""
        runner = self.runner
        assert runner is not None  # Locust sets it before it asks
        if plan.locustfile is None:
            AppUser.host = runner.environment.host
            user = AppUser(runner.environment)
            each_once = [] if AppUser.source is None else AppUser.source.each_once()
            recorder.write([sent_once(user, one) for one in each_once] or [sent_once(user, None)])
            return
        answered: dict[str, CheckedRequest] = {}
        events.request.add_listener(functools.partial(note_answer, answered, plan.secrets))
        users = len(runner.user_classes)
        runner.start(users, spawn_rate=users)
        wait_for(lambda: any(one.error for one in answered.values()), until=now() + CHECK_SECONDS)
        wait_for(lambda: bool(answered), until=now() + plan.timeout)
        recorder.write(list(answered.values()))

    def run_open_loop(self) -> None:
        """Run a step for every rate of arrivals, all sent by the same users."""
        [users] = plan.users
        arrivals = start_arrivals() if master is None else None
        self.start(users)
        for rate in plan.arrival_rates:
            if arrivals is not None:
                arrivals.begin(rate)
            recorder.begin_step(now())
            self.measure(users, rate=rate, arrivals=arrivals)

    def start(self, users: int) -> None:
        """Start this many users at once, together with those of the background."""
        runner = self.runner
        assert runner is not None  # Locust sets it before it asks
        recorder.began = None
        every = users + plan.background_users
        runner.start(every, spawn_rate=every)
        wait_for(lambda: recorder.began is not None, until=now() + plan.settle_limit)
        if recorder.began is None or (master is not None and runner.user_count != every):
            raise StopTest(f"{users} users did not start within {plan.settle_limit:g} s")

    def measure(self, users: int, *, rate: float | None = None, arrivals: Arrivals | None = None) -> None:
        """Sleep through the warm-up and the window, then have the step written."""
        began = recorder.began
        assert began is not None
        if master is not None:
            master.measure(users, began=began, rate=rate)
            return
        assert self.runner is not None
        host = HostWindow(plan, str(self.runner.environment.host))
        warm = began + plan.warm_up
        wait_for(lambda: now() >= warm, until=warm)
        if rate is None:
            wait_for(lambda: len(recorder.settled) >= users, until=warm + plan.settle_limit)
        host.open()
        opened = now()
        lags = wait_for(lambda: False, until=opened + plan.measure)
        calls = host.calls()  # before the window closes: other users run while this one waits for the answer
        closed, unfinished = now(), (*in_flight.values(), *pending.queue)
        fields = host.close(calls)
        recorder.end_step(
            StepEnd(
                users,
                began,
                opened,
                closed,
                unfinished,
                arrival_rate=rate,
                arrivals=() if arrivals is None else arrivals.between(opened, closed),
                lags_us=tuple(lags),
                generator_rss_mb=cpu.own_memory_mb(),
                **fields,
            )
        )


def sent_once(user: AppUser, one: OutgoingRequest | None) -> CheckedRequest:
    """The answer to one request before the load; None calls the one route."""
    began = now()
    noted: dict[str, Exception | None] = {}

    def note(*, exception: Exception | None, **_: Any) -> None:
        noted["exception"] = exception

    events.request.add_listener(note)
    response = user.send_planned(one, began, {"background": True})
    events.request.remove_listener(note)
    error = error_name(response, noted["exception"])
    name = CALLED_ROUTE if one is None else one.kind.name
    shown = f"GET {CALLED_ROUTE}" if one is None else one.kind.shown
    return CheckedRequest(name, shown, error, now() - began, excerpt(response, plan.secrets))


def wait_for(condition: Callable[[], bool], *, until: float) -> list[int]:
    """
    Sleep until the condition holds or the time has come. Ends the process when its parent has ended: its fork server,
    or the shell of the reader.

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
    if follower is not None:
        said = "".join(traceback.format_exception(error))
        follower.fail(without_values(said, plan.secrets))
    os._exit(1)
