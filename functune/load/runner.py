"""
Starts Locust in a process of its own and yields each step as it finishes.

The load always ends by itself: Locust ends with its plan, notices the end of this process, and is killed when it takes
longer than its plan allows or when its steps are no longer read here.
"""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from functune.environ import URL_KEY, child_environ, secret_environ, without_values
from functune.errors import LoadError
from functune.load.records import CheckedRequest, LoadPlan, RecordReader, Request, StepEnd

LOCUSTFILE = Path(__file__).with_name("locustfile.py")
POLL = 0.1
"""Seconds between two looks at the records and at the process."""
START_AND_STOP = 20.0
"""Seconds Locust may take beyond its plan to import, start and end; on an idle machine it needs about one."""
TAIL_LINES = 20


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
        async with locust(plan, base_url=base_url, key=key, records=records, log=log, is_check=True) as process:
            await exits_within(limit, process)
            if process.returncode != 0:
                ended = process.returncode
                cause = f"did not end in {limit:g} s" if ended is None else f"ended with exit code {ended}"
                raise LoadError(failure(f"{cause} while it sent each request once", plan, base_url, log))
        lines = records.read_bytes().splitlines() if records.exists() else []
        return [msgspec.json.decode(line, type=CheckedRequest) for line in lines]


async def finished_steps(
    plan: LoadPlan, *, base_url: str, key: str | None = None, start_and_stop: float = START_AND_STOP
) -> AsyncGenerator[tuple[StepEnd, list[Request]]]:
    """
    Run the plan against ``base_url`` and yield each step, as soon as it is over, with the requests that ended in it.

    ``key`` is sent as ``x-functions-key``; it goes to Locust by environment and into no file.

    Close the generator (``contextlib.aclosing``) to end the load early. Raises LoadError, with the last lines of
    Locust's log, when Locust fails, takes ``start_and_stop`` seconds longer than its plan allows, or ends too soon.
    """
    steps = 0
    with TemporaryDirectory(prefix="functune-load-") as folder:
        records = RecordReader(Path(folder) / "records.jsonl")
        log = Path(folder) / "locust.log"
        clock = asyncio.get_running_loop().time
        deadline = clock() + plan.seconds_at_most + start_and_stop
        async with locust(plan, base_url=base_url, key=key, records=records.path, log=log) as process:
            while process.returncode is None:
                await exits_within(POLL, process)
                for step in records.finished_steps():
                    steps += 1
                    yield step
                if clock() > deadline:
                    cause = f"had not ended {start_and_stop:g} s after its plan"
                    raise LoadError(failure(cause, plan, base_url, log))
        if process.returncode or steps < len(plan.users):
            cause = f"ended with exit code {process.returncode} after {steps} of {len(plan.users)} steps"
            raise LoadError(failure(cause, plan, base_url, log))


@asynccontextmanager
async def locust(
    plan: LoadPlan, *, base_url: str, key: str | None, records: Path, log: Path, is_check: bool = False
) -> AsyncIterator[Process]:
    """Locust while it runs the plan. It can be killed on the way out, since it writes its records after each step."""
    options = {
        "--locustfile": ",".join([str(LOCUSTFILE), *([] if plan.locustfile is None else [str(own_file(plan))])]),
        "--host": base_url,
        "--loglevel": "ERROR",
        "--json-file": str(log.with_name("statistics")),  # otherwise Locust ends its log with tables
        "--exit-code-on-error": "0",  # failed requests are results; any other code means that Locust failed
    }
    flags = ["--headless", "--only-summary"]
    # Locust also reads every flag from LOCUST_ variables, and from locust.conf and pyproject.toml where it starts.
    secrets = secret_environ() | ({URL_KEY: key} if key else {})
    environ = child_environ(
        plan_variables(plan, records) | secrets | ({"FUNCTUNE_LOAD_CHECK": "1"} if is_check else {})
    )
    with log.open("wb") as log_file:
        process = await asyncio.create_subprocess_exec(
            *[sys.executable, "-P", "-m", "locust", *flags],
            *[word for option in options.items() for word in option],
            stdin=DEVNULL,
            stdout=DEVNULL,
            stderr=log_file,
            cwd=log.parent,
            env={name: value for name, value in environ.items() if not name.startswith("LOCUST_")},
            start_new_session=True,  # Ctrl-C reaches only this process, which then ends Locust
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def own_file(plan: LoadPlan) -> Path:
    """The Locust file of the plan."""
    return (Path(plan.folder) / str(plan.locustfile)).resolve()


def plan_variables(plan: LoadPlan, records: Path) -> dict[str, str]:
    """The environment variables the locustfile reads."""
    return {
        "FUNCTUNE_ROUTE": plan.route,
        "FUNCTUNE_TIMEOUT": str(plan.timeout),
        "FUNCTUNE_LOAD_PLAN": msgspec.json.encode(plan).decode(),
        "FUNCTUNE_LOAD_RECORDS": str(records),
    }


async def exits_within(seconds: float, process: Process) -> None:
    """Return when the process has exited, after ``seconds`` at the latest."""
    try:
        async with asyncio.timeout(seconds):
            await process.wait()
    except TimeoutError:
        return


def failure(cause: str, plan: LoadPlan, base_url: str, log: Path) -> str:
    """The message of a LoadError: the cause, the route and the last lines of Locust's log."""
    try:
        lines = log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
    except OSError as error:  # the temporary folder was removed, which must not hide the cause
        lines = [f"cannot be read: {error}"]
    said = "\n  ".join(["; the end of its log:", *lines]) if lines else "; it logged nothing"
    return without_values(f"the load generator calling {plan.route} at {base_url} {cause}{said}", plan.secrets)
