"""What the Locust process writes and the runner reads."""

from pathlib import Path

from functune.load.recorder import Recorder
from functune.load.records import RecordReader, Request, StepEnd
from functune.timing.header import ReportedCall

HEADERS = {
    "x-functune-worker": "12;thread=14;calls=3;kind=async",
    "server-timing": "db;dur=3, wait;dur=1.500, service;dur=5.250, cpu;dur=0.500, loop;dur=0.600, hold;dur=0.400",
}
REPORT = ReportedCall(12, 14, 3, "async", wait=1500, service=5250, cpu=500, loop=600, hold=400)
STEP = StepEnd(4, 1.0, 2.0, 3.0, (2.5,), 0.25, 0.5, None)


class Response:
    """As Locust's: without headers where no answer came."""

    def __init__(self, status_code: int, headers: dict[str, str] | None) -> None:
        self.status_code = status_code
        self.headers = headers

    @property
    def content(self) -> bytes:
        raise AssertionError("the body of an answer is the app's")


class RetriesExceeded(Exception):
    """As geventhttpclient's."""

    def __init__(self, original: Exception) -> None:
        self.original = original


def record(
    recorder: Recorder,
    *,
    status: int = 200,
    headers: dict[str, str] | None = HEADERS,
    exception: Exception | None = None,
) -> None:
    recorder.record(
        context={"began": 10.0, "sent": 10.0, "user": "a user"},
        response_time=250.0,
        response=Response(status, headers),
        exception=exception,
        name="passed by Locust and not used",
    )


def read(recorder: Recorder) -> list[tuple[StepEnd, list[Request]]]:
    return list(RecordReader(recorder.path).finished_steps())


def test_records_come_back_as_they_were_sent(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "records")
    record(recorder)
    recorder.end_step(STEP)
    record(recorder, status=503, exception=Exception("raised by the locustfile"))
    record(recorder, status=0, headers=None, exception=ConnectionResetError())
    record(recorder, status=0, headers=None, exception=RetriesExceeded(TimeoutError()))
    record(recorder, status=200, headers={}, exception=ConnectionAbortedError("in the middle of the body"))
    recorder.end_step(STEP)

    first = Request(10.0, 10.25, None, REPORT)
    refused = Request(10.0, 10.25, "HTTP 503", REPORT)
    errors = ["ConnectionResetError", "TimeoutError", "ConnectionAbortedError"]
    failed = [Request(10.0, 10.25, error) for error in errors]
    assert read(recorder) == [(STEP, [first]), (STEP, [refused, *failed])]


def test_recorder_takes_no_times_from_an_answer_of_another_app(tmp_path: Path) -> None:
    """Server-Timing is a standard header: without the worker it is the app's own."""
    recorder = Recorder(tmp_path / "records")
    for headers in ({}, {"server-timing": HEADERS["server-timing"]}, {"x-functune-worker": "web-7"}):
        record(recorder, headers=headers)
    recorder.end_step(STEP)
    assert read(recorder) == [(STEP, [Request(10.0, 10.25, None)] * 3)]


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
