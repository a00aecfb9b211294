"""Outbound calls: single, in sequence, and concurrent."""

import asyncio
import logging
import time
from collections.abc import Mapping
from contextlib import nullcontext
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import azure.functions as func

from blueprints.answers import ProblemError, label
from blueprints.fetch_request import (
    TIMEOUT_MS,
    URLS_SETTING,
    FetchRequest,
    fetch_settings,
    request_from_body,
    request_from_settings,
)
from blueprints.handlers import Body, async_handler, sync_handler
from blueprints.invocations import Invocation
from blueprints.outbound import (
    Fetched,
    FetchError,
    FetchTimeoutError,
    async_client,
    fetch_async,
    fetch_sync,
    own_async_client,
    own_sync_client,
    sync_client,
)
from blueprints.parameters import ChoiceParameter
from blueprints.targets import AllowList, parse_url

if TYPE_CHECKING:
    import httpx

CLIENT = ChoiceParameter("client", ("shared", "own"))

logger = logging.getLogger(__name__)

blueprint = func.Blueprint()  # type: ignore[no-untyped-call]


@blueprint.route("api/sync/fetch", methods=["GET"])
@sync_handler
def sync_fetch(req: func.HttpRequest, invocation: Invocation) -> Body:
    """Make one outbound call on this thread, with the client that all threads share; ``client=own`` creates one."""
    name, url, allowed = _requested_url(req)
    own = CLIENT.from_query(req.params.get("client")) == "own"
    try:
        with own_sync_client() if own else nullcontext(sync_client()) as client:
            fetched = fetch_sync(client, url, allowed, TIMEOUT_MS.default)
    except FetchError as error:
        raise _gateway_problem(url, error) from error
    return _fetched("def", name, fetched, invocation)


@blueprint.route("api/async/fetch", methods=["GET"])
@async_handler
async def async_fetch(req: func.HttpRequest, invocation: Invocation) -> Body:
    """Make one outbound call on the event loop, with the client all coroutines share; ``client=own`` creates one."""
    name, url, allowed = _requested_url(req)
    own = CLIENT.from_query(req.params.get("client")) == "own"
    try:
        async with own_async_client() if own else nullcontext(async_client()) as client:
            fetched = await fetch_async(client, url, allowed, TIMEOUT_MS.default)
    except FetchError as error:
        raise _gateway_problem(url, error) from error
    return _fetched("async def", name, fetched, invocation)


@blueprint.route("api/parallel-fetch", methods=["GET", "POST"])
@async_handler
async def parallel_fetch(req: func.HttpRequest, invocation: Invocation) -> Body:
    """Fetch all urls concurrently, at most ``maxConcurrency`` at a time; a failed one does not fail the others."""
    return await _fetch_all(req, invocation, one_by_one=False)


@blueprint.route("api/sequential-fetch", methods=["GET", "POST"])
@async_handler
async def sequential_fetch(req: func.HttpRequest, invocation: Invocation) -> Body:
    """Fetch the same urls in sequence, for comparison; ``maxConcurrency`` is checked but has no effect."""
    return await _fetch_all(req, invocation, one_by_one=True)


async def _fetch_all(req: func.HttpRequest, invocation: Invocation, *, one_by_one: bool) -> Body:
    settings = fetch_settings()
    if req.method == "POST":
        request = request_from_body(req.get_body(), settings.allowed)
    else:
        request = request_from_settings(settings)
    started = time.perf_counter()
    results = await gather_results(request, settings.allowed, 1 if one_by_one else request.max_concurrency)
    elapsed_ms = (time.perf_counter() - started) * 1000
    sequential_ms = sum(result["elapsedMs"] for result in results.values())
    return {
        "results": results,
        "elapsedMs": round(elapsed_ms, 3),
        "sequentialMs": round(sequential_ms, 3),
        "speedup": round(sequential_ms / elapsed_ms, 3),
        "handler": "async def",
        "worker": invocation.worker(),
    }


async def gather_results(request: FetchRequest, allowed: AllowList, max_concurrency: int) -> dict[str, dict[str, Any]]:
    """
    Fetch every url of ``request``, at most ``max_concurrency`` at a time. Returns a result for each label.

    A result is ``{"status", "bytes", "elapsedMs"}`` or ``{"error", "elapsedMs"}``. ``elapsedMs`` does not include the
    wait for a turn, so its sum is the time of a sequential fetch.
    """
    # Before the clock starts: creating the client takes longer than many calls.
    client = async_client()
    turns = asyncio.Semaphore(max_concurrency)
    seconds: dict[str, float] = {}

    async def fetch(name: str, url: "httpx.URL") -> Fetched:
        async with turns:
            started = time.perf_counter()
            try:
                return await fetch_async(client, url, allowed, request.timeout_ms)
            finally:
                seconds[name] = time.perf_counter() - started

    calls = [fetch(name, url) for name, url in request.urls.items()]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    return {
        name: {**_result(outcome), "elapsedMs": round(seconds[name] * 1000, 3)}
        for name, outcome in zip(request.urls, outcomes, strict=True)
    }


def _result(outcome: Fetched | BaseException) -> dict[str, Any]:
    match outcome:
        case Fetched(status, size):
            return {"status": status, "bytes": size}
        case FetchError():
            return {"error": str(outcome)}
        case Exception():
            # A fault in this app. It fails one url only, as documented, and the log has the traceback.
            logger.error("unexpected error while fetching", exc_info=outcome)
            return {"error": f"unexpected {type(outcome).__name__}; see the log of the worker"}
    raise outcome  # cancelled, or the interpreter is shutting down


def _requested_url(req: func.HttpRequest) -> "tuple[str, httpx.URL, AllowList]":
    """The label and url that were requested, or else the first of FETCH_URLS, and the hosts that may be called."""
    text = req.params.get("url")
    asked = {} if text is None else {label(text): parse_url(text, named="url")}
    settings = fetch_settings()
    urls = asked or settings.urls
    if not urls:
        raise ProblemError(
            HTTPStatus.BAD_REQUEST,
            "url is missing; give an absolute http or https url, or set the app setting "
            f"{URLS_SETTING} to the url to fetch by default",
        )
    name, url = next(iter(urls.items()))
    settings.allowed.require(url)
    return name, url, settings.allowed


def _gateway_problem(url: "httpx.URL", error: FetchError) -> ProblemError:
    status = HTTPStatus.GATEWAY_TIMEOUT if isinstance(error, FetchTimeoutError) else HTTPStatus.BAD_GATEWAY
    return ProblemError(status, f"host {url.netloc.decode('ascii')}: {error}")


def _fetched(handler: str, name: str, fetched: Fetched, invocation: Invocation) -> Mapping[str, Any]:
    return {
        "url": name,
        "status": fetched.status,
        "bytes": fetched.bytes,
        "elapsedMs": invocation.elapsed_ms(),
        "handler": handler,
        "worker": invocation.worker(),
    }
