"""
The master of several load processes: says when a step begins and when its window opens and closes, checks their
clocks, and merges what they recorded on its own clock.

Runs inside Locust's master, which sends no requests itself.
"""

import functools
import os
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from functune.load.clock_check import ClockCheck, RoundTrip, clock_check, during_step
from functune.load.host_window import HostWindow
from functune.load.load_messages import (
    CLOCK,
    FAILED,
    RECORDS,
    SETTLED,
    STEP,
    STEP_PART,
    WINDOW,
    close_when_sent,
    machine_id,
)
from functune.load.recorder import Recorder
from functune.load.records import LoadPlan, Request, StepEnd, StepPart, plan_digest
from functune.load.runner_state import MasterState, write_state
from functune.run.measurement import LoadProcess

ROUND_TRIPS = 10
"""Messages for one check of a clock; a few suffice, since the shortest round trip counts."""
LEAD = 0.1
"""Seconds from the message about a window to its opening; one that comes later shortens nothing but its CPU times."""
GREET_EVERY = 0.25
"""Seconds after which a load process that has not answered yet is asked again."""
ANSWER_WITHIN = 20.0
"""Seconds for a load process to answer."""


class LoadMaster:
    """
    Leads the load processes of a plan.

    A load process that is lost ends the run with a message that names it: its part of the load is missing, and Locust
    would go on without it.
    """

    def __init__(
        self,
        runner: Any,
        plan: LoadPlan,
        recorder: Recorder,
        *,
        state: Path,
        now: Callable[[], float],
        wait_for: Callable[..., list[int]],
    ) -> None:
        self.runner = runner
        self.plan = plan
        self.recorder = recorder
        self.state = state
        self.now = now
        self.wait_for = wait_for
        self.clients: list[str] = []
        """The load processes of the run, by their number."""
        self.known: dict[str, tuple[int, bool]] = {}
        """The pid of each, and whether it runs on this machine."""
        self.trips: defaultdict[str, list[RoundTrip]] = defaultdict(list)
        self.clocks: dict[str, ClockCheck] = {}
        self.settled: set[str] = set()
        self.requests: defaultdict[str, list[Request]] = defaultdict(list)
        self.parts: dict[str, StepPart] = {}
        self.decoder = msgspec.json.Decoder(Request)
        for name, listener in (
            (CLOCK, self.take_clock),
            (SETTLED, lambda msg, **_: self.settled.add(msg.node_id)),
            (RECORDS, self.take_records),
            (STEP_PART, self.take_part),
            (FAILED, lambda msg, **_: self.fail(f"{self.name(msg.node_id)} ended:\n{msg.data['said']}")),
        ):
            runner.register_message(name, listener)

    def meet(self) -> None:
        """Wait for all load processes, and check their clocks while they have nothing else to do."""
        wanted = self.plan.senders
        self.wait_for(lambda: self.runner.worker_count >= wanted, until=self.now() + ANSWER_WITHIN)
        self.clients = sorted(self.runner.clients, key=self.runner.get_worker_index)
        if len(self.clients) != wanted:
            self.fail(f"{len(self.clients)} load processes are connected, and the load is planned for {wanted}")
        if any(self.runner.get_worker_index(client) >= wanted for client in self.clients):  # two have the same rows
            self.fail("a load process has come and gone before the load began: start the missing ones again")
        write_state(self.state, MasterState(port=self.runner.server.port, connected=wanted, is_started=True))
        self.greet()
        self.clocks = self.checked_clocks()

    def greet(self) -> None:
        """Ask all for their clocks until each has answered: one that has just connected may not listen yet."""
        until = self.now() + ANSWER_WITHIN
        while self.now() < until and not all(map(self.trips.get, self.clients)):
            for client in self.clients:
                if not self.trips[client]:
                    self.runner.send_message(CLOCK, {"sent": self.now()}, client_id=client)
            self.wait(lambda: all(map(self.trips.get, self.clients)), until=self.now() + GREET_EVERY)
        self.require(lambda client: bool(self.trips[client]), "did not answer")

    def name(self, client: str) -> str:
        """A load process as a message shows it."""
        number = self.runner.get_worker_index(client) + 1
        pid, is_here = self.known.get(client, (None, True))
        where = "" if is_here else " on another machine"
        return f"load process {number} of {self.plan.senders}" + ("" if pid is None else f" (pid {pid}{where})")

    def fail(self, cause: str) -> None:
        """End all load processes and this one."""
        print(cause, file=sys.stderr, flush=True)
        self.runner.send_message("quit")
        close_when_sent(self.runner.server)
        os._exit(1)

    def wait(self, condition: Callable[[], bool], *, until: float) -> None:
        """Wait for a condition, and end when a load process is lost meanwhile."""

        def holds() -> bool:
            here = {client.id for client in self.runner.clients.values() if client.state != "missing"}
            if self.clients and here - set(self.clients):
                self.fail(f"another load process has connected, and the load is planned for {self.plan.senders}")
            for client in self.clients:
                if client not in here:
                    self.fail(f"{self.name(client)} was lost: it sent no sign of life for some seconds")
            return condition()

        self.wait_for(holds, until=until)

    def require(self, having: Callable[[str], bool], what: str) -> None:
        """Wait until something holds for every load process. Ends the run for the first that is too late."""
        self.wait(lambda: all(map(having, self.clients)), until=self.now() + ANSWER_WITHIN)
        for client in self.clients:
            if not having(client):
                self.fail(f"{self.name(client)} {what} within {ANSWER_WITHIN:g} s")

    def checked_clocks(self) -> dict[str, ClockCheck]:
        """The offset of every clock now."""
        self.trips.clear()
        for number in range(1, ROUND_TRIPS + 1):
            self.runner.send_message(CLOCK, {"sent": self.now()})
            answered = functools.partial(self.has_answered, number)
            self.require(answered, "answered no clock check")
        return {client: clock_check(self.trips[client]) for client in self.clients}

    def has_answered(self, number: int, client: str) -> bool:
        """Whether a load process has answered that many messages of this clock check."""
        return len(self.trips[client]) >= number

    def take_clock(self, msg: Any, **_: Any) -> None:
        """Note the answer to a clock check."""
        self.trips[msg.node_id].append(RoundTrip(msg.data["sent"], msg.data["at"], self.now()))
        if msg.data["plan"] != plan_digest(self.plan):
            self.fail(
                f"{self.name(msg.node_id)} was started for another load: let it end, and start it with the command "
                "that was printed"
            )
        self.known[msg.node_id] = msg.data["pid"], msg.data["machine"] == machine_id()

    def take_records(self, msg: Any, **_: Any) -> None:
        """Keep requests of a load process until its part is complete."""
        self.requests[msg.node_id] += self.decoder.decode_lines(msg.data["lines"])

    def take_part(self, msg: Any, **_: Any) -> None:
        """Keep the part of a load process."""
        self.parts[msg.node_id] = msgspec.json.decode(msg.data["part"], type=StepPart)

    def begin_step(self, began: float, *, users: int, rate: float | None) -> None:
        """Say to all load processes that a step has begun, each on its own clock."""
        self.settled.clear()
        self.parts.clear()
        self.requests.clear()
        settle_until = began + self.plan.warm_up + self.plan.settle_limit
        for client in self.clients:
            offset = self.clocks[client].offset
            data = {"began": began + offset, "settle_until": settle_until + offset, "users": users, "rate": rate}
            self.runner.send_message(STEP, data, client_id=client)

    def measure(self, users: int, *, began: float, rate: float | None = None) -> None:
        """Wait through the warm-up and the window, then write the step with everything that was sent in it."""
        self.begin_step(began, users=users, rate=rate)
        host = HostWindow(self.plan, str(self.runner.environment.host))
        warm = began + self.plan.warm_up
        self.wait(lambda: self.now() >= warm, until=warm)
        if rate is None:
            self.wait(lambda: len(self.settled) >= len(self.clients), until=warm + self.plan.settle_limit)
        opened = self.now() + LEAD
        closed = opened + self.plan.measure
        for client in self.clients:
            offset = self.clocks[client].offset
            window = {"opened": opened + offset, "closed": closed + offset}
            self.runner.send_message(WINDOW, window, client_id=client)
        self.wait(lambda: False, until=opened)
        host.open()
        self.wait(lambda: False, until=closed)
        fields = host.close(host.calls())
        self.require(lambda client: client in self.parts, "did not hand over its requests")
        self.write(StepEnd(users, began, opened, closed, (), **fields), rate=rate)

    def write(self, step: StepEnd, *, rate: float | None) -> None:
        """Merge the parts of all load processes into one step on the clock of this process, and write it."""
        after = self.checked_clocks()
        clocks = {client: during_step(self.clocks[client], after[client]) for client in self.clients}
        self.clocks = after
        requests: list[Request] = []
        unfinished: list[float] = []
        arrivals: list[float] = []
        for client in self.clients:
            part, offset = self.parts[client], clocks[client].offset
            if len(self.requests[client]) != part.requests:
                had = len(self.requests[client])
                self.fail(f"{self.name(client)} handed over {had} of its {part.requests} requests")
            requests += [on_another_clock(each, -offset) for each in self.requests[client]]
            unfinished += [moment for each in part.unfinished if (moment := each - offset) <= step.closed]
            arrivals += [each - offset for each in part.arrivals]
        processes = [self.described(client, clocks[client]) for client in self.clients]
        here = sum(each.cores for each in processes if each.is_here)
        parts = [self.parts[client] for client in self.clients]
        merged = msgspec.structs.replace(
            step,
            unfinished=tuple(unfinished),
            arrival_rate=rate,
            arrivals=tuple(sorted(arrivals)),
            lags_us=tuple(lag for part in parts for lag in part.lags_us),
            generator_cpu=(step.generator_cpu or 0.0) + here,
            other_cpu=None if step.other_cpu is None else max(step.other_cpu - here, 0.0),
            generator_rss_mb=max(part.rss_mb for part in parts),
            load_processes=tuple(processes),
        )
        self.recorder.write([*sorted(requests, key=lambda each: each.ended), merged])

    def described(self, client: str, clock: ClockCheck) -> LoadProcess:
        """A load process in the record of a step."""
        pid, is_here = self.known[client]
        return LoadProcess(
            number=self.runner.get_worker_index(client) + 1,
            pid=pid,
            is_here=is_here,
            users=self.parts[client].users,
            cores=self.parts[client].cores,
            clock_offset_us=clock.offset * 1e6,
            clock_bound_us=clock.bound * 1e6,
        )


def on_another_clock(request: Request, seconds: float) -> Request:
    """The request with its moments on a clock that is ahead by ``seconds``."""
    return msgspec.structs.replace(
        request,
        began=request.began + seconds,
        ended=request.ended + seconds,
        sent=None if request.sent is None else request.sent + seconds,
    )
