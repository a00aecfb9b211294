"""The ASGI middleware: the same messages with two headers more, and the times of the call that sent them."""

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import pytest

from functune.load.host_calls import read_call_pages
from functune.middleware.timed_asgi import TimedAsgi
from functune.timing.header import SERVER_TIMING, WORKER, ReportedCall, parse

type Message = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]
START: Message = {"type": "http.response.start", "status": 200, "headers": [(b"x-a", b"1")]}
LAST: Message = {"type": "http.response.body", "body": b"x"}
SLEEP = 0.03


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the counts."""
    monkeypatch.setenv("FUNCTUNE_CALLS", str(tmp_path))
    return tmp_path


async def sent_by(app: Any, kind: str = "http", received: tuple[Message, ...] = ()) -> list[Message]:
    """What the app sends on one connection."""
    sent: list[Message] = []
    waiting = list(received)

    async def receive() -> Message:
        return waiting.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    await TimedAsgi(app)({"type": kind}, receive, send)
    return sent


def times_in(start: Message) -> ReportedCall:
    found = {name.decode(): value.decode() for name, value in start["headers"]}
    reported = parse(found[WORKER], found[SERVER_TIMING])
    assert reported is not None
    return reported


def open_calls(folder: Path) -> int:
    [totals] = read_call_pages(folder).workers.values()
    return totals.begun - totals.ended


async def test_times_are_those_up_to_the_start_of_the_answer(calls: Path) -> None:
    seen: list[int] = []
    moments, cpu = [time.perf_counter()], [time.thread_time()]

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        await asyncio.sleep(SLEEP)
        time.sleep(SLEEP)  # noqa: ASYNC251 - the loop is held on purpose, up to the answer
        await send(START)
        moments.append(time.perf_counter())
        cpu.append(time.thread_time())
        await send(LAST)
        seen.append(open_calls(calls))
        await asyncio.sleep(SLEEP)

    start, last = await sent_by(app)
    assert (start["status"], start["headers"][0], last) == (200, (b"x-a", b"1"), LAST)
    reported = times_in(start)
    assert (reported.kind, reported.calls, reported.wait) == ("async", 1, None)
    assert 2 * SLEEP * 1e6 <= (reported.service or 0) <= (moments[1] - moments[0]) * 1e6 + 1
    assert SLEEP * 1e6 <= (reported.hold or 0) <= (reported.loop or 0) < (reported.service or 0) - SLEEP * 0.9e6
    assert (reported.cpu or 0) <= (cpu[1] - cpu[0]) * 1e6 + 1  # the sleeps are no part of it
    assert seen == [0]


async def test_start_that_a_task_of_the_call_sends_has_the_times_too(calls: Path) -> None:
    async def app(scope: Message, receive: Receive, send: Send) -> None:
        async def answer() -> None:
            await send(START)
            await send(LAST)

        async with asyncio.TaskGroup() as group:
            group.create_task(answer())

    assert times_in((await sent_by(app))[0]).calls == 1


async def test_exceptions_and_cancellation_pass_and_the_call_has_ended(calls: Path) -> None:
    async def failing(scope: Message, receive: Receive, send: Send) -> None:
        await asyncio.sleep(0)
        raise KeyError("gone")

    with pytest.raises(KeyError, match="gone"):
        await sent_by(failing)
    assert open_calls(calls) == 0

    async def waiting(scope: Message, receive: Receive, send: Send) -> None:
        await asyncio.sleep(60)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await sent_by(waiting)
    assert open_calls(calls) == 0


async def test_streams_and_websockets_pass_through(calls: Path) -> None:
    parts: list[Message] = [{"type": "http.response.body", "body": b"a", "more_body": True}, LAST]
    accepted: list[Message] = [{"type": "websocket.accept", "headers": []}, {"type": "websocket.send", "text": "x"}]

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        for message in [START, *parts] if scope["type"] == "http" else accepted:
            await send(message)

    assert (await sent_by(app))[1:] == parts
    sent = await sent_by(app, "websocket")
    assert all(one is other for one, other in zip(sent, accepted, strict=True))


async def test_process_says_that_it_is_ready_after_the_start_up_of_the_app(
    calls: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FUNCTUNE_APP", "src.app:app")
    order: list[str] = []

    async def starting(scope: Message, receive: Receive, send: Send) -> None:
        await receive()
        order.append(capsys.readouterr().out)
        await send({"type": "lifespan.startup.complete"})
        order.append(capsys.readouterr().out)

    async def without(scope: Message, receive: Receive, send: Send) -> None:
        raise ValueError("this app serves HTTP only")

    async def ignoring(scope: Message, receive: Receive, send: Send) -> None:
        return

    await sent_by(starting, "lifespan", ({"type": "lifespan.startup"},))
    assert order[0] == ""
    assert order[1].endswith(" serves src.app:app\n")
    with pytest.raises(ValueError, match="HTTP only"):
        await sent_by(without, "lifespan")
    assert " serves src.app:app\n" in capsys.readouterr().out
    await sent_by(ignoring, "lifespan")
    assert " serves src.app:app\n" in capsys.readouterr().out


async def test_failed_start_up_is_said_with_the_lines_of_the_app(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FUNCTUNE_SCRIPT_ROOT", str(tmp_path))
    monkeypatch.setenv("FUNCTUNE_APP", "src.app:app")
    trace = (
        "Traceback (most recent call last):\n"
        '  File "/usr/lib/site-packages/starlette/routing.py", line 1, in lifespan\n    await up()\n'
        f'  File "{tmp_path}/src/app.py", line 7, in up\n    connect()\n'
        "OSError: no database\n"
    )

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        await send({"type": "lifespan.startup.failed", "message": trace})

    [sent] = await sent_by(app, "lifespan")
    assert sent["message"] == trace
    said = capsys.readouterr().out
    assert said.startswith(f"functune: the app src.app:app in {tmp_path} did not start: OSError: no database\n")
    assert f'File "{tmp_path}/src/app.py", line 7' in said
    assert "starlette" not in said
    assert " serves " not in said
