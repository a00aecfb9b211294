"""
The only module that imports Microsoft's azure-functions-runtime.

The platform runs the same package on Python 3.13 and later. Two of its seams are used, both without gRPC:

- ``worker_init_request`` and ``functions_metadata_request`` import the app and index its functions. They build their
  answers with classes taken from a ``protos`` argument; the small classes below stand in for the protobuf ones.
- ``native_invocation.invocation_request_native`` runs one function on ``Datum`` values.

Both are new and may change: pyproject.toml pins the exact version, and tests/host/test_runtime.py describes a change in
words.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from http.cookies import SimpleCookie
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import azure_functions_runtime as runtime
from azure_functions_runtime.bindings.datumdef import Datum
from azure_functions_runtime.handle_event import _functions as _registry
from azure_functions_runtime.native_invocation import invocation_request_native
from azure_functions_runtime.utils.constants import CUSTOMER_PACKAGES_PATH

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
    """The names of the protobuf module that ``worker_init_request`` and indexing use."""

    BindingInfo = _BindingInfo
    FunctionMetadataResponse = _Record
    RpcException = _Record
    RpcFunctionMetadata = _Record
    RpcRetryOptions = _Record
    StatusResult = _StatusResult
    WorkerInitResponse = _Record
    WorkerMetadata = _Record


def start(script_root: Path) -> None:
    """
    Make the app importable and start the runtime's thread pool, sized by PYTHON_THREADPOOL_THREAD_COUNT alone.

    The package folder of a remote build precedes the packages of the interpreter, as on the platform.
    """
    packages = script_root / ".python_packages" / "lib" / "site-packages"
    for path in (packages, Path(CUSTOMER_PACKAGES_PATH)):
        if path.is_dir():
            sys.path.insert(0, str(path))
            break
    sys.path.insert(0, str(script_root))
    runtime.start_threadpool_executor()


def current_invocation_id() -> str | None:
    """The id of the invocation that the calling task or thread belongs to; None outside an invocation."""
    invocation_id: str | None = runtime.invocation_id_cv.get()
    return invocation_id


async def init(request: WorkerInitRequest) -> WorkerInitResponse:
    """Import function_app.py and index it. Never raises: for a broken app the answer contains the exception."""
    answer = await runtime.worker_init_request(
        _Record(
            request=_Record(
                worker_init_request=_Record(function_app_directory=request.function_app_directory, capabilities={})
            ),
            properties={"host": "127.0.0.1", "protos": _Protos},
        )
    )
    metadata = answer.worker_metadata
    return WorkerInitResponse(
        capabilities=answer.capabilities,
        worker_metadata={
            "runtime_name": metadata.runtime_name,
            "runtime_version": metadata.runtime_version,
            "worker_version": metadata.worker_version,
        },
        exception=_rpc_exception(answer.result.exception),
    )


def time_functions(timer: CallTimer) -> None:
    """Measure every call of the functions that ``init`` has indexed, by replacing them in the runtime's registry."""
    functions = _registry._functions
    for function_id, function in functions.items():
        functions[function_id] = function._replace(func=timer.timed(function.func, is_async=function.is_async))


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
    if not ok:
        sys.stdout.flush()  # the runtime flushes prints after a success only
        return failed_invocation(request.invocation_id, error or "unknown error", trace or "")
    try:
        return InvocationResponse(
            request.invocation_id, _typed_data(return_datum), {name: _typed_data(d) for name, d in outputs}
        )
    except (TypeError, ValueError, OverflowError, RecursionError) as problem:
        return failed_invocation(request.invocation_id, f"{type(problem).__name__}: {problem}")


def failed_invocation(invocation_id: str, message: str, stack_trace: str = "") -> InvocationResponse:
    """The answer of an invocation that failed."""
    return InvocationResponse(
        invocation_id, exception=RpcException(escape_surrogates(message), escape_surrogates(stack_trace))
    )


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
                expires=_expires(morsel["expires"]),
                max_age=_max_age(morsel["max-age"]),
                secure=bool(morsel["secure"]),
                http_only=bool(morsel["httponly"]),
                same_site=morsel["samesite"],
            )
            for cookie in cookies
            for name, morsel in cookie.items()
        ],
        body=value["body"].value,
    )


def _expires(text: str) -> str:
    """
    Rewrite a date as the runtime reads it (``parse_cookie_attr_expires``) and the host writes it.

    Raises ValueError for any other form. It does not use strftime, since the app may have changed the locale.
    """
    if not text:
        return ""
    return format_datetime(datetime.strptime(text, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC), usegmt=True)


def _max_age(text: str) -> str:
    """Whole seconds, as the host writes them. Raises ValueError or OverflowError unless it is a finite number."""
    return str(int(float(text))) if text else ""


def _rpc_exception(exception: Any) -> RpcException | None:
    return None if exception is None else _sendable(exception.message, exception.stack_trace)


def _sendable(message: str, stack_trace: str) -> RpcException:
    return RpcException(escape_surrogates(message), escape_surrogates(stack_trace))
