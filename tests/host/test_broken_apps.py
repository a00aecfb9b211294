"""Apps and settings that cannot run: the message names the cause, the exit code says so, and no process stays."""

import json
import re
import socket
from pathlib import Path

import pytest

from tests.host.serving import Serving, children, wait_until

V2 = json.dumps({"version": "2.0"})
APP = """
import azure.functions as func
app = func.FunctionApp()
"""
HELLO = """
@app.route("{route}")
def hello(req: func.HttpRequest) -> str:
    return "hello"
"""


def write_app(folder: Path, source: str | None, host_json: str | None = V2, local_settings: str | None = None) -> Path:
    """Write the files of an app that are not None."""
    files = {"function_app.py": source, "host.json": host_json, "local.settings.json": local_settings}
    for name, content in files.items():
        if content is not None:
            (folder / name).write_text(content)
    return folder


def failed(script_root: Path, *flags: str, **environ: str) -> str:
    """Everything a run prints that ends with exit code 1; checks that it leaves no process."""
    with Serving(script_root, *flags, **environ) as host:
        seen: set[int] = set()

        def is_over() -> bool:
            seen.update(children(host.process.pid))
            return host.process.poll() is not None

        wait_until(is_over, "end of the run")
        assert host.ended() == 1
        assert not [pid for pid in seen if Path(f"/proc/{pid}").exists()]
        return host.text


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("import nothing_of_that_name", "ModuleNotFoundError: No module named 'nothing_of_that_name'"),
        ("def broken(:", "SyntaxError: invalid syntax (function_app.py, line 1)"),
        ("x = 1", "ValueError: Could not find top level function app instances in function_app.py"),
        (APP + "other = func.FunctionApp()", "ValueError: More than one FunctionApp or other top level"),
        (
            APP + HELLO.format(route="a") + HELLO.format(route="b"),
            "ValueError: Function hello does not have a unique function name",
        ),
    ],
)
def test_app_that_cannot_be_loaded_says_why_once(tmp_path: Path, source: str, cause: str) -> None:
    text = failed(write_app(tmp_path, source))
    assert text.startswith(f"functune: the app in {tmp_path} cannot be loaded: {cause}")
    assert text.count(cause) == 1
    assert "Traceback" not in text
    assert "functune/host" not in text, "a traceback of the host itself"


def test_app_that_cannot_be_loaded_shows_its_lines_alone(tmp_path: Path) -> None:
    (tmp_path / "orders.py").write_text("def total(): return 1 / 0")
    text = failed(write_app(tmp_path, "import json, orders\njson.loads('1', parse_int=lambda _: orders.total())"))
    places = [line.strip() for line in text.splitlines() if line.startswith("  File ")]
    assert places == [
        f'File "{tmp_path}/function_app.py", line 2, in <module>',
        f'File "{tmp_path}/function_app.py", line 2, in <lambda>',
        f'File "{tmp_path}/orders.py", line 1, in total',
    ]


NESTED = "shop/orders.py"


@pytest.mark.parametrize(
    ("files", "cause", "places"),
    [
        (
            {"function_app.py": "import shop.orders", NESTED: "import os\nURL = os.environ['ORDERS_URL']"},
            "KeyError: 'ORDERS_URL'",
            [("function_app.py", 1), (NESTED, 2)],
        ),
        (
            {"function_app.py": f"{APP}\n@app.warmup_triger()\ndef warm(context): ..."},
            "AttributeError: 'FunctionApp' object has no attribute 'warmup_triger'",
            [("function_app.py", 5)],
        ),
        (
            {"function_app.py": "import asyncio\nasync def load(): ...\nasyncio.run(load())"},
            "RuntimeError: asyncio.run() cannot be called from a running event loop",
            [("function_app.py", 3)],
        ),
        (
            {"function_app.py": "import shop.orders", NESTED: "\n\ndef total(:"},
            "SyntaxError: invalid syntax (orders.py, line 3)",
            [("function_app.py", 1), (NESTED, 3)],
        ),
        (
            {"function_app.py": "import shop.orders", NESTED: "import nothing_of_that_name"},
            "ModuleNotFoundError: No module named 'nothing_of_that_name'",
            [("function_app.py", 1), (NESTED, 1)],
        ),
    ],
    ids=["setting", "attribute", "asyncio.run", "syntax", "module"],
)
def test_import_that_fails_names_file_and_line(
    tmp_path: Path, files: dict[str, str], cause: str, places: list[tuple[str, int]]
) -> None:
    (tmp_path / "shop").mkdir()
    for name, source in files.items():
        (tmp_path / name).write_text(source)
    text = failed(write_app(tmp_path, None))
    assert f"functune: the app in {tmp_path} cannot be loaded: {cause}" in text
    shown = re.findall(r'^  File "(.+)", line (\d+)', text[text.index(cause) :], re.MULTILINE)
    assert shown == [(str(tmp_path / name), str(line)) for name, line in places]


def test_missing_host_json_is_said_at_the_start(tmp_path: Path) -> None:
    with Serving(write_app(tmp_path, APP + HELLO.format(route="x"), host_json=None)) as host:
        assert host.ready().get("/api/x").text == "hello"
        assert host.text.count("host.json") == 1
        host.line(rf"Z\] {tmp_path} contains no host\.json: the defaults of the real host apply$")


