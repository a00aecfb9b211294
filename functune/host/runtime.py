"""
The only module that imports Microsoft's azure-functions-runtime.

The platform runs the same package on Python 3.13 and later. Two of its seams are used, both without gRPC:

- ``worker_init_request`` and ``functions_metadata_request`` import the app and index its functions. They build their
  answers with classes taken from a ``protos`` argument; the small classes below stand in for the protobuf ones.
- ``native_invocation.invocation_request_native`` runs one function on ``Datum`` values. The converters of the protobuf
  path that log or raise for the user are called as well.

Both are new and may change: pyproject.toml pins the exact version, and tests/host/test_runtime.py describes a change in
words.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextvars import ContextVar, copy_context
from datetime import UTC
from email.utils import format_datetime
from http.cookies import Morsel, SimpleCookie
from types import SimpleNamespace
from typing import Any

import azure_functions_runtime as runtime
import msgspec
from azure_functions_runtime import native_invocation
from azure_functions_runtime.bindings.datumdef import Datum, parse_cookie_attr_expires
from azure_functions_runtime.bindings.nullable_converters import to_nullable_double
from azure_functions_runtime.handle_event import _functions as _registry
from azure_functions_runtime.native_invocation import invocation_request_native, run_invocation_sync
from azure_functions_runtime.utils import threadpool
from azure_functions_runtime.utils.app_setting_manager import is_envvar_true
from azure_functions_runtime.utils.constants import PYTHON_ENABLE_DEBUG_LOGGING
from azure_functions_runtime.utils.tracing import serialize_exception

from functune.host.messages import (
    BytesData,
    FunctionMetadataResponse,
    HttpData,
    InvocationRequest,
    InvocationResponse,
    JsonData,
    RpcException,
    RpcFunctionMetadata,
    RpcHttp,
    RpcHttpCookie,
    StringData,
    TypedData,
    WorkerInitRequest,
    WorkerInitResponse,
    escape_surrogates,
)
from functune.timing.calls import CallTimer

RUNTIME_VERSION = "1.3.0"
"""The version this module is written for, as pinned in pyproject.toml."""


class _Record(SimpleNamespace):
    """Stands in for a protobuf message, in code that sets fields by keyword and reads attributes."""


class _BindingInfo(_Record):
    # The numbers of FunctionRpc.proto; azure.functions' BindingDirection has the same.
    undefined = 0
    out = 1
    inout = 2


class _StatusResult(_Record):
    Failure = 0
    Success = 1
    exception: Any = None


class _Protos:
    """The names of the protobuf module that the called parts of the runtime use."""

    BindingInfo = _BindingInfo
    FunctionMetadataResponse = _Record
    NullableDouble = _Record
    RpcException = _Record
    RpcFunctionMetadata = _Record
    RpcRetryOptions = _Record
    StatusResult = _StatusResult
    WorkerInitResponse = _Record
    WorkerMetadata = _Record


_invocation: ContextVar[tuple[str, int] | None] = ContextVar("invocation", default=None)
"""Id of the invocation that a task of the event loop belongs to, and the loop's thread."""
_failure: ContextVar[BaseException | None] = ContextVar("failure", default=None)
"""The exception that ended the invocation of the current task."""


class _FailureKeeper:
    """
    Stands in for the logger of ``native_invocation``, which logs the exception of a failed invocation and then returns
    it as texts in another form than the platform logs.
    """

    def exception(self, message: str) -> None:
        """Keep the exception that is being handled for ``invoke``."""
        _failure.set(sys.exception())


native_invocation.logger = _FailureKeeper()


def start() -> None:
    """Start the runtime's thread pool, sized by PYTHON_THREADPOOL_THREAD_COUNT alone."""
    runtime.start_threadpool_executor()


