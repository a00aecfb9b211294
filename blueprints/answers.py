"""JSON responses, and errors as problem details (RFC 9457)."""

import json
import re
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import azure.functions as func

_SHOWN_LENGTH = 60
# What may be secret in a url: the query, such as a function key or a signature, the fragment, and user information.
_QUERY = re.compile(r"([?#]).+", re.DOTALL)
_USER = re.compile(r"(?<=//)[^/?#]*(?=@)")

_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


class ProblemError(Exception):
    """An error that is reported to the caller: ``status``, and a ``detail`` that says what to do next."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


def json_answer(body: Mapping[str, Any]) -> func.HttpResponse:
    """Answer 200 with ``body`` as compact JSON."""
    # Bytes, not str: the host parses a string as JSON and may rewrite it; bytes pass through unchanged.
    return func.HttpResponse(_encode(body).encode(), mimetype="application/json")


def problem_answer(problem: ProblemError) -> func.HttpResponse:
    """Answer with the status of the problem and an ``application/problem+json`` body."""
    body = {
        # about:blank means that the type says no more than the status (RFC 9457, section 4.2.1).
        "type": "about:blank",
        "title": problem.status.phrase,
        "status": problem.status.value,
        "detail": problem.detail,
    }
    return func.HttpResponse(
        _encode(body).encode(), status_code=problem.status.value, mimetype="application/problem+json"
    )


def label(url: str) -> str:
    """``url`` for a response or a log: the query, the fragment and user information are masked."""
    return _QUERY.sub(r"\1***", _USER.sub("***", url))


def shown(value: object) -> str:
    """``value`` for a message: text is quoted, a url in it is masked as by ``label``, and a long value is cut."""
    text = repr(label(value)) if isinstance(value, str) else label(repr(value))
    return text if len(text) <= _SHOWN_LENGTH else f"{text[:_SHOWN_LENGTH]}…"


def iso_utc(epoch_seconds: float) -> str:
    """``epoch_seconds`` as ISO 8601 in UTC, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch_seconds))
