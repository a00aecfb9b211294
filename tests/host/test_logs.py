"""The log of a call: how failures read, which records the real host drops, and what logLevel of host.json hides."""

import re
from collections.abc import Iterator

import pytest

from tests.host.serving import APPS, Serving, wait_until

STAMP = r"^\[[^\]]+Z\] "
MARK = "[dropped by the real host] "
APP = APPS / "logs" / "function_app.py"


@pytest.fixture(scope="module")
def logs() -> Iterator[Serving]:
    """The app of these tests; host.json sets levels for some of its functions."""
    with Serving(APPS / "logs", PYTHON_ENABLE_DEBUG_LOGGING="1") as host:
        yield host.ready()


def after(host: Serving, path: str) -> list[str]:
    """The lines that a failing call logs, without timestamps."""
    before, last = len(host.lines), "record of to_thread in a def handler"
    assert host.get(path).status_code == 500
    assert host.get("/api/handler").text == "ok"
    wait_until(lambda: any(last in line for line in host.lines[before:]), "record that follows those of the failure")
    return [re.sub(STAMP, "", line) for line in host.lines[before:]]


def test_failed_call_is_logged_as_by_the_real_pair_with_the_lines_of_the_app(logs: Serving) -> None:
    executed, *lines = after(logs, "/api/fails")
    assert re.fullmatch(r"Executed 'Functions\.fails' \(Failed, Id=[0-9a-f-]{36}, Duration=\d+ms\)", executed)
    assert lines[:2] == ["Result: Failure", "Exception: KeyError: 'net'"]
    stack = [line for line in lines[2:] if "File " in line]
    assert stack[0].startswith(f'Stack:   File "{APP}", line ')
    assert [line.rpartition(", in ")[2] for line in stack[:3]] == ["fails", "total", "<genexpr>"]
    assert "functune/host" not in logs.text


def test_failed_call_with_a_cause_shows_the_last_exception(logs: Serving) -> None:
    lines = after(logs, "/api/chain")
    assert "Exception: RuntimeError: no total" in lines
    assert any(line.startswith(f'Stack:   File "{APP}"') and line.endswith(", in chain") for line in lines)


def test_failure_outside_the_lines_of_the_app_says_so(logs: Serving) -> None:
    lines = after(logs, "/api/returns")
    assert any(line.startswith("Exception: TypeError: unable to encode outgoing TypedData") for line in lines)
    assert "Stack: no line of the app; --verbose shows those of the runtime" in lines


@pytest.mark.parametrize(
    ("cookie", "lines"),
    [
        (
            "a=1; Expires=tomorrow",
            [
                "Can not parse value tomorrow of expires in the cookie due to invalid format.",
                "Exception: ValueError: time data 'tomorrow' does not match format '%a, %d %b %Y %H:%M:%S GMT'",
            ],
        ),
        ("a=1; Max-Age=soon", ["Exception: TypeError: Cannot parse value soon of 'cookie.maxAge' to float."]),
    ],
)
def test_cookie_that_cannot_be_converted_is_logged_in_the_words_of_the_runtime(
    logs: Serving, cookie: str, lines: list[str]
) -> None:
    logged = after(logs, f"/api/cookie?cookie={cookie}")
    assert [line for line in lines if line not in logged] == []


@pytest.mark.parametrize(
    ("path", "records"),
    [
        ("handler", {"a def handler": True, "to_thread in a def handler": True}),
        ("threads", {"a thread": False, "a pool": False}),
        (
            "coroutines",
            {
                "an async handler": True,
                "a child task": True,
                "to_thread in an async handler": False,
                "an executor": False,
            },
        ),
        ("later", {"a task after the answer": False}),
    ],
)
def test_record_that_the_real_host_drops_is_marked(logs: Serving, path: str, records: dict[str, bool]) -> None:
    assert logs.get(f"/api/{path}").text == "ok"
    assert logs.get("/api/answered").text == "ok"
    for where, is_kept in records.items():
        logs.line(f"{STAMP}{'' if is_kept else re.escape(MARK)}record of {where}$")


def test_marked_records_are_explained_once(logs: Serving) -> None:
    logs.get("/api/threads")
    for where in ("the import", "a thread", "a pool"):
        logs.line(f"{STAMP}{re.escape(MARK)}record of {where}$")
    assert logs.text.count("The real host drops records that belong to no executing invocation") == 1


def test_log_level_of_a_function_decides_what_it_shows(logs: Serving) -> None:
    logs.get("/api/quiet")
    logs.line("an error of quiet")
    assert "a warning of quiet" not in logs.text
    logs.get("/api/debugging")
    logs.line("a debug record of debugging")


def test_default_log_level_applies_to_prints_and_not_to_the_start() -> None:
    level = {"AzureFunctionsJobHost__logging__logLevel__default": "Warning"}
    with Serving(APPS / "logs", **level) as host:
        host.ready().line("Worker process started and initialized")
        host.get("/api/prints")
        host.line(f"{STAMP}a DeprecationWarning$")
        host.line(f"{STAMP}it failed$")
        assert "printed plainly" not in host.text
        assert "a note" not in host.text


def test_log_level_none_hides_everything_but_the_start() -> None:
    level = {"AzureFunctionsJobHost__logging__logLevel__default": "None"}
    with Serving(APPS / "logs", **level) as host:
        host.ready().line("Worker process started and initialized")
        assert host.get("/api/returns").status_code == 500
        assert "Failure" not in host.text
