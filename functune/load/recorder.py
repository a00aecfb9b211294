"""Records the requests of a Locust run for the runner to read. Runs inside the Locust process, so it is kept cheap."""

from pathlib import Path
from typing import Any

import msgspec

from functune.load.records import Answer, Request, StepEnd


class Recorder:
    """Keeps the requests of the running step in memory and writes them when it ends, outside the measured window."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.began: float | None = None
        self.settled: set[object] = set()
        self.requests: list[Request] = []
        self.answers = msgspec.json.Decoder(Answer)
        self.encoder = msgspec.json.Encoder()

    def begin_step(self, began: float) -> None:
        """All users of a step are there, since ``began``."""
        self.settled.clear()
        self.began = began

    def record(
        self,
        *,
        user: object,
        start_time: float,
        response_time: float,
        status: int | None,
        response: bytes,
        exception: Exception | None,
        **_: Any,
    ) -> None:
        """
        Listen to Locust's ``request`` event: ``start_time`` in epoch seconds, ``response_time`` in milliseconds.

        ``user`` and ``status`` (None when no answer came) are ours, ``response`` is the body.
        """
        try:
            answer = self.answers.decode(response)
        except msgspec.DecodeError:  # not a workload's answer: an error page, or another app
            answer = Answer()
        worker = answer.worker
        self.requests.append(
            Request(
                start_time,
                start_time + response_time / 1000,
                error_name(status, exception),
                answer.handler,
                worker.pid,
                worker.thread,
                worker.in_flight,
                answer.elapsed_ms,
                answer.cpu_ms,
                worker.queued_ms,
            )
        )
        if self.began is not None and start_time >= self.began:
            self.settled.add(user)

    def end_step(self, step: StepEnd) -> None:
        """Write the requests that ended since the last call, then the step, in one piece."""
        with self.path.open("ab") as file:
            file.write(self.encoder.encode_lines([*self.requests, step]))
        self.requests.clear()
        self.began = None


def error_name(status: int | None, exception: Exception | None) -> str | None:
    """None for a 2xx answer, ``HTTP 500`` for another status, the exception's name when there was no answer."""
    if status is None:
        return type(exception).__name__
    return None if 200 <= status < 300 else f"HTTP {status}"
