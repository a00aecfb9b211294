"""What the host makes of indexed functions: which it refuses, in which order it tries the rest, which it leaves out."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from functune.host.functions import FunctionSet, load_functions
from functune.host.host_json import HostJson
from functune.host.messages import RpcFunctionMetadata
from functune.host.route_templates import RouteError
from functune.host.settings import HostSettings, WorkerSettings
from functune.packages.app_packages import find_app_packages


def settings(*, prefix: str = "api", allowed: tuple[str, ...] | None = None, disabled: str = "") -> HostSettings:
    return HostSettings(
        script_root=Path("/app"),
        address="127.0.0.1",
        port=7071,
        verbose=False,
        host_json=HostJson(route_prefix=prefix, functions=allowed),
        worker=WorkerSettings(process_count=1, environ={}, startup_interval=0),
        packages=find_app_packages(Path("/app")),
        body_limit=1,
        is_home_page_disabled=False,
        disabled_functions=frozenset(disabled.split()),
    )


def http(
    name: str, route: str | None = None, methods: list[str] | None = None, *, arg_name: str = "req"
) -> RpcFunctionMetadata:
    binding: dict[str, Any] = {"type": "httpTrigger", "direction": "IN", "name": arg_name, "authLevel": "FUNCTION"}
    if route is not None:
        binding["route"] = route
    if methods is not None:
        binding["methods"] = methods
    return indexed(name, binding, {"type": "http", "direction": "OUT", "name": "$return"})


def indexed(name: str, *bindings: dict[str, Any]) -> RpcFunctionMetadata:
    return RpcFunctionMetadata(
        name, f"id of {name}", "function_app.py", name, "/app", [json.dumps(b) for b in bindings]
    )


def names(found: FunctionSet) -> list[str]:
    return [function.name for function in found.functions]


def only_error(*metadata: RpcFunctionMetadata, **given: Any) -> str:
    found = load_functions(metadata, settings(**given))
    assert len(found.errors) == 1
    return found.errors[0]


def test_functions_are_tried_in_the_order_of_their_names_without_case() -> None:
    found = load_functions([http(name) for name in ("b", "a_b", "C", "aZ", "B2")], settings())
    assert names(found) == ["aZ", "a_b", "b", "B2", "C"]


def test_route_is_prefix_and_route_or_the_name() -> None:
    metadata = [http("a", "x/{id}"), http("b"), http("c", "")]
    assert [f.route for f in load_functions(metadata, settings()).functions] == ["api/x/{id}", "api/b", "api/"]
    assert [f.route for f in load_functions(metadata, settings(prefix="")).functions] == ["x/{id}", "b", ""]


def test_route_table_serves_the_functions() -> None:
    found = load_functions([http("a", "{id}", ["post"]), http("b", "x")], settings())
    match = found.routes().match("GET", "/api/x")
    assert match is not None
    assert match[0].name == "b"


@pytest.mark.parametrize("name", ["1a", "a b", "a.b", "host", "HOST", "ä", "", "a" * 129])
def test_function_name_that_the_host_refuses_is_named(name: str) -> None:
    assert f"'{name}' is not a function name: a letter, then" in only_error(http(name))


@pytest.mark.parametrize("name", ["a", "a_b-c9", "a" * 128])
def test_function_name_that_the_host_takes(name: str) -> None:
    assert names(load_functions([http(name)], settings())) == [name]


def test_binding_name_with_an_underscore_is_refused_and_says_what_to_change() -> None:
    error = only_error(http("hello", arg_name="my_req"))
    assert error.startswith("The 'hello' function is in error: the binding name 'my_req' is invalid")
    assert error.endswith("change trigger_arg_name or arg_name")


def test_binding_names_must_be_unique() -> None:
    out = {"type": "http", "direction": "OUT", "name": "req"}
    trigger = {"type": "httpTrigger", "direction": "IN", "name": "req"}
    assert "binding names req, req are not unique" in only_error(indexed("twice", trigger, out))


def test_function_without_a_trigger_is_refused() -> None:
    assert "it has no trigger" in only_error(indexed("a", {"type": "blob", "direction": "IN", "name": "blob"}))


@pytest.mark.parametrize("route", ["admin", "admin/x", "/Administrators", "runtime/status"])
def test_reserved_route_is_refused(route: str) -> None:
    assert "begins with a reserved word (admin or runtime)" in only_error(http("a", route))


def test_function_named_like_a_reserved_word_may_have_another_route() -> None:
    assert names(load_functions([http("admin_page", ""), http("runtime", "x")], settings())) == [
        "admin_page",
        "runtime",
    ]


@pytest.mark.parametrize(
    ("first", "second", "is_taken"),
    [
        (["GET"], ["POST"], False),
        (["GET"], ["get", "POST"], True),
        (None, ["GET"], True),
        (["GET"], None, True),
        (None, None, True),
        ([], ["GET"], False),
    ],
)
def test_route_given_twice_is_refused_when_methods_meet(
    first: list[str] | None, second: list[str] | None, is_taken: bool
) -> None:
    found = load_functions([http("b", "X/{id}/", second), http("a", "x/{ID}", first)], settings())
    assert names(found) == (["a"] if is_taken else ["a", "b"])
    assert ["is taken by the function 'a'" in error for error in found.errors] == ([True] if is_taken else [])


def test_one_refused_function_leaves_the_others() -> None:
    found = load_functions([http("good"), http("bad", arg_name="_req")], settings())
    assert (names(found), len(found.errors)) == (["good"], 1)


def test_allow_list_is_compared_without_case() -> None:
    metadata = [http("hello"), http("World"), http("other")]
    assert names(load_functions(metadata, settings(allowed=("HELLO", "world")))) == ["hello", "World"]
    assert names(load_functions(metadata, settings(allowed=()))) == []


def test_names_that_the_app_does_not_have_are_named() -> None:
    metadata = [http("hello"), http("one"), http("One")]  # the second "one" is in error, which is said elsewhere
    found = load_functions(metadata, settings(allowed=("HELLO", "helo", "one", "by")))
    [message] = [text for level, text in found.problems() if level == logging.WARNING]
    assert message == "The app has no function of this name, which --functions or host.json asks for: helo, by"
    everything = load_functions(metadata, settings())
    assert [level for level, _ in everything.problems()] == [logging.ERROR]


def test_disabled_function_is_listed_and_has_no_route() -> None:
    found = load_functions([http("Off", "same"), http("on")], settings(disabled="off"))
    assert [(function.name, function.is_disabled) for function in found.functions] == [("Off", True), ("on", False)]
    assert [route.target.name for route in found.routes().routes] == ["on"]


def test_other_trigger_is_listed_and_has_no_route() -> None:
    timer = indexed("tick", {"type": "timerTrigger", "direction": "IN", "name": "timer", "schedule": "* * * * * *"})
    found = load_functions([timer, http("a")], settings())
    assert [function.name for function in found.other_triggers] == ["tick"]
    assert len(found.routes().routes) == 1


def test_http_output_is_the_output_binding_of_type_http() -> None:
    trigger = {"type": "httpTrigger", "direction": "IN", "name": "req"}
    out = {"type": "http", "direction": "OUT", "name": "res"}
    queue = {"type": "queue", "direction": "OUT", "name": "msg"}
    found = load_functions([http("a"), indexed("b", trigger, queue, out), indexed("c", trigger, queue)], settings())
    assert [function.http_output for function in found.functions] == ["$return", "res", None]


def test_bad_template_stops_the_start() -> None:
    with pytest.raises(RouteError, match="api//x"):
        load_functions([http("a", "/x")], settings()).routes()
