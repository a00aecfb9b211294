"""
Wraps a function that returns a body into a handler that the runtime can call.

The runtime calls ``(req) -> HttpResponse``. It runs a ``def`` function on the thread pool and an ``async def`` function
on the event loop, so there is one decorator for each. Both count the invocation and turn a ProblemError into a
response. Any other exception reaches the runtime, which logs it and answers 500.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import azure.functions as func

from blueprints.answers import ProblemError, json_answer, problem_answer
from blueprints.invocations import Invocation

Body = Mapping[str, Any]

SYNC_FUNCTIONS: set[str] = set()
"""Names of the handlers that run on the thread pool."""


def sync_handler(
    handler: Callable[[func.HttpRequest, Invocation], Body],
) -> Callable[[func.HttpRequest], func.HttpResponse]:
    """Wrap a ``def`` handler, which the runtime calls on a thread of its pool."""
    name = handler.__name__
    SYNC_FUNCTIONS.add(name)

    def serve(req: func.HttpRequest) -> func.HttpResponse:
        with Invocation(name, req.headers.get("x-sent-at")) as invocation:
            try:
                return json_answer(handler(req, invocation))
            except ProblemError as problem:
                return problem_answer(problem)

    _take_name(serve, handler)
    return serve


def async_handler(
    handler: Callable[[func.HttpRequest, Invocation], Awaitable[Body]],
) -> Callable[[func.HttpRequest], Awaitable[func.HttpResponse]]:
    """Wrap an ``async def`` handler, which the runtime awaits on the worker's event loop."""
    name = handler.__name__

    async def serve(req: func.HttpRequest) -> func.HttpResponse:
        with Invocation(name, req.headers.get("x-sent-at")) as invocation:
            try:
                return json_answer(await handler(req, invocation))
            except ProblemError as problem:
                return problem_answer(problem)

    _take_name(serve, handler)
    return serve


def _take_name(serve: Callable[..., Any], handler: Callable[..., Any]) -> None:
    # Not functools.wraps: it would also expose the handler's second parameter, and the runtime refuses a function whose
    # parameters are not its bindings.
    serve.__name__ = handler.__name__
    serve.__qualname__ = handler.__qualname__
    serve.__doc__ = handler.__doc__