def test_verbose_host_also_shows_what_the_runtime_logs_of_an_app_that_cannot_be_loaded(tmp_path: Path) -> None:
    text = failed(write_app(tmp_path, "import nothing_of_that_name"), "--verbose")
    assert "Error when indexing function" in text
    assert text.count("ModuleNotFoundError") > 1


def test_errors_the_runtime_logs_are_shown_when_the_worker_then_dies(tmp_path: Path) -> None:
    source = "import logging, os\nlogging.getLogger('azure_functions_runtime.x').error('the last words')\nos._exit(8)"
    text = failed(write_app(tmp_path, source))
    assert text.count("the last words") == 1


@pytest.mark.parametrize(
    ("source", "how"),
    [
        ("raise SystemExit(7)", "exited with code 7"),
        ("import os; os._exit(8)", "exited with code 8"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "was ended by SIGSEGV"),
    ],
)
def test_app_that_ends_its_worker_while_it_is_imported(tmp_path: Path, source: str, how: str) -> None:
    last = failed(write_app(tmp_path, source)).splitlines()[-1]
    assert last.startswith("functune: worker 1 (pid ")
    assert "ended while it started: " in last
    assert how in last


@pytest.mark.parametrize(
    ("route", "cause"),
    [
        ("{id:integer}", "the route template 'api/{id:integer}' is not valid: the constraint 'integer' is not known"),
        ("/leading", "the route template 'api//leading' is not valid: two separators '/' follow each other"),
        ("{id", "a brace in '{id' is not closed"),
    ],
)
def test_route_that_the_router_refuses(tmp_path: Path, route: str, cause: str) -> None:
    text = failed(write_app(tmp_path, APP + HELLO.replace("{route}", route)))
    assert cause in text
    assert "Traceback" not in text


@pytest.mark.parametrize(
    ("host_json", "local_settings", "cause"),
    [
        ("{broken", None, "host.json: cannot be read as JSON"),
        ("{}", None, 'host.json: "version" is null; the v4 host needs "version": "2.0"'),
        (V2, '{"Values": {"A": "b"}}', "local.settings.json: the values are encrypted"),
    ],
)
def test_settings_file_that_is_wrong(tmp_path: Path, host_json: str, local_settings: str | None, cause: str) -> None:
    text = failed(write_app(tmp_path, APP + HELLO.format(route="x"), host_json, local_settings))
    assert cause in text
    assert text.count("\n") == 0


def test_folder_without_an_app(tmp_path: Path) -> None:
    text = failed(write_app(tmp_path, None))
    assert f"functune: {tmp_path} contains no function_app.py" in text
    assert "a Flask, Django or FastAPI app is measured with --app" in text
    assert "--script-root" in text
    assert "Traceback" not in text


def test_script_root_that_is_missing(tmp_path: Path) -> None:
    assert failed(tmp_path / "nowhere") == f"functune: --script-root {tmp_path}/nowhere: there is no such folder"


@pytest.mark.parametrize(("count", "cause"), [("11", "at most 10 worker processes"), ("x", "takes a whole number")])
def test_process_count_that_the_real_host_refuses(tmp_path: Path, count: str, cause: str) -> None:
    text = failed(write_app(tmp_path, APP), FUNCTIONS_WORKER_PROCESS_COUNT=count)
    assert "FUNCTIONS_WORKER_PROCESS_COUNT" in text
    assert cause in text


def test_busy_port_is_named_with_the_flag_that_helps(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        text = failed(write_app(tmp_path, APP), "--port", port)
    assert f"functune: cannot listen on 127.0.0.1 port {port}: " in text
    assert "--port" in text


@pytest.mark.parametrize("address", ["999.1.1.1", "192.0.2.1", "not an address"])
def test_address_of_no_interface_is_named_with_what_is_allowed(tmp_path: Path, address: str) -> None:
    text = failed(write_app(tmp_path, APP), "--address", address)
    assert text.startswith(f"functune: cannot listen on the address '{address}': ")
    assert "--address and Host.LocalHttpAddress take an address of this machine, such as 127.0.0.1" in text


def test_app_with_a_refused_function_serves_the_others(tmp_path: Path) -> None:
    source = APP + HELLO.format(route="x") + HELLO.replace("{route}", "admin/x").replace("hello(req", "bad(req")
    with Serving(write_app(tmp_path, source)) as host:
        host.ready()
        host.line("The 'bad' function is in error: its route 'admin/x' begins with a reserved word")
        assert host.get("/api/x").text == "hello"


def test_app_without_functions_says_so_and_stays(tmp_path: Path) -> None:
    with Serving(write_app(tmp_path, APP, host_json=None)) as host:
        host.ready()
        host.line("No job functions found")
        assert host.get("/api/x").status_code == 404


def test_broken_local_settings_are_a_warning(tmp_path: Path) -> None:
    with Serving(write_app(tmp_path, APP + HELLO.format(route="x"), local_settings="{broken")) as host:
        host.line(r"local\.settings\.json: .*; it is treated as empty\.")
        assert host.ready().get("/api/x").text == "hello"
