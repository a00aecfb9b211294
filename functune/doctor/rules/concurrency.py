"""The requests that an instance admits, against the threads and processes that serve them."""

import ast
from collections.abc import Iterator

from functune.doctor.reading.inspected import InspectedApp
from functune.doctor.reading.settings import SettingPlace
from functune.doctor.reading.templates import BicepTemplate
from functune.doctor.rule import Rule, RuleCase
from functune.doctor.rules.host_json import CONCURRENT
from functune.formatting import plural
from functune.host.host_json import HOST_JSON
from functune.host.whole_numbers import parse_whole_number
from functune.setting import PROCESS_COUNT, THREAD_COUNT

_INSIDE = ("AsgiFunctionApp", "AsgiMiddleware", "WsgiFunctionApp", "WsgiMiddleware")
"""Classes of azure.functions that run a web framework inside of a function; its handlers are another kind."""


def functions_by_kind(app: InspectedApp) -> tuple[int, int]:
    """The ``def`` and the ``async def`` functions of the app."""
    kinds = [each.function.is_async for each in app.syntax.handlers if each.is_function]
    return kinds.count(False), kinds.count(True)


def hosts_framework(app: InspectedApp) -> bool:
    """Whether a web framework runs inside of a function."""
    return any(
        (node.attr if isinstance(node, ast.Attribute) else node.id) in _INSIDE
        for module in app.syntax.modules.by_name.values()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute | ast.Name)
    )


def counted(app: InspectedApp, name: str, file: str | None) -> SettingPlace | None:
    """Where a file sets a count to a number from 1; None where it does not."""
    for each in app.settings:
        number = parse_whole_number(each.value) if each.name == name and each.value else None
        if each.file == file and number is not None and number >= 1:
            return each
    return None


def count_in(app: InspectedApp, name: str, file: str | None) -> int | None:
    """That number."""
    place = counted(app, name, file)
    return None if place is None else parse_whole_number(place.value)


def is_threads_only(app: InspectedApp) -> bool:
    """Whether threads alone serve the app: every function is a ``def``, and no framework runs inside."""
    threads, coroutines = functions_by_kind(app)
    return threads > 0 and coroutines == 0 and not hosts_framework(app)


def flex_templates(app: InspectedApp) -> Iterator[BicepTemplate]:
    """The templates that describe one app on Flex Consumption."""
    return (each for each in app.templates if each.is_flex and each.scale_line() is not None)


def default_on_flex(app: InspectedApp) -> Iterator[RuleCase]:
    """A template that leaves the concurrency of an instance at 1."""
    for each in flex_templates(app):
        if not each.sets_concurrency:
            yield RuleCase(
                seen="scaleAndConcurrency sets no triggers.http.perInstanceConcurrency.",
                file=each.file,
                line=each.scale_line(),
            )


def concurrency_against_threads(app: InspectedApp) -> Iterator[RuleCase]:
    """Both are set in one template, and differ; threads alone serve the app."""
    for template in flex_templates(app):
        found = template.concurrency()
        threads = count_in(app, THREAD_COUNT, template.file)
        if found is None or found[0] is None or threads is None or not is_threads_only(app):
            continue
        concurrency, line = found[0], found[1]
        if concurrency > threads:
            yield RuleCase(
                seen=f"perInstanceConcurrency is {concurrency}, and {THREAD_COUNT} {threads}: "
                f"{plural(concurrency - threads, 'request')} can wait for a thread inside an instance.",
                file=template.file,
                line=line,
                remedy=f"Set {THREAD_COUNT} to {concurrency}, or perInstanceConcurrency to {threads}.",
            )
        elif concurrency < threads:
            yield RuleCase(
                seen=f"perInstanceConcurrency is {concurrency}, and {THREAD_COUNT} {threads}: "
                f"{plural(threads - concurrency, 'thread')} can never be used.",
                file=template.file,
                line=line,
                severity="note",
                remedy=f"Set {THREAD_COUNT} to {concurrency}, or raise perInstanceConcurrency and measure.",
            )


def limit_below_threads(app: InspectedApp) -> Iterator[RuleCase]:
    """maxConcurrentRequests of host.json below the threads and processes of local.settings.json."""
    limit = app.host.values.max_concurrent_requests if app.host.values else -1
    for file in dict.fromkeys(each.file for each in app.settings):
        threads, processes = count_in(app, THREAD_COUNT, file), count_in(app, PROCESS_COUNT, file) or 1
        if threads is None or not 1 <= limit < threads * processes or not is_threads_only(app):
            continue
        yield RuleCase(
            seen=f"maxConcurrentRequests is {limit}, and {plural(threads, 'thread')} in {plural(processes, 'process')} "
            f"({file}) serve {threads * processes} at a time.",
            file=HOST_JSON,
            line=app.host.line(*CONCURRENT),
        )


def threads_without_use(app: InspectedApp) -> Iterator[RuleCase]:
    """A thread count where no function runs on threads."""
    threads, coroutines = functions_by_kind(app)
    if threads or not coroutines or hosts_framework(app):
        return
    for each in app.settings:
        if each.name == THREAD_COUNT and each.value:
            yield RuleCase(
                seen=f"{THREAD_COUNT} is set, and each of the {plural(coroutines, 'function')} of the app is an "
                "async def.",
                file=each.file,
                line=each.line,
            )


CONCURRENCY_RULES = (
    Rule(
        id="flex-concurrency-default",
        family="concurrency",
        severity="warning",
        looks_for="a Flex Consumption template without `perInstanceConcurrency`",
        why="For Python the default is 1 on every instance size: each concurrent request starts an instance of its "
        "own, with a cold start and its own bill.",
        remedy="Measure with `functune tune ROUTE --for flex`, and set triggers.http.perInstanceConcurrency.",
        check=default_on_flex,
    ),
    Rule(
        id="concurrency-and-threads",
        family="concurrency",
        severity="warning",
        looks_for=f"a `perInstanceConcurrency` above or below `{THREAD_COUNT}` in one template, where every "
        "function is a `def`",
        why="Requests beyond the threads wait inside the instance, where the scale controller does not see them and "
        "their time is billed. Threads beyond the requests stay idle.",
        remedy="Set both to the same number.",
        check=concurrency_against_threads,
    ),
    Rule(
        id="http-limit-below-threads",
        family="concurrency",
        severity="warning",
        looks_for=f"a `maxConcurrentRequests` below `{THREAD_COUNT}` times `{PROCESS_COUNT}`, where every function "
        "is a `def`",
        why="The host admits fewer requests than there are threads: the others wait outside while threads are idle.",
        remedy="Raise maxConcurrentRequests to the number of threads, or set it to -1.",
        check=limit_below_threads,
    ),
    Rule(
        id="threads-without-use",
        family="concurrency",
        severity="note",
        looks_for=f"a `{THREAD_COUNT}` in an app whose functions are all `async def`",
        why="These threads run `def` functions only. asyncio.to_thread uses the pool of the event loop, which the "
        "setting does not change.",
        remedy="Remove it; the requests that an instance admits limit an async app.",
        check=threads_without_use,
    ),
)
