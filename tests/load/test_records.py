"""What the Locust process writes and the runner reads."""

from pathlib import Path

from functune.load.recorder import Recorder
from functune.load.records import RecordReader, Request, StepEnd

BODY = (
    b'{"handler": "async def", "ms": 5, "elapsedMs": 5.25, "cpuMs": 0.5, "worker": '
    b'{"pid": 12, "thread": "MainThread", "inFlight": 3, "peakInFlight": 4, "queuedMs": 1.5}}'
)
STEP = StepEnd(4, 1.0, 2.0, 3.0, (2.5,), 0.25, 0.5, None)


class Response:
    """As Locust's: one that did not come whole cannot be read."""

    def __init__(self, status_code: int, body: bytes | None) -> None:
        self.status_code = status_code
        self.body = body

    @property
    def content(self) -> bytes:
        assert self.body is not None
        return self.body


class RetriesExceeded(Exception):
    """As geventhttpclient's."""

    def __init__(self, original: Exception) -> None:
        self.original = original


def record(
    recorder: Recorder, *, status: int = 200, body: bytes | None = BODY, exception: Exception | None = None
) -> None:
    recorder.record(
        context={"began": 10.0, "sent": 10.0, "user": "a user"},
        response_time=250.0,
        response=Response(status, body),
        exception=exception,
        name="another argument of Locust",
    )


def read(recorder: Recorder) -> list[tuple[StepEnd, list[Request]]]:
    return list(RecordReader(recorder.path).finished_steps())


def test_records_come_back_as_they_were_sent(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "records")
    record(recorder)
    recorder.end_step(STEP)
    record(recorder, status=503, body=None, exception=Exception("the error of the locustfile"))
    record(recorder, status=0, body=None, exception=ConnectionResetError())
    record(recorder, status=0, body=None, exception=RetriesExceeded(TimeoutError()))
    record(recorder, status=200, body=None, exception=ConnectionAbortedError("in the middle of the body"))
    recorder.end_step(STEP)

    first = Request(10.0, 10.25, None, "async def", 12, "MainThread", 3, 5.25, 0.5, 1.5)
    errors = ["HTTP 503", "ConnectionResetError", "TimeoutError", "ConnectionAbortedError"]
    failed = [Request(10.0, 10.25, error) for error in errors]
    assert read(recorder) == [(STEP, [first]), (STEP, failed)]


def test_recorder_takes_any_answer_of_another_app(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "records")
    for body in (b"", b"[1]", b'"x"', b'{"worker": null}', b'{"handler": 3}', b"\xff"):
        record(recorder, body=body)
    recorder.end_step(STEP)
    assert read(recorder) == [(STEP, [Request(10.0, 10.25, None)] * 6)]


def test_user_settles_with_a_request_it_began_in_the_step(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "records")
    recorder.begin_step(10.5)
    record(recorder)
    assert recorder.settled == set()
    recorder.begin_step(9.5)
    record(recorder)
    assert recorder.settled == {"a user"}


def test_reader_waits_for_the_end_of_a_line(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "records")
    record(recorder)
    recorder.end_step(STEP)
    whole = recorder.path.read_bytes()
    reader = RecordReader(tmp_path / "growing")

    found = []
    for size in range(len(whole) + 1):
        reader.path.write_bytes(whole[:size])
        found.append(len(list(reader.finished_steps())))

    assert found == [0] * len(whole) + [1]
