"""What ``functune serve`` runs with: precedence, local.settings.json, host.json, the environment of a worker."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from functune.environ import process_environ
from functune.errors import SettingsError
from functune.host import settings
from functune.host.host_json import HostJson
from functune.host.settings import HostSettings
from functune.setting import PROCESS_COUNT, THREAD_COUNT

Read = Callable[..., HostSettings]


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Read:
    """Read the settings of a folder with these files, under this environment and nothing else. None is no file."""

    def read(
        *, local: Any = None, host: Any = '{"version": "2.0"}', environ: dict[str, str] | None = None, **flags: Any
    ) -> HostSettings:
        for name, content in (("local.settings.json", local), ("host.json", host)):
            if content is not None:
                text = content if isinstance(content, str) else json.dumps(content)
                (tmp_path / name).write_text(text, "utf-8")
        for name in process_environ():
            monkeypatch.delenv(name)
        for name, value in (environ or {}).items():
            monkeypatch.setenv(name, value)
        return settings.read_host_settings(script_root=tmp_path, **flags)

    return read


def plain(**values: Any) -> dict[str, Any]:
    return {"IsEncrypted": False, "Values": values}


def v2(**keys: Any) -> dict[str, Any]:
    return {"version": "2.0", **keys}


def test_defaults(read: Read, tmp_path: Path) -> None:
    found = read()
    assert (found.address, found.port, found.script_root) == ("127.0.0.1", 7071, tmp_path.resolve())
    assert (found.worker.process_count, found.worker.startup_interval) == (1, 10.0)
    assert (found.body_limit, found.is_home_page_disabled, found.warnings) == (104_857_600, False, ())
    assert found.host_json == HostJson()


def test_missing_host_json_is_a_warning(read: Read, tmp_path: Path) -> None:
    expected = f"{tmp_path.resolve()} contains no host.json: the defaults of the real host apply"
    assert read(host=None).warnings == (expected,)


def test_port_and_address_take_flag_then_local_settings_then_default(read: Read) -> None:
    local = {"IsEncrypted": False, "Host": {"LocalHttpPort": "7072", "LocalHttpAddress": "::1"}}
    assert (read(local=local).port, read(local=local).address) == (7072, "::1")
    flagged = read(local=local, port=0, address="127.0.0.2")
    assert (flagged.port, flagged.address) == (0, "127.0.0.2")


def test_environment_wins_over_local_settings_with_a_warning(read: Read) -> None:
    found = read(local=plain(A="file", B="file"), environ={"A": "process"})
    assert (found.worker.environ["A"], found.worker.environ["B"]) == ("process", "file")
    expected = "Skipping 'A' from local settings as it's already defined in current environment variables."
    assert found.warnings == (expected,)


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), -1.0, 600.5])
def test_invalid_startup_interval_is_named(read: Read, seconds: float) -> None:
    with pytest.raises(SettingsError, match=r"--worker-startup-interval is .*; it takes seconds from 0 to 600"):
        read(startup_interval=seconds)


def test_functions_flag_wins_over_host_json(read: Read) -> None:
    host = v2(functions=["a"])
    assert read(host=host).host_json.functions == ("a",)
    assert read(host=host, functions=("b", "c")).host_json.functions == ("b", "c")


def test_missing_script_root_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"--script-root .*/nowhere: there is no such folder"):
        settings.read_host_settings(script_root=tmp_path / "nowhere")


@pytest.mark.parametrize("mark", [{}, {"IsEncrypted": True}], ids=["absent", "true"])
def test_encrypted_values_are_refused_and_say_how_to_decrypt(read: Read, mark: dict[str, bool]) -> None:
    with pytest.raises(SettingsError, match=r"local\.settings\.json: the values are encrypted.*func settings decrypt"):
        read(local={**mark, "Values": {"A": "1"}})


def test_encrypted_file_without_values_is_fine(read: Read) -> None:
    assert read(local={"Host": {"LocalHttpPort": 7072}}).port == 7072


def test_keys_of_local_settings_are_compared_without_case(read: Read) -> None:
    local = {"isEncrypted": False, "values": {"A": "1"}, "host": {"localHttpPort": 7072, "localHttpAddress": "::1"}}
    found = read(local=local)
    assert (found.worker.environ["A"], found.port, found.address) == ("1", 7072, "::1")


@pytest.mark.parametrize("mark", [False, "false", "False", 0])
def test_values_that_are_marked_as_plain_are_read(read: Read, mark: object) -> None:
    assert read(local={"IsEncrypted": mark, "Values": {"A": "1"}}).worker.environ["A"] == "1"


@pytest.mark.parametrize("content", ["{broken", "[]", "3", "", "null"])
def test_broken_local_settings_are_a_warning_and_count_as_empty(read: Read, content: str) -> None:
    found = read(local=content)
    assert found.port == 7071
    assert len(found.warnings) == 1
    assert "local.settings.json: " in found.warnings[0]
    assert found.warnings[0].endswith("it is treated as empty.")


def test_local_settings_may_begin_with_a_byte_order_mark(read: Read) -> None:
    assert read(local="\ufeff" + json.dumps(plain(A="1"))).worker.environ["A"] == "1"


def test_values_become_text_and_unusable_ones_are_skipped_with_a_warning(read: Read) -> None:
    found = read(local=plain(**{"N": 5, "T": True, "F": False, "NULL": None, "": "x", "A=B": "x", "C": "a\0b"}))
    assert {name: found.worker.environ.get(name) for name in ("N", "T", "F")} == {"N": "5", "T": "true", "F": "false"}
    assert not {"NULL", "", "A=B", "C"} & set(found.worker.environ)
    assert [warning.split("setting ")[1].split(",")[0] for warning in found.warnings] == [
        "'NULL'",
        "''",
        "'A=B'",
        "'C'",
    ]


def test_connection_strings_become_settings(read: Read) -> None:
    local = {"IsEncrypted": False, "ConnectionStrings": {"Db": "text", "Other": {"ConnectionString": "x"}}}
    environ = read(local=local).worker.environ
    assert environ["ConnectionStrings:Db"] == "text"
    assert json.loads(environ["ConnectionStrings:Other"]) == {"ConnectionString": "x"}


@pytest.mark.parametrize(
    ("local", "reason"),
    [
        ({"IsEncrypted": False, "Values": ["A"]}, r"Values is \['A'\]; it takes a JSON object"),
        ({"IsEncrypted": False, "ConnectionStrings": 3}, "ConnectionStrings is 3; it takes a JSON object"),
        ({"IsEncrypted": False, "Host": "x"}, "Host is 'x'; it takes a JSON object"),
        ({"Host": {"LocalHttpPort": "x"}}, r"Host.LocalHttpPort is 'x'; it takes a whole number from 0 to 65535"),
        ({"Host": {"LocalHttpPort": 65536}}, "LocalHttpPort is 65536"),
        ({"Host": {"LocalHttpPort": -1}}, "LocalHttpPort is -1"),
        ({"Host": {"LocalHttpPort": "7_071"}}, "LocalHttpPort is '7_071'"),
        ({"Host": {"LocalHttpAddress": 5}}, "Host.LocalHttpAddress is 5; it takes a string"),
    ],
)
def test_local_settings_of_the_wrong_kind_are_named(read: Read, local: dict[str, Any], reason: str) -> None:
    with pytest.raises(SettingsError, match=reason):
        read(local=local)


def test_null_sections_count_as_empty(read: Read) -> None:
    assert read(local={"Values": None, "ConnectionStrings": None, "Host": None}).warnings == ()


@pytest.mark.parametrize(
    ("value", "count"), [(None, 1), ("", 1), ("0", 1), ("-3", 1), ("1", 1), ("2", 2), (" 3 ", 3), ("10", 10)]
)
def test_process_count(read: Read, value: str | None, count: int) -> None:
    environ = {} if value is None else {PROCESS_COUNT: value}
    assert read(environ=environ).worker.process_count == count


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("11", "is 11; at most 10 worker processes are allowed"),
        ("x", "is 'x'; it takes a whole number from 1 to 10"),
        (" ", "is ' '; it takes a whole number"),
        ("2.5", r"is '2\.5'; it takes a whole number"),
        ("1_0", "is '1_0'; it takes a whole number"),
        ("٣", "is '٣'; it takes a whole number"),
    ],
)
def test_process_count_the_host_refuses(read: Read, value: str, reason: str) -> None:
    with pytest.raises(SettingsError, match=f"FUNCTIONS_WORKER_PROCESS_COUNT {reason}"):
        read(environ={PROCESS_COUNT: value})


@pytest.mark.parametrize(
    ("value", "passed_on", "source"),
    [
        (None, "1000", "host default"),
        ("", "1000", "host default"),
        ("16", "16", "app setting"),
        ("0", "0", "app setting"),
        ("many", "many", "app setting"),
        ("1000000", "1000000", "app setting"),
    ],
)
def test_thread_count_is_injected_only_when_unset_or_empty(
    read: Read, value: str | None, passed_on: str, source: str
) -> None:
    environ = read(environ={} if value is None else {THREAD_COUNT: value}).worker.environ
    assert (environ[THREAD_COUNT], environ[settings.THREAD_COUNT_SOURCE]) == (passed_on, source)


def test_thread_count_may_come_from_local_settings(read: Read) -> None:
    environ = read(local=plain(**{THREAD_COUNT: "8"})).worker.environ
    assert (environ[THREAD_COUNT], environ[settings.THREAD_COUNT_SOURCE]) == ("8", "app setting")


def test_worker_environment_holds_the_host_s_own_and_what_func_start_adds(read: Read, tmp_path: Path) -> None:
    environ = read(environ={"MINE": "1", "AZURE_FUNCTIONS_ENVIRONMENT": "Production"}, port=7099).worker.environ
    assert environ["MINE"] == "1"
    assert environ["AZURE_FUNCTIONS_ENVIRONMENT"] == "Development"
    assert environ["FUNCTIONS_APPLICATION_DIRECTORY"] == str(tmp_path.resolve())
    assert environ["FUNCTIONS_WORKER_RUNTIME"] == "python"
    assert environ["WEBSITE_HOSTNAME"] == "localhost:7099"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{broken", "host.json: cannot be read as JSON"),
        ("{}", r'"version" is null; the v4 host needs "version": "2.0"'),
        ('{"version": "1.0"}', r'"version" is "1.0"'),
        ('{"version": 2.0}', r'"version" is 2.0'),
        ("[]", r'"version" is \[\]'),
        (v2(extensions=[]), r"extensions is \[\]; it takes a JSON object"),
        (v2(extensions={"http": 3}), "http is 3; it takes a JSON object"),
        (v2(extensions={"http": {"routePrefix": 5}}), "extensions.http.routePrefix is 5; it takes a string"),
        (v2(extensions={"http": {"maxConcurrentRequests": 0}}), "maxConcurrentRequests is 0; it takes a whole number"),
        (v2(extensions={"http": {"maxOutstandingRequests": True}}), "maxOutstandingRequests is True; it takes a"),
        (v2(extensions={"http": {"maxConcurrentRequests": "1_0"}}), "maxConcurrentRequests is '1_0'; it takes a whole"),
        (v2(extensions={"http": {"maxConcurrentRequests": 2**31}}), "maxConcurrentRequests is 2147483648"),
        (v2(extensions={"http": {"customHeaders": []}}), r"customHeaders is \[\]"),
        (
            v2(extensions={"http": {"customHeaders": {"X": "€"}}}),
            r"customHeaders.X is '€'; Invalid non-ASCII or control character in header: 0x20AC",
        ),
        (v2(extensions={"http": {"customHeaders": {"X": "a\r\nB: c"}}}), "customHeaders.X is .* in header: 0x000D"),
        (v2(extensions={"http": {"customHeaders": {"X Y": "1"}}}), "customHeaders.X Y is '1'; 'X Y' is not a header"),
        (v2(extensions={"http": {"customHeaders": {"X": None}}}), "customHeaders.X is None; it takes a string"),
        (v2(extensions={"http": {"customHeaders": {"Content-Length": 1}}}), "the host sets this header itself"),
        (v2(logging={"logLevel": {"Function": "Loud"}}), "logLevel.Function is 'Loud'; it takes one of Trace, Debug"),
        (v2(logging={"logLevel": "Debug"}), "logLevel is 'Debug'; it takes a JSON object"),
        (v2(functions="a"), "functions is 'a'; it takes a list of function names"),
        (v2(functionTimeout="00:00:00"), r"functionTimeout is '00:00:00'; it takes \[d.\]hh:mm:ss from 00:00:01"),
        (v2(functionTimeout="5 min"), "functionTimeout is '5 min'"),
        (v2(functionTimeout="00:60:00"), "functionTimeout is '00:60:00'"),
        (v2(functionTimeout="10675199.00:00:00"), "functionTimeout is .* to 10675198.23:59:59, or -1"),
        (v2(functionTimeout="9" * 5000 + ".00:00:00"), "functionTimeout is '9999"),
    ],
)
def test_host_json_that_is_wrong_names_the_key_and_what_is_allowed(read: Read, content: Any, reason: str) -> None:
    with pytest.raises(SettingsError, match=reason):
        read(host=content)


def test_host_json_is_read(read: Read) -> None:
    http = {
        "routePrefix": "/v1/api/",
        "maxOutstandingRequests": 200,
        "maxConcurrentRequests": "100",
        "customHeaders": {"X-A": "1"},
    }
    found = read(host=v2(functionTimeout="00:05:00", functions=["a"], extensions={"http": http})).host_json
    assert found == HostJson(
        route_prefix="v1/api",
        max_outstanding_requests=200,
        max_concurrent_requests=100,
        function_timeout=300.0,
        functions=("a",),
        custom_headers={"X-A": "1"},
    )


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        *[("-1", None), (-1, None), (None, 1800)],
        *[("00:00:01", 1), ("1.02:00:00", 93_600), ("00:00:01.5", 1.5), ("00:10", 600), ("1:2:3", 3723)],
    ],
)
def test_function_timeout_is_a_time_span(read: Read, value: object, seconds: float | None) -> None:
    assert read(host=v2(functionTimeout=value)).host_json.function_timeout == seconds


@pytest.mark.parametrize(
    "name",
    [
        "AzureFunctionsJobHost__extensions__http__routePrefix",
        "AzureFunctionsJobHost__Extensions__HTTP__ROUTEPREFIX",
        "AZUREFUNCTIONSJOBHOST__extensions__http__routeprefix",
    ],
)
@pytest.mark.parametrize("host", [None, v2(extensions={"http": {"routePrefix": "file"}}), v2(extensions={})])
def test_variable_overrides_host_json_without_regard_to_case(read: Read, name: str, host: Any) -> None:
    assert read(host=host, environ={name: "over"}).host_json.route_prefix == "over"


def test_host_json_keys_are_read_without_regard_to_case(read: Read) -> None:
    found = read(host={"version": "2.0", "Extensions": {"Http": {"RoutePrefix": ""}}}).host_json
    assert found.route_prefix == ""


def test_log_levels_are_read_by_category(read: Read) -> None:
    levels = v2(logging={"logLevel": {"default": "Warning", "Function": "error", "Function.loud": "Trace"}})
    found = read(host=levels, environ={"AzureFunctionsJobHost__logging__logLevel__Host": "None"}).host_json.log_levels
    categories = ["Worker", "Function.quiet.User", "Function.loud.User", "Host.General"]
    shown = [found.threshold(category, fallback=logging.INFO) for category in categories]
    assert shown == [logging.WARNING, logging.ERROR, 5, logging.CRITICAL + 1]
    assert read(host=v2()).host_json.log_levels.threshold("Function.a", fallback=logging.INFO) == logging.INFO


def test_override_reaches_arrays_by_index(read: Read) -> None:
    over = {f"AzureFunctionsJobHost__functions__{index}": name for index, name in ((1, "z"), (0, "y"))}
    assert read(environ=over).host_json.functions == ("y", "z")
    over = {"AzureFunctionsJobHost__functions__1": "z"}
    assert read(host=v2(functions=["a", "b", "c"]), environ=over).host_json.functions == ("a", "z", "c")


@pytest.mark.parametrize("index", ["2", "99999999999", "9" * 5000])
def test_override_beyond_the_end_of_an_array_appends(read: Read, index: str) -> None:
    """As the .NET configuration does, which skips gaps; an array of that length would take all memory."""
    over = {f"AzureFunctionsJobHost__functions__{index}": "z"}
    assert read(host=v2(functions=["a"]), environ=over).host_json.functions == ("a", "z")


def test_override_is_checked_like_the_file(read: Read) -> None:
    with pytest.raises(SettingsError, match="maxConcurrentRequests is 'lots'"):
        read(environ={"AzureFunctionsJobHost__extensions__http__maxConcurrentRequests": "lots"})


def test_override_may_stand_in_local_settings(read: Read) -> None:
    local = plain(AzureFunctionsJobHost__extensions__http__routePrefix="x")
    assert read(local=local).host_json.route_prefix == "x"


@pytest.mark.parametrize(("value", "limit"), [("1", 1), ("", 104_857_600), ("5000", 5000), ("535822336", 535_822_336)])
def test_body_limit(read: Read, value: str, limit: int) -> None:
    assert read(environ={"FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": value}).body_limit == limit


@pytest.mark.parametrize("value", ["0", "-1", "1MB", "1.5", "1_0", "535822337", "9" * 5000])
def test_invalid_body_limit_is_named(read: Read, value: str) -> None:
    with pytest.raises(SettingsError, match=f"FUNCTIONS_REQUEST_BODY_SIZE_LIMIT is '{value}'"):
        read(environ={"FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": value})


def test_disabled_functions_in_both_spellings(read: Read) -> None:
    environ = {
        "AzureWebJobs.One.Disabled": "true",
        "AzureWebJobs_two_Disabled": "1",
        "AzureWebJobs.three.Disabled": "false",
    }
    assert read(environ=environ).disabled_functions == {"one", "two"}


@pytest.mark.parametrize(("value", "is_disabled"), [("true", True), ("1", True), ("false", False), ("", False)])
def test_home_page_switch(read: Read, value: str, is_disabled: bool) -> None:
    assert read(environ={"AzureWebJobsDisableHomepage": value}).is_home_page_disabled is is_disabled
