"""Every message survives the wire, however the stream is cut, and nothing else gets through."""

import itertools
import time
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functune.host import messages
from functune.host.messages import FromWorker, MessageReader, ProtocolError, ToWorker

# MessagePack has no form for surrogates.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
text_maps = st.dictionaries(texts, texts, max_size=3)
blobs = st.binary(max_size=50)
exceptions = st.builds(messages.RpcException, texts, texts)
metadata = st.builds(messages.RpcFunctionMetadata, texts, texts, texts, texts, texts, st.lists(texts, max_size=3))
http = st.builds(messages.RpcHttp, texts, texts, text_maps, text_maps, text_maps, blobs)
cookies = st.builds(
    messages.RpcHttpCookie, texts, texts, texts, texts, texts, texts, st.booleans(), st.booleans(), texts
)
typed_data = st.one_of(
    st.builds(messages.HttpData, texts, text_maps, st.lists(cookies, max_size=2), blobs),
    st.builds(messages.StringData, texts),
    st.builds(messages.BytesData, blobs),
    st.builds(messages.JsonData, texts),
)
to_worker_by_type: dict[type, st.SearchStrategy[Any]] = {
    messages.WorkerInitRequest: st.builds(messages.WorkerInitRequest, texts),
    messages.FunctionsMetadataRequest: st.just(messages.FunctionsMetadataRequest()),
    messages.InvocationRequest: st.builds(messages.InvocationRequest, texts, texts, texts, http, texts, texts),
}
from_worker_by_type: dict[type, st.SearchStrategy[Any]] = {
    messages.StartStream: st.just(messages.StartStream()),
    messages.WorkerInitResponse: st.builds(messages.WorkerInitResponse, text_maps, st.none() | exceptions),
    messages.FunctionMetadataResponse: st.builds(
        messages.FunctionMetadataResponse, st.none() | st.lists(metadata, max_size=3)
    ),
    messages.InvocationResponse: st.builds(
        messages.InvocationResponse,
        texts,
        st.none() | typed_data,
        st.dictionaries(texts, st.none() | typed_data, max_size=2),
        st.none() | exceptions,
    ),
    messages.RpcLog: st.builds(messages.RpcLog, st.integers(0, 50), texts, st.booleans(), st.none() | texts),
}
to_worker = st.one_of(*to_worker_by_type.values())
from_worker = st.one_of(*from_worker_by_type.values())


def reader(kind: Any) -> MessageReader[Any]:
    return MessageReader(kind.__value__)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges)]


def test_messages_are_all_tried_here() -> None:
    assert set(to_worker_by_type) == set(ToWorker.__value__.__args__)
    assert set(from_worker_by_type) == set(FromWorker.__value__.__args__)


@given(st.lists(to_worker, min_size=1, max_size=4), st.lists(st.integers(0, 10_000), max_size=8))
def test_requests_survive_a_stream_cut_anywhere(sent: list[ToWorker], cuts: list[int]) -> None:
    incoming = reader(ToWorker)
    stream = b"".join(messages.encode(message) for message in sent)
    assert [message for piece in pieces(stream, cuts) for message in incoming.feed(piece)] == sent


@given(st.lists(from_worker, min_size=1, max_size=4), st.lists(st.integers(0, 10_000), max_size=8))
def test_answers_survive_a_stream_cut_anywhere(sent: list[FromWorker], cuts: list[int]) -> None:
    incoming = reader(FromWorker)
    stream = b"".join(messages.encode(message) for message in sent)
    assert [message for piece in pieces(stream, cuts) for message in incoming.feed(piece)] == sent


@given(from_worker)
def test_reader_takes_single_bytes(message: FromWorker) -> None:
    incoming = reader(FromWorker)
    frame = messages.encode(message)
    assert [got for byte in frame for got in incoming.feed(bytes([byte]))] == [message]


@given(st.binary(min_size=1, max_size=200))
def test_garbage_is_refused_or_waits_for_more(garbage: bytes) -> None:
    """Never another exception: the owner of the stream handles this one alone."""
    try:
        got = reader(ToWorker).feed(garbage)
    except ProtocolError:
        return
    assert all(isinstance(message, ToWorker.__value__) for message in got)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xc1",
        msgspec.msgpack.encode([99]),
        msgspec.msgpack.encode([6, "id"]),
        msgspec.msgpack.encode({"type": 4}),
        msgspec.msgpack.encode([2, 4]),
        messages.encode(messages.FunctionsMetadataRequest())[4:] + b"more",
    ],
    ids=["empty", "not MessagePack", "unknown tag", "too short", "a map", "wrong type", "bytes behind the message"],
)
def test_frame_without_a_message_is_refused(payload: bytes) -> None:
    frame = len(payload).to_bytes(4, "big") + payload
    with pytest.raises(ProtocolError, match=f"a frame of {len(payload)} bytes is not a message"):
        reader(ToWorker).feed(frame)


def test_over_long_frame_is_refused_by_its_length_alone() -> None:
    length = messages.MAX_FRAME_BYTES + 1
    with pytest.raises(ProtocolError, match=f"a frame of {length} bytes, at most {messages.MAX_FRAME_BYTES}"):
        reader(ToWorker).feed(length.to_bytes(4, "big"))


def test_message_of_the_other_direction_is_refused() -> None:
    with pytest.raises(ProtocolError):
        reader(ToWorker).feed(messages.encode(messages.StartStream()))


def seconds_to_read(frame: bytes, chunk: int) -> float:
    incoming = reader(FromWorker)
    started = time.process_time()
    got = [message for at in range(0, len(frame), chunk) for message in incoming.feed(frame[at : at + chunk])]
    took = time.process_time() - started
    assert len(got) == 1
    return took


def test_large_body_in_small_chunks_costs_linear_time() -> None:
    """Eight times the body costs about eight times as much; scanning the frame once per chunk would cost 64 times."""
    small, large = (
        messages.encode(messages.InvocationResponse("id", messages.BytesData(bytes(size)))) for size in (2**20, 2**23)
    )
    fastest_small = min(seconds_to_read(small, 256) for _ in range(5))
    fastest_large = min(seconds_to_read(large, 256) for _ in range(5))
    assert fastest_large < 30 * fastest_small
