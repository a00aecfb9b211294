"""
The messages between front and worker, and their encoding. No sockets and no clocks here.

The messages are named after those of the platform's FunctionRpc.proto, and follow its order on one stream:
StartStream, WorkerInitRequest, WorkerInitResponse, FunctionsMetadataRequest, FunctionMetadataResponse, then
InvocationRequest and InvocationResponse in any interleaving, matched by invocation id. There is no FunctionLoadRequest:
the runtime answers each of them with success, since indexing happens in WorkerInit.

A frame is four bytes of length, big endian, followed by that many bytes of MessagePack. Structs are encoded as arrays
with the tag first, which keeps a small invocation near 200 bytes.
"""

import struct
from collections.abc import Callable
from typing import Final

import msgspec

from functune.timing.calls import CallTimes

MAX_FRAME_BYTES: Final = 512 * 1024 * 1024
"""The host admits smaller bodies only, so a larger length means that the stream is corrupt."""

_LENGTH: Final = struct.Struct(">I")


class ProtocolError(Exception):
    """Bytes that are not a message, after which the stream is unusable, or a message too large for a frame."""


class StartStream(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """The first message of a worker: its process has started."""


class WorkerInitRequest(msgspec.Struct, frozen=True, array_like=True, tag=2):
    """Asks the worker to import the app and index its functions."""

    function_app_directory: str


class RpcException(msgspec.Struct, frozen=True, array_like=True):
    """An exception in a worker: ``Type: message`` and the Python traceback."""

    message: str
    stack_trace: str = ""


class WorkerInitResponse(msgspec.Struct, frozen=True, array_like=True, tag=3):
    """Success when ``exception`` is None."""

    capabilities: dict[str, str]
    exception: RpcException | None = None


class FunctionsMetadataRequest(msgspec.Struct, frozen=True, array_like=True, tag=4):
    """Asks for the indexed functions."""


class RpcFunctionMetadata(msgspec.Struct, frozen=True, array_like=True):
    """One indexed function; ``raw_bindings`` are JSON texts as in function.json."""

    name: str
    function_id: str
    script_file: str
    entry_point: str
    directory: str
    raw_bindings: list[str]


class FunctionMetadataResponse(msgspec.Struct, frozen=True, array_like=True, tag=5):
    """``functions`` is None when the script root has no function_app.py, or the file has no function."""

    functions: list[RpcFunctionMetadata] | None


class RpcHttp(msgspec.Struct, frozen=True, array_like=True):
    """An HTTP request as the host passes it to a worker: names lower-cased, duplicates joined, parameters decoded."""

    method: str
    url: str
    headers: dict[str, str]
    query: dict[str, str]
    params: dict[str, str]
    body: bytes


class InvocationRequest(msgspec.Struct, frozen=True, array_like=True, tag=6):
    """Run one function; ``trigger_name`` is its parameter for the request."""

    invocation_id: str
    function_id: str
    trigger_name: str
    http: RpcHttp
    trace_parent: str
    trace_state: str


class RpcHttpCookie(msgspec.Struct, frozen=True, array_like=True):
    """A cookie of an answer; "" stands for an absent attribute. ``max_age`` is in whole seconds."""

    name: str
    value: str
    domain: str
    path: str
    expires: str
    max_age: str
    secure: bool
    http_only: bool
    same_site: str


class HttpData(msgspec.Struct, frozen=True, array_like=True, tag="http"):
    """An ``HttpResponse`` returned by the function."""

    status_code: str
    headers: dict[str, str]
    cookies: list[RpcHttpCookie]
    body: bytes


class StringData(msgspec.Struct, frozen=True, array_like=True, tag="string"):
    """A plain ``str``."""

    value: str


class BytesData(msgspec.Struct, frozen=True, array_like=True, tag="bytes"):
    """Plain bytes, from a generic binding."""

    value: bytes


class JsonData(msgspec.Struct, frozen=True, array_like=True, tag="json"):
    """A JSON text: dict, list, int, float or bool from a generic binding."""

    value: str


type TypedData = HttpData | StringData | BytesData | JsonData


class InvocationResponse(msgspec.Struct, frozen=True, array_like=True, tag=7):
    """Success when ``exception`` is None. ``output_data`` holds the values of ``Out`` parameters."""

    invocation_id: str
    return_value: TypedData | None = None
    output_data: dict[str, TypedData | None] = {}
    exception: RpcException | None = None
    times: CallTimes | None = None
    """Only from a worker started with ``--times-fd``, and only where the handler ran."""


class RpcLog(msgspec.Struct, frozen=True, array_like=True, tag=8):
    """A log record of a worker. ``level`` is Python's number; system records come from the runtime, not the app."""

    level: int
    message: str
    is_system: bool
    invocation_id: str | None = None


type ToWorker = WorkerInitRequest | FunctionsMetadataRequest | InvocationRequest
type FromWorker = StartStream | WorkerInitResponse | FunctionMetadataResponse | InvocationResponse | RpcLog

_encoder = msgspec.msgpack.Encoder()


def encode(message: ToWorker | FromWorker) -> bytes:
    """Encode a message as a frame. Raises ProtocolError for a text with a lone surrogate and a message too large."""
    try:
        payload = _encoder.encode(message)
    except UnicodeEncodeError as error:
        raise ProtocolError(f"a text of the message is not UTF-8: {error}") from error
    if len(payload) > MAX_FRAME_BYTES:
        raise ProtocolError(f"a message of {len(payload)} bytes, at most {MAX_FRAME_BYTES} are allowed")
    return _LENGTH.pack(len(payload)) + payload


def escape_surrogates(text: str) -> str:
    """The text with lone surrogates escaped, since a message cannot contain them and the errors of programs may."""
    return text.encode("utf-8", errors="backslashreplace").decode()


class MessageReader[Message]:
    """
    Decodes the messages of a byte stream that arrives in arbitrary pieces::

        reader: MessageReader[ToWorker] = MessageReader(ToWorker.__value__)
        reader.feed(data)  # raises ProtocolError on a frame that is too long or does not decode
    """

    def __init__(self, messages: object) -> None:
        self._decode: Callable[[bytes | bytearray], Message] = msgspec.msgpack.Decoder(messages).decode
        self._partial = bytearray()
        self._needed = 0

    def feed(self, data: bytes) -> list[Message]:
        """The messages that ``data`` completes, in order."""
        if self._partial:
            # Wait for the whole frame, so that a large body is not scanned again with each chunk.
            self._partial += data
            if len(self._partial) < self._needed:
                return []
            data = bytes(self._partial)
            self._partial.clear()
        messages: list[Message] = []
        start, available = 0, len(data)
        while start < available:
            self._needed = self._frame_size(data, start)
            if start + self._needed > available:
                self._partial += data[start:]
                break
            payload = data[start + _LENGTH.size : start + self._needed]
            try:
                messages.append(self._decode(payload))
            except msgspec.DecodeError as error:
                raise ProtocolError(f"a frame of {len(payload)} bytes is not a message: {error}") from error
            start += self._needed
        return messages

    @staticmethod
    def _frame_size(data: bytes, start: int) -> int:
        """Bytes of the frame at ``start``, its length included; until that is complete, the bytes of the length."""
        if len(data) - start < _LENGTH.size:
            return _LENGTH.size
        (length,) = _LENGTH.unpack_from(data, start)
        if length > MAX_FRAME_BYTES:
            raise ProtocolError(f"a frame of {length} bytes, at most {MAX_FRAME_BYTES} are allowed")
        return _LENGTH.size + int(length)
