"""What a run or a start of the app shows."""

from collections.abc import Iterator

import msgspec

from functune.app_service.generated import MULTIWORKERS, WEB_CONCURRENCY, WORKER_NUMBER
from functune.doctor.finding import Severity
from functune.doctor.reading.evidence import LimitCase
from functune.doctor.reading.inspected import InspectedApp
from functune.doctor.rule import Rule, RuleCase
from functune.doctor.rules.blocking import blocking_on_the_loop, readable, remedy_of
from functune.doctor.rules.blocking_calls import instead_of
from functune.doctor.syntax.reach import Reached
from functune.formatting import duration, joined, number, plural
from functune.host.whole_numbers import parse_whole_number
from functune.setting import MAX_PROCESS_COUNT, PROCESS_COUNT

SLOW_IMPORT = 2.0
"""Seconds; a worker that imports little more than azure.functions needs a tenth of that on a slow core."""
ONE_AT_A_TIME = 1.5
"""Calls served at once by a process, in the middle between one and two."""


def held_loops(app: InspectedApp) -> Iterator[RuleCase]:
    """
    Handlers that hold the event loop most of the time; a line that waits for nothing computes.

    A run names the innermost function that waits, such as ``socket.recv_into``. Where the code of that line makes one
    blocking call, the case names it too, with the remedy for it.
    """
    blocking = dict[tuple[str | None, int | None], dict[str, Reached]]()
    for reached, symbol in blocking_on_the_loop(app):
        blocking.setdefault(reached.place, {})[symbol] = reached
    for case in limits_of_kind(app, "event_loop_blocked", "event_loop_busy"):
        computes = case.kind == "event_loop_busy" or case.state == "computes"
        found = place_of_limit(case, severity="warning" if computes else "error")
        calls = blocking.get((case.file, case.line), {}) if case.state == "waits" else {}
        yield with_call(found, *next(iter(calls.items()))) if len(calls) == 1 else found


def with_call(case: RuleCase, symbol: str, reached: Reached) -> RuleCase:
    """A case with the blocking call of its line."""
    return msgspec.structs.replace(
        case,
        seen=f"{case.seen} The call of that line is {readable(symbol)}.",
        remedy=remedy_of(reached, instead_of(symbol) or ""),
    )


def single_file(app: InspectedApp) -> Iterator[RuleCase]:
    """Handlers whose calls go one at a time: they queue for a lock, or for a pool with one place."""
    for case in limits_of_kind(app, "lock", "pool"):
        if case.at_once is not None and case.at_once < ONE_AT_A_TIME:
            yield place_of_limit(case, f" A worker process serves {number(case.at_once)} calls at a time.")


def full_pools(app: InspectedApp) -> Iterator[RuleCase]:
    """Handlers whose calls wait for a place in a pool that has several."""
    for case in limits_of_kind(app, "lock", "pool"):
        if case.kind == "pool" and case.at_once is not None and case.at_once >= ONE_AT_A_TIME:
            yield place_of_limit(case, f" A worker process serves {number(case.at_once)} calls at a time.")


def workers_against_memory(app: InspectedApp) -> Iterator[RuleCase]:
    """Worker processes that do not fit the memory of an instance."""
    if app.memory_mb is None:
        return
    processes = configured_processes(app)
    seen = []
    if app.run is not None and app.run.memory is not None:
        seen.append((app.run.memory.worker_mb, f"under load, with {app.run.memory.setting}"))
    if app.start is not None:
        seen.append((app.start.worker_mb, "idle"))
    if not seen or (worst := max(seen))[0] * processes <= app.memory_mb:
        return
    file, line = place_of_processes(app)
    yield RuleCase(
        seen=f"A worker process needs {number(worst[0])} MB ({worst[1]}); {plural(processes, 'process')} need "
        f"{number(worst[0] * processes)} MB, and an instance has {app.memory_mb} MB.",
        file=file,
        line=line,
    )