class _CallingThread:
    """Stands in for the thread pool of the runtime, and runs its work in the thread that hands it over."""

    def submit(self, work: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """The future of the work, done."""
        future: Future[Any] = Future()
        try:
            future.set_result(work(*arguments))
        except BaseException as error:
            future.set_exception(error)
        return future


def start_in_calling_threads() -> None:
    """Run ``def`` functions in the threads that call ``invoke_here``, instead of a pool of the runtime."""
    threadpool._threadpool_executor = _CallingThread()


def is_debug_logging_enabled() -> bool:
    """Whether the app setting PYTHON_ENABLE_DEBUG_LOGGING asks for debug records."""
    return bool(is_envvar_true(PYTHON_ENABLE_DEBUG_LOGGING))


def current_invocation_id() -> str | None:
    """
    The id that Microsoft's proxy worker sends with a log record of the calling task or thread; None for no invocation.

    A task of the event loop has the id of the task that created it, also after the call. A thread has one only while it
    runs a ``def`` function: ``asyncio.to_thread`` hands over no id, since the proxy worker keeps that of an
    ``async def`` function at its task.
    """
    kept = _invocation.get()
    if kept is None:
        invocation_id: str | None = runtime.invocation_id_cv.get()
        return invocation_id
    return kept[0] if kept[1] == threading.get_ident() else None


async def init(request: WorkerInitRequest) -> WorkerInitResponse:
    """Import function_app.py and index it. Never raises: for a broken app the answer contains the exception."""
    try:
        answer = await runtime.worker_init_request(
            _Record(
                request=_Record(
                    worker_init_request=_Record(function_app_directory=request.function_app_directory, capabilities={})
                ),
                properties={"host": "127.0.0.1", "protos": _Protos},
            )
        )
    except Exception as error:  # packages of the app with which the runtime cannot import azure.functions
        trace = "".join(traceback.format_exception(error))
        return WorkerInitResponse({}, _sendable(f"{type(error).__name__}: {error}", trace))
    return WorkerInitResponse(answer.capabilities, _rpc_exception(answer.result.exception))


def time_functions(timer: CallTimer) -> None:
    """Measure every call of the functions that ``init`` has indexed, by replacing them in the runtime's registry."""
    functions = _registry._functions
    for function_id, function in functions.items():
        functions[function_id] = function._replace(func=timer.timed(function.func, is_async=function.is_async))


def measured_alone(request: InvocationRequest, timer: CallTimer) -> InvocationRequest:
    """
    The request for a copy of its function whose calls are measured. Those of the function itself are not.

    The copy is registered at the first request for it, under the id of the function with ``/measured`` behind it.
    """
    function = _registry.get_function(request.function_id)
    if function is None:
        return request
    function_id = f"{request.function_id}/measured"
    if function_id not in _registry._functions:
        timed = timer.timed(function.func, is_async=function.is_async)
        _registry._functions[function_id] = function._replace(func=timed)
    return msgspec.structs.replace(request, function_id=function_id)


def with_call_times(answer: InvocationResponse, timer: CallTimer | None) -> InvocationResponse:
    """The answer of a call with its times, which are taken from the timer; as it is where there are none."""
    times = None if timer is None else timer.take(answer.invocation_id)
    return answer if times is None else msgspec.structs.replace(answer, times=times)


async def indexed_functions() -> FunctionMetadataResponse:
    """The functions that ``init`` found; None when there is no function, or no function_app.py to index."""
    answer = await runtime.functions_metadata_request(_Record())
    found = answer.function_metadata_results
    if found is None:
        return FunctionMetadataResponse(functions=None)
    return FunctionMetadataResponse(
        functions=[
            RpcFunctionMetadata(
                name=function.name,
                function_id=function.function_id,
                script_file=function.script_file,
                entry_point=function.entry_point,
                directory=function.directory,
                raw_bindings=list(function.raw_bindings),
            )
            for function in found
        ]
    )


async def invoke(request: InvocationRequest) -> InvocationResponse:
    """Run one function: ``async def`` on this loop, ``def`` in the runtime's thread pool. Never raises."""
    _invocation.set((request.invocation_id, threading.get_ident()))
    try:
        ok, return_datum, outputs, error, trace = await invocation_request_native(
            request.invocation_id,
            request.function_id,
            [(request.trigger_name, _http_datum(request.http))],
            {},
            request.trace_parent,
            request.trace_state,
        )
    except asyncio.CancelledError:
        # The runtime does not catch it. The host cancels no invocation, so the function did.
        return failed_invocation(request.invocation_id, "CancelledError: the function cancelled itself")
    return _response(request.invocation_id, ok, return_datum, outputs, error, trace)


def invoke_here(request: InvocationRequest) -> InvocationResponse | None:
    """
    Run a ``def`` function in this thread, after ``start_in_calling_threads``; None for an ``async def`` function.

    Never raises.
    """
    return copy_context().run(_invoke_here, request)  # the failure of an earlier call in this thread is not this one's


def _invoke_here(request: InvocationRequest) -> InvocationResponse | None:
    is_def, *outcome = run_invocation_sync(
        request.invocation_id,
        request.function_id,
        [(request.trigger_name, _http_datum(request.http))],
        {},
        request.trace_parent,
        request.trace_state,
    )
    return _response(request.invocation_id, *outcome) if is_def else None


def _response(
    invocation_id: str,
    ok: bool,
    returned: Datum | None,
    outputs: list[tuple[str, Datum]],
    error: str | None,
    trace: str | None,
) -> InvocationResponse:
    """The answer for what the runtime has returned."""
    if not ok:
        sys.stdout.flush()  # the runtime flushes prints after a success only
        exception = _failure.get()
        texts = (error or "", trace or "") if exception is None else _exception_texts(exception)
        return failed_invocation(invocation_id, *texts)
    try:
        return InvocationResponse(invocation_id, _typed_data(returned), {name: _typed_data(d) for name, d in outputs})
    except (TypeError, ValueError, OverflowError, RecursionError) as problem:
        return failed_invocation(invocation_id, *_exception_texts(problem))


def failed_invocation(invocation_id: str, message: str, stack_trace: str = "") -> InvocationResponse:
    """The answer of an invocation that failed."""
    return InvocationResponse(invocation_id, exception=_sendable(message, stack_trace))


def _exception_texts(exception: BaseException) -> tuple[str, str]:
    """``Type: message`` and the traceback, as the platform logs them."""
    serialized = serialize_exception(exception, _Protos)
    return serialized.message, serialized.stack_trace


def _string_datums(values: Mapping[str, str]) -> dict[str, Datum]:
    return {name: Datum(value, "string") for name, value in values.items()}


def _http_datum(http: RpcHttp) -> Datum:
    return Datum(
        {
            "method": Datum(http.method, "string"),
            "url": Datum(http.url, "string"),
            "headers": _string_datums(http.headers),
            "query": _string_datums(http.query),
            "params": _string_datums(http.params),
            "body": Datum(http.body, "bytes"),
        },
        "http",
    )


def _typed_data(datum: Datum | None) -> TypedData | None:
    """The message for a value, as ``datum_as_proto`` of the runtime makes it. Raises TypeError on an unknown kind."""
    if datum is None or datum.type is None:
        return None
    match datum.type:
        case "http":
            return _http_data(datum.value)
        case "string":
            return StringData(datum.value)
        case "bytes":
            return BytesData(bytes(datum.value))
        case "json":
            return JsonData(datum.value)
        case "dict" | "list" | "double":
            return JsonData(json.dumps(datum.value))
        case "int" | "bool":
            return JsonData(str(int(datum.value)))  # TypedData has no bool; the platform sends an int
        case unknown:
            raise TypeError(f"the runtime returned a value of the unknown kind {unknown!r}")


def _http_data(value: Mapping[str, Any]) -> HttpData:
    cookies: list[SimpleCookie] = value["cookies"] or []
    return HttpData(
        status_code=value["status_code"].value,
        headers={name: header.value for name, header in value["headers"].items()},
        cookies=[
            RpcHttpCookie(
                name=name,
                value=morsel.value,
                domain=morsel["domain"],
                path=morsel["path"],
                expires=_expires(morsel),
                max_age=_max_age(morsel),
                secure=bool(morsel["secure"]),
                http_only=bool(morsel["httponly"]),
                same_site=morsel["samesite"],
            )
            for cookie in cookies
            for name, morsel in cookie.items()
        ],
        body=value["body"].value,
    )


def _expires(morsel: Morsel[str]) -> str:
    """
    The expiry date as the host writes it. Raises ValueError, and logs it, for a form that the runtime does not read.

    It does not use strftime, since the app may have changed the locale.
    """
    moment = parse_cookie_attr_expires(morsel)
    return "" if moment is None else format_datetime(moment.replace(tzinfo=UTC), usegmt=True)


def _max_age(morsel: Morsel[str]) -> str:
    """Whole seconds, as the host writes them. Raises TypeError or OverflowError unless it is a finite number."""
    seconds = to_nullable_double(morsel["max-age"], "cookie.maxAge", _Protos)
    return "" if seconds is None else str(int(seconds.value))


def _rpc_exception(exception: Any) -> RpcException | None:
    return None if exception is None else _sendable(exception.message, exception.stack_trace)


def _sendable(message: str, stack_trace: str) -> RpcException:
    return RpcException(escape_surrogates(message), escape_surrogates(stack_trace))
