"""Which process and thread served a call, from its answer."""

from typing import Any, Literal, NamedTuple

import httpx

from functune.timing.header import INSTANCE, SERVER_TIMING, WORKER, Kind, parse

type SightingSource = Literal["local host", "times file", "showcase"]
"""What names the worker: a header of the local host or of functune_times.py, or a field in the showcase's answers."""


class ServingWorker(NamedTuple):
    """A worker process. Processes of two instances may have the same number."""

    instance: str
    """Empty where the answer does not name it."""
    pid: int


class Sighting(NamedTuple):
    """Who served one call."""

    worker: ServingWorker
    thread: int
    source: SightingSource
    kind: Kind | None = None
    """Whether the handler is ``def`` or ``async def``; None where the answer does not say."""
    in_turn: bool = True
    """Whether the host uses its workers in turn, as one of Azure Functions does; others leave the choice to chance."""
    service: float | None = None
    """Seconds from the handler's first line to its end; None where the answer does not say."""


def sighting(answer: httpx.Response) -> Sighting | None:
    """Who served the call of an answer; None for an answer that does not name its worker."""
    report = parse(answer.headers.get(WORKER), answer.headers.get(SERVER_TIMING))
    if report is None:
        return _from_body(answer)
    instance, _, server = answer.headers.get(INSTANCE, "").partition(";server=")
    return Sighting(
        ServingWorker(instance, report.pid),
        report.thread,
        "times file" if report.wait is None else "local host",  # only a host in front knows the wait
        kind=report.kind,
        in_turn=report.wait is not None or server == "functions",
        service=None if report.service is None else report.service / 1e6,
    )


def _from_body(answer: httpx.Response) -> Sighting | None:
    try:
        document: Any = answer.json()
    except ValueError:
        return None
    worker = document.get("worker") if isinstance(document, dict) else None
    match worker:
        case {"pid": int(pid), "thread": int(thread)}:
            return Sighting(ServingWorker("", pid), thread, "showcase")
    return None
