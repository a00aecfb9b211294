"""
The load as a Locust user: a closed loop, every request stamped with the time it was sent.

It is an ordinary locustfile that needs nothing but Locust, as in Azure Load Testing. It calls one route, or the
requests of a file next to it, for which request_source.py has to be there too:

    FUNCTUNE_ROUTE='/api/async/sleep?ms=100' locust -f locustfile.py --headless -H http://127.0.0.1:7071 -u 64 -r 64
    FUNCTUNE_REQUESTS=requests.json locust -f locustfile.py --headless -H http://127.0.0.1:7071 -u 64 -r 64

planned_load.py extends it for the loads of functune itself. Importing Locust patches the standard library for gevent
(time.sleep lets other users run), so no other file than these two imports it.
"""

# Locust ships types, but not for the functions called here.
# mypy: allow-untyped-calls

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gevent.queue import Queue  # type: ignore[import-untyped]
from locust import FastHttpUser, constant, task
from locust.exception import ResponseError

if TYPE_CHECKING:
    from functune.experiments.request_source import OutgoingRequest, RequestSource
    from functune.experiments.requests import ThinkTime

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


if REQUESTS is not None and "FUNCTUNE_LOAD_PLAN" not in os.environ:
    try:
        from functune.experiments.request_source import read_source
    except ImportError:  # functune is not installed there
        from request_source import read_source  # type: ignore[import-not-found, no-redef]

    AppUser.source = read_source(Path(__file__).with_name(REQUESTS), os.environ)
