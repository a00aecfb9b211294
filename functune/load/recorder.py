"""Records the requests of a Locust run for the runner to read. Runs inside the Locust process, so it must be cheap."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec

from functune.load.records import CheckedRequest, Request, StepEnd
from functune.run.measurement import HOST_REFUSAL
from functune.timing.header import INSTANCE, SERVER_TIMING, WORKER, ReportedCall, parse

_SCALE_OUT = "x-function-scaleout"
"""A header that the host adds where it refuses a request itself (HttpThrottleMiddleware.cs)."""


class Headers(Protocol):
    """The headers of an answer."""

    def get(self, name: str) -> str | None:
        """The value of a header, its name in any case; None without it."""


class Response(Protocol):
    """The part of Locust's response that is read here."""

    @property
    def status_code(self) -> int:
        """0 when no answer came."""

    @property
    def headers(self) -> Headers | None:
        """The headers of the answer; None when no answer came."""


class Recorder:
    """Keeps the requests of the running step in memory and writes them when it ends, outside the measured window."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.began: float | None = None
        self.settled: set[object] = set()
        self.requests: list[Request] = []
        self.encoder = msgspec.json.Encoder()

    def begin_step(self, began: float) -> None:
        """Note that all users of a step have been running since ``began``."""
        self.settled.clear()
        self.began = began

    def record(
        self,
        *,
        context: dict[str, Any],
        response_time: float,
        response: Response,
        exception: Exception | None,
        **_: Any,
    ) -> None:
        """
        Listen to Locust's ``request`` event; ``response_time`` is in milliseconds.

        ``context`` is the locustfile's: the ``user``, when the request ``began`` and when it was ``sent``, in epoch
        seconds; Locust's own start time comes from another clock. Requests of the background have no ``began``.
        """
        if "began" not in context:
            return
        began, sent = context["began"], context["sent"]
        self.requests.append(
            Request(
                began,
                sent + response_time / 1000,
                error_name(response, exception),
                reported(response),
                None if sent == began else sent,
                context.get("name"),
            )
        )
        if self.began is not None and began >= self.began:
            self.settled.add(context["user"])

    def end_step(self, step: StepEnd) -> None:
        """Write the requests that ended since the last call, then the step, in one piece."""
        self.write([*self.taken(), step])
        self.began = None

    def taken(self) -> list[Request]:
        """The requests that ended since the last call, for the process that writes them."""
        taken, self.requests = self.requests, []
        return taken

    def write(self, records: Sequence[Request | StepEnd | CheckedRequest]) -> None:
        """Append records to the file, in one piece."""
        with self.path.open("ab") as file:
            file.write(self.encoder.encode_lines(records))


def reported(response: Response) -> ReportedCall | None:
    """The report in the headers of an answer, failed ones included; None where there is none."""
    headers = response.headers
    if headers is None:
        return None
    return parse(headers.get(WORKER), headers.get(SERVER_TIMING), headers.get(INSTANCE))


def error_name(response: Response, exception: Exception | None) -> str | None:
    """
    None for a success, ``HTTP 500`` for an unexpected status, the exception's name when no whole answer came.

    A 429 of the Functions host is told from one of the app by its header.
    """
    if exception is None:
        return None
    status = response.status_code
    if status == 429 and response.headers is not None and response.headers.get(_SCALE_OUT) is not None:
        return HOST_REFUSAL
    if status and (not 200 <= status < 300 or str(exception) == f"HTTP {status}"):
        return f"HTTP {status}"
    # FastHttpUser wraps a time-out in the "retries exceeded" of its no retries.
    return type(getattr(exception, "original", exception)).__name__
