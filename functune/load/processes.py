"""
The processes of a load: Locust alone, or Locust's master with the load processes that it leads.

They end with the process that started them: their fork server kills them on the way out, or when it is gone. Load
processes that the reader starts are asked to end by the master.
"""

import asyncio
import errno
import os
import signal
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from functune.environ import URL_KEY, child_environ, secret_environ, without_values
from functune.errors import LoadError
from functune.load.locust_process import LocustProcess, locust, locust_forks
from functune.load.plan_file import plan_variables
from functune.load.records import LoadPlan
from functune.load.runner_state import STATE_FILE, MasterState, read_state
from functune.load.worker_files import write_load_file

LOCUSTFILE = Path(__file__).with_name("locustfile.py")
"""The Locust file that needs nothing of functune."""
PLANNED_LOAD = Path(__file__).with_name("planned_load.py")
"""The one that runs a plan."""
STATE_POLL = 0.02
"""Seconds between two looks at the state of the master."""
PORT_WITHIN = 20.0
"""Seconds for Locust to be imported, and for the master to listen."""
TAIL_LINES, TAIL_BYTES = 20, 64 * 1024
"""The end of a log that a message shows: at most so many lines, of at most so many bytes."""


class LoadProcesses:
    """The processes of a load that this one has started."""

    def __init__(self, first: LocustProcess, log: Path) -> None:
        self.first = first
        """Locust alone, or the master."""
        self.senders: list[LocustProcess] = []
        """The load processes that the master leads."""
        self.log = log

    @property
    def state(self) -> MasterState | None:
        """What the master says; None for Locust alone."""
        return read_state(state_path(self.log))

    def lost(self) -> str | None:
        """The first load process that has ended, in words; None while all run."""
        for number, sender in enumerate(self.senders, 1):
            if sender.returncode is not None:
                name = f"load process {number} of {len(self.senders)} (pid {sender.pid})"
                return f"lost {name}, which ended by {ending_in_words(sender.returncode)},"
        return None

    @property
    def logs(self) -> list[Path]:
        """The logs of the processes, that of the master first."""
        return [self.log, *(sender_log(self.log, number) for number in range(1, len(self.senders) + 1))]


def ending_in_words(code: int) -> str:
    """How a process ended: ``SIGKILL``, or ``exit code 1``."""
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def state_path(log: Path) -> Path:
    """The file of the master's state, next to its log."""
    return log.with_name("master.json")


def sender_log(log: Path, number: int) -> Path:
    """The log of a load process, next to that of the master."""
    return log.with_name(f"load-process-{number}.log")


@asynccontextmanager
async def load_processes(
    plan: LoadPlan, *, base_url: str, key: str | None, records: Path, log: Path, is_check: bool = False
) -> AsyncIterator[LoadProcesses]:
    """
    The processes while they run the plan. They can be killed on the way out, since records are written after each step.

    A check of the requests is made by Locust alone. Raises LoadError when the master does not start, or its port is
    taken.
    """
    several = plan.senders > 1 or plan.workers > 0
    environ = load_environ(plan_variables(plan, log.parent), records=records, key=key, is_check=is_check)
    environ[STATE_FILE] = str(state_path(log))
    files = [str(PLANNED_LOAD), *([] if plan.locustfile is None else [str(own_file(plan))])]
    async with AsyncExitStack() as running:
        forks = running.enter_context(locust_forks())
        if is_check or not several:
            options = [*client_options(files), *run_options(base_url, log)]
            yield LoadProcesses(await running.enter_async_context(locust(forks, options, environ, log)), log)
            return
        if plan.workers:
            require_free_port(*plan.bind)
            files[0] = str(write_load_file(plan, log.parent))
        options = [*client_options(files), *run_options(base_url, log), *master_options(plan)]
        found = LoadProcesses(await running.enter_async_context(locust(forks, options, environ, log)), log)
        for number in range(1, (0 if plan.workers else plan.processes) + 1):
            port = await port_of(found, plan)
            options = [*client_options(files), *sender_options(port)]
            sender = locust(forks, options, environ, sender_log(log, number))
            found.senders.append(await running.enter_async_context(sender))
        yield found


def require_free_port(address: str, port: int) -> None:
    """Raise LoadError where another program listens. Locust, whose addresses have other forms too, refuses the rest."""
    try:
        socket.create_server((address.replace("*", ""), port)).close()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise LoadError(
                f"{address}:{port} is taken, where the load processes connect: end the program that listens there, "
                "such as another sweep, or name another address with --load-bind"
            ) from error


def load_environ(planned: Mapping[str, str], *, records: Path, key: str | None, is_check: bool) -> dict[str, str]:
    """The environment of the load, with the variables of its plan (``planned``) and its secrets."""
    secrets = secret_environ() | ({URL_KEY: key} if key else {})
    check = {"FUNCTUNE_LOAD_CHECK": "1"} if is_check else {}
    return child_environ({**planned, "FUNCTUNE_LOAD_RECORDS": str(records)} | secrets | check)


def client_options(files: list[str]) -> list[str]:
    """The options of every Locust process."""
    return ["--locustfile", ",".join(files), "--loglevel", "ERROR"]


def run_options(base_url: str, log: Path) -> list[str]:
    """The options of the process that runs the plan."""
    return [
        *("--host", base_url, "--headless", "--only-summary"),
        *("--json-file", str(log.with_name("statistics"))),  # otherwise Locust ends its log with tables
        *("--exit-code-on-error", "0"),  # failed requests are results; any other code means that Locust failed
    ]


def master_options(plan: LoadPlan) -> list[str]:
    """The options of the master: it listens where the reader asks, or on a free port of the loopback interface."""
    address, port = plan.bind if plan.workers else ("127.0.0.1", 0)
    return [
        *("--master", "--master-bind-host", address, "--master-bind-port", str(port)),
        *("--expect-workers", str(plan.senders)),
    ]


def sender_options(port: int) -> list[str]:
    """The options of a load process on this machine."""
    return ["--worker", "--master-host", "127.0.0.1", "--master-port", str(port)]


async def port_of(found: LoadProcesses, plan: LoadPlan) -> int:
    """The port of the master, as soon as it listens. Raises LoadError when it does not."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + PORT_WITHIN
    while (state := found.state) is None:
        if found.first.returncode is not None or clock() > deadline:
            said = "\n".join(last_lines(found.log)) or "it logged nothing"
            cause = f"Locust's master did not listen within {PORT_WITHIN:g} s: {said}"
            raise LoadError(without_values(cause, plan.secrets))
        await asyncio.sleep(STATE_POLL)
    return state.port


def last_lines(log: Path) -> list[str]:
    """The last lines of a log. Its size has no limit: the users of a Locust file may print for each request."""
    with log.open("rb") as file:
        file.seek(max(file.seek(0, os.SEEK_END) - TAIL_BYTES, 0))
        return file.read().decode(errors="replace").splitlines()[-TAIL_LINES:]


def own_file(plan: LoadPlan) -> Path:
    """The Locust file of the plan."""
    return (Path(plan.folder) / str(plan.locustfile)).resolve()
