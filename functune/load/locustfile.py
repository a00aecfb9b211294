"""
The load as a Locust user: a closed loop, every request stamped with the time it was sent.

Without a plan it is an ordinary locustfile that needs nothing but Locust, as in Azure Load Testing. It calls one route,
or the requests of a file next to it, for which request_source.py has to be there too:

    FUNCTUNE_ROUTE='/api/async/sleep?ms=100' locust -f locustfile.py --headless -H http://127.0.0.1:7071 -u 64 -r 64
    FUNCTUNE_REQUESTS=requests.json locust -f locustfile.py --headless -H http://127.0.0.1:7071 -u 64 -r 64

functune/load/processes.py starts it with FUNCTUNE_LOAD_PLAN, the file of a plan: then it steps through the plan's
numbers of users, or rates of arrivals, in one run and records every request. With FUNCTUNE_LOAD_CHECK it sends each
request of the plan once instead. A plan with a Locust file of its own has that file's users call the app.

Importing Locust patches the standard library for gevent (time.sleep lets other users run), so no other file imports it.
"""

# Locust ships types, but not for the functions called here.
# mypy: allow-untyped-calls

from __future__ import annotations

import functools
import gc
import os
import random
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gevent  # type: ignore[import-untyped]
from gevent.queue import Queue  # type: ignore[import-untyped]
from locust import FastHttpUser, LoadTestShape, constant, events, task
from locust.clients import HttpSession
from locust.contrib.fasthttp import FastHttpSession
from locust.exception import ResponseError, StopTest
from locust.runners import MasterRunner, WorkerRunner

if TYPE_CHECKING:
    from functune.experiments.request_source import OutgoingRequest, RequestSource
    from functune.experiments.requests import ThinkTime
    from functune.load.records import CheckedRequest

CALLED_ROUTE = os.environ.get("FUNCTUNE_ROUTE", "/api/health")
REQUESTS = os.environ.get("FUNCTUNE_REQUESTS")
"""A file next to this one that lists the requests to send; unset to call one route, or those of a plan."""
TIMEOUT = float(os.environ.get("FUNCTUNE_TIMEOUT", "60"))
"""Seconds until connected, and between two bytes, after which a request has failed."""
KEY = os.environ.get("FUNCTUNE_KEY")
"""Function key, for an app that asks for one."""
HEADERS = {"Accept-Encoding": "identity", **({"x-functions-key": KEY} if KEY else {})}
EPOCH = time.time() - time.perf_counter()
PAUSE_AFTER_NO_ANSWER = 0.1
"""Seconds a user waits when no answer came: a closed loop on a refusing port would only burn the core it shares."""

CHECK_SECONDS = 3.0
"""Seconds that the users of a Locust file run to show that their requests succeed."""
EXCERPT = 300
"""Characters of an answer that a message shows."""

think_times = random.Random(1)
in_flight: dict[object, float] = {}
"""When each running request began, by user."""
pending: Queue[float] = Queue()
"""The due times of the arrivals of an open loop that no user has taken yet."""


def now() -> float:
    """Epoch seconds with the precision of perf_counter; never set back while the load runs."""
    return EPOCH + time.perf_counter()


def is_2xx(status: int) -> bool:
    """Whether a status is a success where the request does not say which statuses are."""
    return 200 <= status < 300


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
        # Otherwise FastHttpUser turns an error status into an exception with a transcript. That fails where the body is
        # not UTF-8, and the request is never reported. ``send`` decides which statuses are errors.
        self.client.client.valid_response_codes = frozenset(range(1000))  # type: ignore[misc]
        # Otherwise a GET whose connection ends is sent again, up to twice, and counts as one slow success. The size of
        # the pool, which has been made by now, only says how often.
        self.client.client.clientpool.get_client(str(self.client.base_url))._connection_pool.size = -1
        self.client.client.cookiejar = None  # the cookie of a load balancer would keep a user on one instance

    def send(
        self,
        path: str,
        sent: float,
        context: dict[str, Any],
        *,
        method: str = "GET",
        headers: dict[str, str] | None = None,
        body: Any = None,
        name: str | None = None,
        succeeds: Callable[[int], bool] = is_2xx,
    ) -> Any:
        """Send one request, which FastHttpUser reports to Locust; the response, with status 0 when no answer came."""
        every = {**HEADERS, "x-sent-at": f"{sent:.6f}", **(headers or {})}
        with self.client.request(
            method, path, name=name, data=body, headers=every, context=context, catch_response=True
        ) as response:
            in_flight.pop(self, None)
            status: int = response.status_code
            if status and not succeeds(status):
                response.failure(ResponseError(f"HTTP {status}"))
        return response


