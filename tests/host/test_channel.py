"""The front's end of a stream, with the test as the worker at the other end of a real socket pair."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from functune.errors import WorkerDiedError
from functune.host.channel import Channel
from functune.host.messages import (
    FromWorker,
    InvocationRequest,
    InvocationResponse,
    MessageReader,
    RpcHttp,
    RpcLog,
    StartStream,
    StringData,
    ToWorker,
    encode,
)


@dataclass
class Pair:
    """A channel and the socket of its worker."""

    channel: Channel
    worker: socket.socket
    logs: list[RpcLog] = field(default_factory=list)
    lost: asyncio.Event = field(default_factory=asyncio.Event)

    async def say(self, *messages: FromWorker) -> None:
        """Send as the worker."""
        await asyncio.get_running_loop().sock_sendall(self.worker, b"".join(encode(message) for message in messages))

    async def hear(self, count: int) -> list[ToWorker]:
        """The next messages the worker gets."""
        reader: MessageReader[ToWorker] = MessageReader(ToWorker.__value__)
        heard: list[ToWorker] = []
        while len(heard) < count:
            heard += reader.feed(await asyncio.get_running_loop().sock_recv(self.worker, 65536))
        return heard


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    here, there = socket.socketpair()
    here.setblocking(False)
    there.setblocking(False)
    pair: Pair
    channel = Channel(on_log=lambda log: pair.logs.append(log), on_lost=lambda: pair.lost.set())
    pair = Pair(channel, there)
    await asyncio.get_running_loop().create_unix_connection(lambda: channel, sock=here)
    yield pair
    there.close()
    channel.close()
    await pair.lost.wait()


def request(invocation_id: str) -> InvocationRequest:
    return InvocationRequest(invocation_id, "f", "req", RpcHttp("GET", "/", {}, {}, {}, b""), "", "")


async def test_channel_gives_each_call_its_own_answer_in_any_order(pair: Pair) -> None:
    first, second = pair.channel.invoke(request("1"), "f"), pair.channel.invoke(request("2"), "f")
    assert await pair.hear(2) == [request("1"), request("2")]
    assert pair.channel.in_flight == 2
    assert pair.channel.oldest is not None
    assert pair.channel.oldest[0] == "1"
    await pair.say(
        RpcLog(20, "between", False), InvocationResponse("2", StringData("two")), InvocationResponse("unknown")
    )
    assert (await second).return_value == StringData("two")
    assert pair.logs == [RpcLog(20, "between", False)]
    assert not first.done()
    await pair.say(InvocationResponse("1", StringData("one")))
    assert (await first).return_value == StringData("one")
    assert not pair.channel.in_flight


async def test_channel_drops_the_answer_nobody_waits_for_any_longer(pair: Pair) -> None:
    given_up, waiting = pair.channel.invoke(request("1"), "f"), pair.channel.invoke(request("2"), "f")
    given_up.cancel()
    await pair.say(InvocationResponse("1"), InvocationResponse("2"))
    assert (await waiting).invocation_id == "2"


async def test_channel_ignores_a_start_that_comes_too_late(pair: Pair) -> None:
    pair.channel.started.cancel()
    waiting = pair.channel.invoke(request("1"), "f")
    await pair.say(StartStream(), InvocationResponse("1"))
    assert (await waiting).invocation_id == "1"


async def test_channel_fails_everything_in_flight_when_told(pair: Pair) -> None:
    waiting = [pair.channel.invoke(request(str(number)), "f") for number in range(3)]
    pair.channel.fail(WorkerDiedError("it died"))
    assert [str(error) for error in await asyncio.gather(*waiting, return_exceptions=True)] == ["it died"] * 3
    assert not pair.channel.in_flight


async def test_channel_closes_a_torn_stream_and_fails_what_is_in_flight(pair: Pair) -> None:
    waiting = pair.channel.invoke(request("1"), "f")
    await asyncio.get_running_loop().sock_sendall(pair.worker, b"\x00\x00\x00\x01\xc1")
    with pytest.raises(WorkerDiedError, match="the stream of a worker is corrupt: a frame of 1 bytes is not a message"):
        await waiting
    await pair.lost.wait()


async def test_call_on_a_closed_stream_fails_at_once(pair: Pair) -> None:
    pair.worker.close()
    await pair.lost.wait()
    with pytest.raises(WorkerDiedError, match="stream is closed"):
        await pair.channel.invoke(request("1"), "f")