def slow_imports(app: InspectedApp) -> Iterator[RuleCase]:
    """An import of the app that takes long, with its longest parts."""
    if app.start is not None and app.start.import_seconds >= SLOW_IMPORT:
        parts = [f"{name} {duration(seconds)}" for name, seconds in app.start.imports]
        yield RuleCase(
            seen=f"The import of the app takes {duration(app.start.import_seconds)} here, of which {joined(parts)}, "
            "each with what it imports."
        )


def limits_of_kind(app: InspectedApp, *kinds: str) -> Iterator[LimitCase]:
    """The limits of some kinds."""
    return (case for case in (app.run.limits if app.run is not None else ()) if case.kind in kinds)


def place_of_limit(case: LimitCase, more: str = "", severity: Severity | None = None) -> RuleCase:
    """A limit as a case, at its line where one is known."""
    return RuleCase(seen=f"{case.subject}: {case.seen}.{more}", file=case.file, line=case.line, severity=severity)


def configured_processes(app: InspectedApp) -> int:
    """The worker processes of an instance: one on Flex Consumption, else as set; 1 where that is not known."""
    if app.app_service is not None:
        return app.app_service.decision.worker_count or 1
    place = app.counting.get(PROCESS_COUNT)
    count = parse_whole_number(place.value) if place is not None else None
    return 1 if app.plan == "flex" or count is None or not 1 <= count <= MAX_PROCESS_COUNT else count


def place_of_processes(app: InspectedApp) -> tuple[str | None, int | None]:
    """File and line that set the worker processes."""
    if app.app_service is not None and app.app_service.is_own:
        return app.app_service.place
    names = (PROCESS_COUNT,) if app.app_service is None else (WORKER_NUMBER, MULTIWORKERS, WEB_CONCURRENCY)
    found = next((place for name in names if (place := app.counting.get(name)) is not None), None)
    return (None, None) if found is None else (found.file, found.line)


MEASURED_RULES = (
    Rule(
        id="loop-held",
        family="measured",
        severity="error",
        looks_for="a handler that holds the event loop for most of the time: an error where it waits, a warning where "
        "it computes",
        why="A worker process has one event loop, and every other async call of the process waits meanwhile.",
        remedy="Await an async client, or move the call to a thread with asyncio.to_thread; move work that computes to "
        "another process.",
        needs="--run",
        check=held_loops,
    ),
    Rule(
        id="one-at-a-time",
        family="measured",
        severity="error",
        looks_for="a handler whose calls queue for a lock, or for a pool with one place",
        why="Neither threads nor concurrency add throughput while each call waits for the one before it.",
        remedy="Hold the lock for less of the call, or give the pool more places.",
        needs="--run",
        check=single_file,
    ),
    Rule(
        id="pool-full",
        family="measured",
        severity="warning",
        looks_for="a handler whose calls wait for a place in a pool, such as a connection pool or a semaphore",
        why="The size of the pool is the limit, and more threads only wait for it.",
        remedy="Give the pool as many places as calls run at a time, as far as the server behind it allows.",
        needs="--run",
        check=full_pools,
    ),
    Rule(
        id="memory",
        family="measured",
        severity="error",
        looks_for="worker processes that together need more than the memory given with `--memory`, or than that of the "
        "`--tier`",
        why="The platform ends an instance that exceeds its memory, with every call in progress.",
        remedy="Use fewer worker processes or a larger instance, or load less in each worker.",
        needs="--memory or --tier, with --run or --measure",
        check=workers_against_memory,
    ),
    Rule(
        id="slow-import",
        family="measured",
        severity="warning",
        looks_for=f"an import of the app that takes {SLOW_IMPORT:g} s or more on this machine",
        why="Every cold start and every further worker process waits for it.",
        remedy="Import what few requests need within the function that needs it.",
        needs="--measure",
        check=slow_imports,
    ),
)