class AppUser(Client):
    """Sends one request after another: each as soon as the last is answered, or at the next arrival."""

    is_open_loop = False
    think_time: ThinkTime = 0.0
    source: RequestSource | None = None
    """The requests of the plan; None to call one route."""

    @task
    def call(self) -> None:
        """Send one request."""
        began = pending.get() if self.is_open_loop else now()
        in_flight[self] = began
        sent = now() if self.is_open_loop else began
        one = None if self.source is None else self.source.next()
        try:
            response = self.send_planned(one, sent, {"began": began, "sent": sent, "user": self})
        finally:  # a user stopped while its request runs must not stay listed
            in_flight.pop(self, None)
        pause = self.pause_after(one)
        if pause := pause if response.status_code else max(pause, PAUSE_AFTER_NO_ANSWER):
            time.sleep(pause)

    def send_planned(self, one: OutgoingRequest | None, sent: float, context: dict[str, Any]) -> Any:
        """Send one request of the plan; None calls the one route."""
        if one is None:
            return self.send(CALLED_ROUTE, sent, context)
        return self.send(
            one.path,
            sent,
            {**context, "name": one.kind.name},
            method=one.kind.method,
            headers=one.headers,
            body=one.body,
            name=one.kind.name,
            succeeds=one.kind.succeeds,
        )

    def pause_after(self, one: OutgoingRequest | None) -> float:
        """Seconds to wait after an answer; none where the arrivals decide when a request is sent."""
        if self.is_open_loop:
            return 0.0
        own = None if one is None else one.kind.think_time
        think_time = self.think_time if own is None else own
        return think_times.uniform(*think_time) if isinstance(think_time, (tuple, list)) else think_time

    def check(self, one: OutgoingRequest | None) -> CheckedRequest:
        """Send one request before the load."""
        sent = now()
        noted: dict[str, Exception | None] = {}

        def note(*, exception: Exception | None, **_: Any) -> None:
            noted["exception"] = exception

        events.request.add_listener(note)
        response = self.send_planned(one, sent, {"background": True})
        events.request.remove_listener(note)
        error = error_name(response, noted["exception"])
        name = CALLED_ROUTE if one is None else one.kind.name
        shown = f"GET {CALLED_ROUTE}" if one is None else one.kind.shown
        return CheckedRequest(name, shown, error, now() - sent, excerpt(response))


if REQUESTS is not None and "FUNCTUNE_LOAD_PLAN" not in os.environ:
    try:
        from functune.experiments.request_source import read_source
    except ImportError:  # functune is not installed there
        from request_source import read_source  # type: ignore[import-not-found, no-redef]

    AppUser.source = read_source(Path(__file__).with_name(REQUESTS), os.environ)

if "FUNCTUNE_LOAD_PLAN" in os.environ:
    from functune.environ import without_values
    from functune.experiments.request_source import own_seed
    from functune.load import cpu
    from functune.load.arrivals import Arrivals
    from functune.load.host_window import HostWindow
    from functune.load.load_follower import LoadFollower
    from functune.load.load_master import LoadMaster
    from functune.load.recorder import Recorder, error_name
    from functune.load.records import CheckedRequest, StepEnd, plan_digest, read_plan
    from functune.load.requests import source_of
    from functune.load.runner_state import STATE_FILE, MasterState, write_state

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
            label = f"{request_type} {name.partition('?')[0]}"  # the query may contain a key
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
                recorder.write([user.check(one) for one in each_once] or [user.check(None)])
                return
            answered: dict[str, CheckedRequest] = {}
            events.request.add_listener(functools.partial(note_answer, answered))
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

    def note_answer(
        answered: dict[str, CheckedRequest],
        *,
        request_type: str,
        name: str,
        response_time: float,
        response: Any,
        exception: Exception | None,
        **_: Any,
    ) -> None:
        """Note the first answer to each request of a Locust file, and the first failure."""
        label = f"{request_type} {name.partition('?')[0]}"
        if label not in answered or (exception is not None and answered[label].error is None):
            error = error_name(response, exception)
            answered[label] = CheckedRequest(label, label, error, response_time / 1000, excerpt(response))

    def excerpt(response: Any) -> str:
        """The first characters of an answer, without the values of the variables that the requests name."""
        said = (response.content or b"")[: 4 * EXCERPT].decode("utf-8", "replace")
        return " ".join(without_values(said, plan.secrets).split())[:EXCERPT]

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
        if follower is not None:
            said = "".join(traceback.format_exception(error))
            follower.fail(without_values(said, plan.secrets))
        os._exit(1)
