"""Calls that block or break the event loop of an ``async def`` handler."""

import re
from collections.abc import Iterable, Iterator

from functune.doctor.reading.inspected import InspectedApp
from functune.doctor.rule import Rule, RuleCase
from functune.doctor.rules.blocking_calls import computes_long, instead_of
from functune.doctor.syntax.handlers import AppHandler
from functune.doctor.syntax.reach import Reached
from functune.formatting import plural

_NEW_LOOP = re.compile(r"asyncio\.(run|Runner\(\)\.run|(get_event_loop|new_event_loop)\(\)\.run_until_complete)")
_TO_THREAD = "await asyncio.to_thread(function, …)"


def remedy_of(reached: Reached, instead: str) -> str:
    """What to do about a blocking call: in a ``def`` function of the app nothing can be awaited."""
    function = reached.site.function
    if not function.is_async:
        thread = f"Run {function.name} in a thread: await asyncio.to_thread({function.name}, …)"
        return f"{thread}. Or make it an async def: {instead[0].lower()}{instead[1:]}." if instead else f"{thread}."
    return (
        f"{instead}, or move the call to a thread: {_TO_THREAD}." if instead else f"Move it to a thread: {_TO_THREAD}."
    )


def on_the_loop(app: InspectedApp) -> Iterator[tuple[Reached, str]]:
    """Each call of a library that runs on the event loop of the worker and is not awaited, with its symbol."""
    yield from not_awaited(app, (each for each in app.syntax.handlers if each.shares_loop))


def not_awaited(app: InspectedApp, handlers: Iterable[AppHandler]) -> Iterator[tuple[Reached, str]]:
    """Each call of a library in ``async def`` handlers that is not awaited, with its symbol."""
    for handler in handlers:
        if handler.function.is_async:
            for reached in app.syntax.run(handler):
                if isinstance(reached.site.target, str) and not reached.site.is_awaited:
                    yield reached, reached.site.target


def by_place(found: Iterable[tuple[Reached, str]]) -> Iterator[tuple[Reached, str, str]]:
    """One of the calls at each place, its symbol, and the handlers that reach it in words."""
    places: dict[tuple[object, ...], list[tuple[Reached, str]]] = {}
    for reached, symbol in found:
        places.setdefault((*reached.place, symbol), []).append((reached, symbol))
    for several in places.values():
        reached, symbol = min(several, key=lambda pair: len(pair[0].through))
        others = len({id(each.handler) for each, _ in several}) - 1
        more = f", and from {plural(others, 'other handler')}" if others else ""
        yield reached, symbol, f"{reached.path}{more}"


def blocking_on_the_loop(app: InspectedApp) -> Iterator[tuple[Reached, str]]:
    """Those calls that wait, with their symbols."""
    return (pair for pair in on_the_loop(app) if instead_of(pair[1]) is not None)


def blocking_calls(app: InspectedApp) -> Iterator[RuleCase]:
    """Calls that wait without awaiting."""
    for reached, symbol, path in by_place(blocking_on_the_loop(app)):
        file, line = reached.place
        written = "" if reached.site.written == symbol else f", called as `{reached.site.written}`,"
        yield RuleCase(
            seen=f"{readable(symbol)}{written} runs on the event loop, in {path}.",
            file=file,
            line=line,
            remedy=remedy_of(reached, instead_of(symbol) or ""),
        )


def computing_calls(app: InspectedApp) -> Iterator[RuleCase]:
    """Calls that compute long by design."""
    for reached, symbol, path in by_place(pair for pair in on_the_loop(app) if computes_long(pair[1])):
        file, line = reached.place
        yield RuleCase(seen=f"{readable(symbol)} computes on the event loop, in {path}.", file=file, line=line)


def loops_on_the_loop(app: InspectedApp) -> Iterator[RuleCase]:
    """A second event loop where one runs already."""
    for reached, symbol, path in by_place(
        pair for pair in not_awaited(app, app.syntax.handlers) if _NEW_LOOP.fullmatch(pair[1])
    ):
        file, line = reached.place
        yield RuleCase(seen=f"{readable(symbol)} is called while an event loop runs, in {path}.", file=file, line=line)


def loops_per_call(app: InspectedApp) -> Iterator[RuleCase]:
    """An event loop for each call of a ``def`` handler."""

    def found(handler: AppHandler) -> Iterator[tuple[Reached, str]]:
        for reached in app.syntax.run(handler):
            target = reached.site.target
            if isinstance(target, str) and _NEW_LOOP.fullmatch(target):
                yield reached, target

    handlers = [each for each in app.syntax.handlers if each.kind == "call" and not each.function.is_async]
    for reached, symbol, path in by_place(pair for handler in handlers for pair in found(handler)):
        file, line = reached.place
        yield RuleCase(seen=f"{readable(symbol)} makes an event loop in each call of {path}.", file=file, line=line)


def nested_loops(app: InspectedApp) -> Iterator[RuleCase]:
    """nest_asyncio, anywhere in the app."""
    for module in app.syntax.modules.by_name.values():
        for each in module.imports:
            if each.name.partition(".")[0] == "nest_asyncio" and not app.syntax.modules.is_own("nest_asyncio"):
                yield RuleCase(seen="The app imports nest_asyncio.", file=module.file, line=each.line)
                break


def readable(symbol: str) -> str:
    """A symbol for a sentence: without the marks of the calls that led to it."""
    return symbol.replace("()", "").replace("[]", "")


BLOCKING_RULES = (
    Rule(
        id="blocking-call",
        family="blocking",
        severity="error",
        looks_for="a call that waits without `await` and runs on the event loop: in an `async def` handler, or in a "
        "function of the app that it calls",
        why="A worker process has one event loop. While the call waits, no other async call of the process goes on, so "
        "it serves one such request at a time, whatever its settings.",
        remedy=f"Use the async client of the library, or move the call to a thread: {_TO_THREAD}.",
        check=blocking_calls,
    ),
    Rule(
        id="loop-in-loop",
        family="blocking",
        severity="error",
        looks_for="`asyncio.run` or `run_until_complete` within an `async def` handler",
        why="The event loop of the worker already runs, and Python raises RuntimeError for a second one on the thread.",
        remedy="Await the coroutine.",
        check=loops_on_the_loop,
    ),
    Rule(
        id="loop-per-call",
        family="blocking",
        severity="note",
        looks_for="`asyncio.run` or `run_until_complete` within a `def` handler",
        why="Each call makes and closes an event loop, and no async client can be shared between calls, since a client "
        "belongs to one loop.",
        remedy="Make the handler an `async def`, and await the coroutine.",
        check=loops_per_call,
    ),
    Rule(
        id="nest-asyncio",
        family="blocking",
        severity="warning",
        looks_for="an import of nest_asyncio",
        why="It raises ValueError for the loop of uvloop, which workers have from Python 3.13 on. On other loops a "
        "nested call goes on only after those nested later, so calls of one process wait for each other.",
        remedy="Await the coroutine instead of running it inside of the loop.",
        check=nested_loops,
    ),
    Rule(
        id="computing-on-loop",
        family="blocking",
        severity="note",
        looks_for="a call that takes long to compute by design, such as `bcrypt.hashpw`, on the event loop",
        why="Nothing else runs on the event loop meanwhile.",
        remedy=f"Move it to a thread: {_TO_THREAD}. These functions release the GIL.",
        check=computing_calls,
    ),
)
