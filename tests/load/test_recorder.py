"""The kinds of failures that a run counts."""

from typing import NamedTuple

import pytest

from functune.load.recorder import error_name
from functune.run.measurement import HOST_REFUSAL


class Answer(NamedTuple):
    """The part of an answer that is read."""

    status_code: int
    headers: dict[str, str] | None = None


@pytest.mark.parametrize(
    ("answer", "said", "name"),
    [
        (Answer(200, {}), None, None),
        (Answer(500, {}), "HTTP 500", "HTTP 500"),
        (Answer(429, {}), "HTTP 429", "HTTP 429"),
        (Answer(429, {"x-function-scaleout": "1"}), "HTTP 429", HOST_REFUSAL),
        (Answer(0), "timed out", "TimeoutError"),
    ],
    ids=["success", "failure", "429 of the app", "429 of the host", "no answer"],
)
def test_failure_is_named_by_its_origin(answer: Answer, said: str | None, name: str | None) -> None:
    exception = None if said is None else (Exception if answer.status_code else TimeoutError)(said)
    assert error_name(answer, exception) == name
