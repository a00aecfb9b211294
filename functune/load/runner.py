"""
Starts Locust in a process of its own and yields each step as it finishes.

The load always ends by itself: Locust ends with its plan, and is killed when this process ends, when it takes longer
than its plan allows, or when its steps are no longer read here.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from functune.environ import without_values
from functune.errors import LoadError
from functune.formatting import plural
from functune.load.locust_process import LocustProcess
from functune.load.processes import last_lines, load_processes
from functune.load.records import CheckedRequest, LoadPlan, RecordReader, Request, StepEnd
from functune.load.runner_state import MasterState

POLL = 0.1
"""Seconds between two looks at the records and at the process."""
START_AND_STOP = 20.0
"""Seconds Locust may take beyond its plan to import, start and end; on an idle machine it needs about one."""
WORKERS_WITHIN = 600.0
"""Seconds in which the load processes that the reader starts have to connect."""
CHECK_TIMEOUT = 30.0
"""Seconds for the answer to a request that is sent before the load."""


async def checked_requests(
    plan: LoadPlan, *, base_url: str, key: str | None = None, answer_within: float = CHECK_TIMEOUT
) -> list[CheckedRequest]:
    """
    Send each request of the plan once and return the answers; each has ``answer_within`` seconds.

    The users of a Locust file run for some seconds instead. Raises LoadError as ``finished_steps`` does.
    """
    plan = msgspec.structs.replace(plan, timeout=answer_within)
    limit = (max(len(plan.requests), 1) + 1) * answer_within + START_AND_STOP
    with TemporaryDirectory(prefix="functune-load-") as folder:
        records, log = Path(folder) / "records.jsonl", Path(folder) / "locust.log"
        checking = load_processes(plan, base_url=base_url, key=key, records=records, log=log, is_check=True)
        async with checking as processes:
            process = processes.first
            await exits_within(limit, process)
            if process.returncode != 0:
                ended = process.returncode
                cause = f"did not end in {limit:g} s" if ended is None else f"ended with exit code {ended}"
                raise LoadError(failure(f"{cause} while it sent each request once", plan, base_url, processes.logs))
        lines = records.read_bytes().splitlines() if records.exists() else []
        return [msgspec.json.decode(line, type=CheckedRequest) for line in lines]


async def finished_steps(
    plan: LoadPlan,
    *,
    base_url: str,
    key: str | None = None,
    start_and_stop: float = START_AND_STOP,
    workers_within: float = WORKERS_WITHIN,
) -> AsyncGenerator[tuple[StepEnd, list[Request]]]:
    """
    Run the plan against ``base_url`` and yield each step, as soon as it is over, with the requests that ended in it.

    ``key`` is sent as ``x-functions-key``; it goes to Locust by environment and into no file.

    Close the generator (``contextlib.aclosing``) to end the load early. Raises LoadError, with the last lines of
    Locust's log, when Locust fails, takes ``start_and_stop`` seconds longer than its plan allows, or ends too soon,
    when a load process is lost, and when those that the reader starts do not connect in ``workers_within`` seconds.
    """
    steps = 0
    with TemporaryDirectory(prefix="functune-load-") as folder:
        records = RecordReader(Path(folder) / "records.jsonl")
        log = Path(folder) / "locust.log"
        clock = asyncio.get_running_loop().time
        allowed = plan.seconds_at_most + start_and_stop
        deadline = clock() + allowed + (workers_within if plan.workers else 0.0)
        is_waiting = plan.workers > 0
        running = load_processes(plan, base_url=base_url, key=key, records=records.path, log=log)
        async with running as processes:
            while processes.first.returncode is None:
                await exits_within(POLL, processes.first)
                lost = processes.lost()  # before its last records are read
                for step in records.finished_steps():
                    steps += 1
                    yield step
                if processes.senders and steps == plan.steps:  # Locust would take a second to end them all
                    return
                if lost is not None:
                    raise LoadError(
                        failure(f"{lost} after {steps_in_words(steps, plan)}", plan, base_url, processes.logs)
                    )
                if is_waiting and (state := processes.state) is not None and state.is_started:
                    is_waiting, deadline = False, clock() + allowed
                if clock() > deadline:
                    cause = not_connected(plan, processes.state, workers_within) if is_waiting else late(start_and_stop)
                    raise LoadError(failure(cause, plan, base_url, processes.logs))
        if processes.first.returncode or steps < plan.steps:
            cause = f"ended with exit code {processes.first.returncode} after {steps_in_words(steps, plan)}"
            raise LoadError(failure(cause, plan, base_url, processes.logs))


def steps_in_words(steps: int, plan: LoadPlan) -> str:
    """``2 of 3 steps``."""
    return f"{steps} of {plan.steps} steps"


def late(seconds: float) -> str:
    """The cause of a failure: Locust runs on."""
    return f"had not ended {seconds:g} s after its plan"


def not_connected(plan: LoadPlan, state: MasterState | None, seconds: float) -> str:
    """The cause of a failure: load processes that the reader starts are missing."""
    connected = 0 if state is None else state.connected
    address, port = plan.bind
    return (
        f"waited {seconds:g} s for {plural(plan.workers, 'load process')} at {address}:{port}, "
        f"and {connected} connected: start them with the commands that were printed, and look there for their messages"
    )


async def exits_within(seconds: float, process: LocustProcess) -> None:
    """Return when the process has exited, after ``seconds`` at the latest."""
    try:
        async with asyncio.timeout(seconds):
            await process.wait()
    except TimeoutError:
        return


def failure(cause: str, plan: LoadPlan, base_url: str, logs: Sequence[Path]) -> str:
    """The message of a LoadError: the cause, the route and the last lines of Locust's logs."""
    lines: list[str] = []
    for log in logs:
        try:
            lines += last_lines(log)
        except OSError as error:  # the temporary folder was removed, which must not hide the cause
            lines.append(f"cannot be read: {error}")
    said = "\n  ".join(["; the end of its log:", *lines]) if lines else "; it logged nothing"
    return without_values(f"the load generator calling {plan.route} at {base_url} {cause}{said}", plan.secrets)
