"""
A load process of several: sends its share of the requests as Locust's master asks, and hands over what it recorded.

Runs inside a Locust worker. Its times are on its own clock; the master knows the offset.
"""

import itertools
import os
import time
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from functune.load import cpu
from functune.load.arrivals import Arrivals
from functune.load.load_messages import (
    CLOCK,
    FAILED,
    RECORDS,
    RECORDS_AT_A_TIME,
    SETTLED,
    STEP,
    STEP_PART,
    WINDOW,
    close_when_sent,
    machine_id,
)
from functune.load.recorder import Recorder
from functune.load.records import StepPart

MASTER_SILENT = 10.0
"""Seconds without a sign of the master after which the load ends; Locust itself waits for a minute."""


class LoadFollower:
    """Listens to the master. ``backlog`` gives the due times of the arrivals that nobody has taken yet."""

    def __init__(
        self,
        runner: Any,
        recorder: Recorder,
        *,
        plan: str,
        arrivals: Arrivals,
        in_flight: dict[object, float],
        backlog: Callable[[], Iterable[float]],
        now: Callable[[], float],
        wait_for: Callable[..., list[int]],
        background: str,
    ) -> None:
        self.runner = runner
        self.recorder = recorder
        self.plan = plan
        """The digest of the plan."""
        self.arrivals = arrivals
        self.in_flight = in_flight
        self.backlog = backlog
        self.now = now
        self.wait_for = wait_for
        self.background = background
        runner.register_message(CLOCK, self.answer_clock)
        runner.register_message(STEP, self.begin_step, concurrent=True)
        runner.register_message(WINDOW, self.measure, concurrent=True)

    @property
    def users(self) -> int:
        """The users that run here, without those of the background."""
        return sum(count for name, count in self.runner.user_classes_count.items() if name != self.background)

    def answer_clock(self, msg: Any, **_: Any) -> None:
        """Say what the clock shows."""
        answer = {"sent": msg.data["sent"], "at": self.now(), "pid": os.getpid(), "machine": machine_id()}
        self.runner.send_message(CLOCK, answer | {"plan": self.plan})

    def begin_step(self, msg: Any, **_: Any) -> None:
        """Take part in a step; of an open loop with the share of its arrivals that its connections are of all."""
        self.recorder.begin_step(msg.data["began"])
        users = self.users
        if msg.data["rate"] is not None:
            self.arrivals.begin(msg.data["rate"] * users / msg.data["users"])
            return
        self.wait_for(lambda: len(self.recorder.settled) >= users, until=msg.data["settle_until"])
        if len(self.recorder.settled) >= users:
            self.runner.send_message(SETTLED, {})

    def measure(self, msg: Any, **_: Any) -> None:
        """Note the window and hand over the step."""
        opened, closed = msg.data["opened"], msg.data["closed"]
        self.wait_for(lambda: False, until=opened)
        before = cpu.read([])
        lags = self.wait_for(lambda: False, until=closed)
        after = cpu.read([])
        requests, unfinished = self.recorder.taken(), (*self.in_flight.values(), *self.backlog())
        for some in itertools.batched(requests, RECORDS_AT_A_TIME, strict=False):
            self.runner.send_message(RECORDS, {"lines": msgspec.json.Encoder().encode_lines(some)})
        part = StepPart(
            len(requests),
            self.users,
            unfinished,
            self.arrivals.between(opened, closed),
            tuple(lags),
            (after.generator - before.generator) / (after.at - before.at),
            cpu.own_memory_mb(),
        )
        self.runner.send_message(STEP_PART, {"part": msgspec.json.encode(part)})

    def fail(self, said: str) -> None:
        """Say to the master why this process ends, and let the message leave."""
        self.runner.send_message(FAILED, {"said": said})
        close_when_sent(self.runner.client)

    def end_with_master(self) -> None:
        """End the process when the master has been silent for too long: nobody else would stop the load."""
        while True:
            time.sleep(1)
            seen = self.runner.last_heartbeat_timestamp
            if seen is not None and time.time() - seen > MASTER_SILENT:
                os._exit(1)
