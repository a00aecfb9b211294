"""What the Locust process writes and the runner reads."""

from pathlib import Path

from functune.load.recorder import Recorder
from functune.load.records import RecordReader, Request, StepEnd

BODY = (
    b'{"handler": "async def", "ms": 5, "elapsedMs": 5.25, "cpuMs": 0.5, "worker": '
    b'{"pid": 12, "thread": "MainThread", "inFlight": 3, "peakInFlight": 4, "queuedMs": 1.5}}'
)
STEP = StepEnd(4, 1.0, 2.0, 3.0, (2.5,), 0.25)


def record(
    recorder: Recorder, *, status: int | None = 200, response: bytes = BODY, exception: Exception | None = None
) -> None:
    recorder.record(
        user="a user",
        start_time=10.0,
        response_time=250.0,
        status=status,
        response=response,
        exception=exception,
        name="what Locust passes besides",
    )


def read(recorder: Recorder) -> list[tuple[StepEnd, list[Request]]]:
    return list(RecordReader(recorder.path).finished_steps())


def test_records_come_back_as_they_were_sent(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "records")
    record(recorder)
    recorder.end_step(STEP)
    record(recorder, status=503, response=b"<html>")
    record(recorder, status=None, response=b"", exception=ConnectionResetError())
    recorder.end_step(STEP)

    first = Request(10.0, 10.25, None, "async def", 12, "MainThread", 3, 5.25, 0.5, 1.5)
    failed = [Request(10.0, 10.25, "HTTP 503"), Request(10.0, 10.25, "ConnectionResetError")]
    assert read(recorder) == [(STEP, [first]), (STEP, failed)]


def test_recorder_takes_any_answer_of_another_app(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "records")
    for body in (b"", b"[1]", b'"x"', b'{"worker": null}', b'{"handler": 3}', b"\xff"):
        record(recorder, response=body)
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
