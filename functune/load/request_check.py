"""The answers to the requests that are sent once before a load, as a message shows them."""

from collections.abc import Sequence
from typing import Any

from functune.environ import without_values
from functune.load.recorder import error_name
from functune.load.records import CheckedRequest

EXCERPT = 300
"""Characters of an answer that a message shows."""


def note_answer(
    answered: dict[str, CheckedRequest],
    secrets: Sequence[str],
    *,
    request_type: str,
    name: str,
    response_time: float,
    response: Any,
    exception: Exception | None,
    **_: Any,
) -> None:
    """Note the first answer to each request of a Locust file, and the first failure."""
    label = request_label(request_type, name)
    if label not in answered or (exception is not None and answered[label].error is None):
        error = error_name(response, exception)
        answered[label] = CheckedRequest(label, label, error, response_time / 1000, excerpt(response, secrets))


def request_label(request_type: str, name: str) -> str:
    """The name of a request of a Locust file, without the query, which may contain a key."""
    return f"{request_type} {name.partition('?')[0]}"


def excerpt(response: Any, secrets: Sequence[str]) -> str:
    """The first characters of an answer, without the values of the variables that the requests name."""
    said = (response.content or b"")[: 4 * EXCERPT].decode("utf-8", "replace")
    return " ".join(without_values(said, secrets).split())[:EXCERPT]
