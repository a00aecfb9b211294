"""Bindings that the local host does not serve: said when the app is loaded, and again by a call that needs one."""

from collections.abc import Iterator
from typing import Any

import pytest

from functune.host.bindings import dropped_outputs, unfilled_inputs
from tests.host.serving import APPS, Serving

TRIGGER = {"type": "httpTrigger", "direction": "IN", "name": "req"}
ANSWER = {"type": "http", "direction": "OUT", "name": "$return"}
BLOB = {"type": "blob", "direction": "IN", "name": "prices"}


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ([], None),
        ([BLOB], "the local host does not fill the input binding 'prices' (blob)"),
        (
            [BLOB, {"type": "table", "direction": 0, "name": "row"}],
            "the local host does not fill the input bindings 'prices' (blob), 'row' (table)",
        ),
        (
            [BLOB | {"properties": {"SupportsDeferredBinding": "True"}}],
            "the local host does not fill the input binding 'prices' (blob, SDK type)",
        ),
    ],
)
def test_input_other_than_the_trigger_is_an_obstacle(inputs: list[dict[str, Any]], reason: str | None) -> None:
    assert unfilled_inputs([ANSWER, *inputs, TRIGGER], TRIGGER) == reason


def test_output_other_than_the_answer_is_dropped() -> None:
    queue = {"type": "queue", "direction": "OUT", "name": "msg"}
    assert dropped_outputs([TRIGGER, ANSWER], "$return") is None
    reason = "the local host drops what it sends to the output binding 'msg' (queue)"
    assert dropped_outputs([TRIGGER, queue, ANSWER], "$return") == reason
    assert dropped_outputs([TRIGGER, queue], None) == reason


@pytest.fixture(scope="module")
def bound() -> Iterator[Serving]:
    """The app whose functions have such bindings; one of them is switched off."""
    with Serving(APPS / "bound", AzureWebJobs_switched_off_Disabled="true") as host:
        yield host.ready()


@pytest.mark.parametrize(
    ("name", "bindings"),
    [
        ("price", r"the input binding 'prices' \(blob\)"),
        ("stock", r"the input bindings 'prices' \(blob\), 'row' \(table\)"),
        ("container", r"the input binding 'box' \(blob, SDK type\)"),
        ("start", r"the input binding 'client' \(durableClient\)"),
    ],
)
def test_input_that_is_not_filled_is_named_at_the_start_and_by_each_call(
    bound: Serving, name: str, bindings: str
) -> None:
    bound.line(rf"Every call of '{name}' will get 500: the local host does not fill {bindings}$")
    answer = bound.get(f"/api/{name}")
    assert (answer.status_code, answer.content) == (500, b"")
    bound.line(rf"Executed 'Functions\.{name}' \(Failed, ")
    bound.line(rf"Exception: the local host does not fill {bindings}$")
    assert "positional argument" not in bound.text


def test_output_that_is_dropped_is_said_once(bound: Serving) -> None:
    assert [bound.get("/api/order").text for _ in range(2)] == ["queued", "queued"]
    assert bound.text.count("'order': the local host drops what it sends to the output binding 'msg' (queue)") == 1


def test_other_functions_of_the_app_are_served_without_a_warning(bound: Serving) -> None:
    assert bound.get("/api/plain").text == "plain"
    for name in ("plain", "switched_off", "tick"):
        assert f"Every call of '{name}'" not in bound.text
        assert f"The function '{name}'" not in bound.text


def test_app_that_streams_is_named_at_the_start_and_by_each_call() -> None:
    with Serving(APPS / "streaming") as host:
        host.ready().line("Every call of 'parts' will get 500: the app uses an HTTP streaming extension")
        assert host.get("/api/parts").status_code == 500
        host.line("Exception: the app uses an HTTP streaming extension")
