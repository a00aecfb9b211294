"""The calls that a probe sends: sleeping ones of the showcase, or the reader's own request."""

from typing import Any, NamedTuple, Protocol

import httpx

from functune.errors import LoadError
from functune.probe.report import Configured

_LONGEST_SLEEP_MS = 8_000
_SLEEP_ROUTE = "/sync/sleep"
_PROBE_ROUTE = "/concurrency-probe"


class ProbeRequest(NamedTuple):
    """One request as it is sent."""

    method: str
    route: str
    """Path and query, below the base URL."""
    headers: dict[str, str]
    body: bytes | None = None

    def __str__(self) -> str:
        """Method and path, without the query and the headers, which may contain secrets."""
        path = self.route.partition("?")[0]
        return path if self.method == "GET" else f"{self.method} {path}"


class ProbeTarget(Protocol):
    """What a probe calls."""

    @property
    def is_stretched(self) -> bool:
        """Whether the calls of a wave can be made as long as its size needs."""

    def request(self, size: int, factor: int) -> ProbeRequest:
        """A call of a wave of ``size`` calls, which take ``factor`` times as long as those of its first try."""

    def can_take(self, size: int, factor: int) -> bool:
        """Whether a wave can be repeated with this factor."""


class ShowcaseTarget:
    """The sleeping ``def`` handler of the showcase."""

    is_stretched = True

    def request(self, size: int, factor: int) -> ProbeRequest:
        """
        A sleep so long that the last call of a wave arrives while the first still sleeps, with 8 ms for each call.
        """
        return ProbeRequest("GET", f"{_SLEEP_ROUTE}?ms={self._sleep_ms(size, factor)}", {})

    def can_take(self, size: int, factor: int) -> bool:
        """Whether the sleep is short enough."""
        return self._sleep_ms(size, factor) <= _LONGEST_SLEEP_MS

    def _sleep_ms(self, size: int, factor: int) -> int:
        return max(40, 8 * size) * factor


class RequestTarget:
    """A request of any app, which takes as long as it takes."""

    is_stretched = False

    def __init__(self, request: ProbeRequest) -> None:
        self._request = request

    def request(self, size: int, factor: int) -> ProbeRequest:
        """The request."""
        return self._request

    def can_take(self, size: int, factor: int) -> bool:
        """A wave is repeated once."""
        return factor <= 2


def showcase_base(url: httpx.URL) -> httpx.URL:
    """The URL with the route prefix of the showcase, unless it has a path."""
    return url if url.path.strip("/") else url.copy_with(path="/api")


async def configured_by_showcase(client: httpx.AsyncClient) -> Configured:
    """The counts that the concurrency probe of the showcase reports. Raises LoadError where there is no showcase."""
    answer = await answer_of(client, ProbeRequest("GET", _PROBE_ROUTE, {}), size=1)
    try:
        report = answer.json()
    except ValueError as error:
        raise LoadError(f"{_PROBE_ROUTE} did not answer JSON; {_is_it_the_showcase(client)}") from error
    if not isinstance(report, dict):
        raise LoadError(f"{_PROBE_ROUTE} did not answer a JSON object; {_is_it_the_showcase(client)}")
    try:
        pool, processes = report["threadPool"], report["workerProcesses"]
        return Configured(pool["maxWorkers"], pool["source"], processes["effective"])
    except (KeyError, TypeError) as error:
        raise LoadError(
            f"{_PROBE_ROUTE} lacks {error}, which the current version has; {_is_it_the_showcase(client)}"
        ) from error


def _is_it_the_showcase(client: httpx.AsyncClient) -> str:
    """The end of an error about an answer that the showcase does not give."""
    return f"is {client.base_url} the showcase? For another app, name a route to call with --route"


async def configured_by_host(client: httpx.AsyncClient) -> Configured:
    """The counts that the local host of functune reports; unknown for any other host."""
    try:
        answer = await client.get(client.base_url.copy_with(path="/admin/host/status"))
        status: Any = answer.json() if answer.status_code == 200 else None
    except (httpx.HTTPError, ValueError):  # no host of Functions, or none that is open to this key
        return Configured()
    workers = status.get("workers") if isinstance(status, dict) else None
    if not isinstance(workers, dict):
        return Configured()
    return Configured(workers.get("threads"), workers.get("threadsSource"), workers.get("configured"))


async def answer_of(client: httpx.AsyncClient, request: ProbeRequest, *, size: int) -> httpx.Response:
    """The answer to one call of a wave of ``size`` calls. Raises LoadError unless it is a success."""
    try:
        answer = await client.request(request.method, request.route, headers=request.headers, content=request.body)
    except httpx.TimeoutException as error:
        raise LoadError(
            f"{request} did not answer within {client.timeout.read:g} s in a wave of {size} calls at once; choose a "
            "smaller --largest-wave, or a route that takes less"
        ) from error
    except httpx.HTTPError as error:
        raise LoadError(
            f"{client.base_url} cannot be reached: {type(error).__name__}: {error}. Is the host running?"
        ) from error
    if answer.status_code in {401, 403}:
        raise LoadError(f"{request} answered {answer.status_code}: give a function key with --key")
    if not answer.is_success:
        hint = f"; {_is_it_the_showcase(client)}" if request.route == _PROBE_ROUTE else ""
        raise LoadError(f"{request} answered {answer.status_code}, not 200{hint}")
    return answer
