"""Apps and settings that cannot run: the message names the cause, the exit code says so, and no process stays."""

import json
import re
import socket
from pathlib import Path

import pytest

from tests.host.loading import load_failure
from tests.host.serving import Serving, children, is_alive, wait_until

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
        assert not any(is_alive(pid) for pid in seen)
        return host.text


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("x = 1", "ValueError: Could not find top level function app instances in function_app.py"),
        (APP + "other = func.FunctionApp()", "ValueError: More than one FunctionApp or other top level"),
        (
            APP + HELLO.format(route="a") + HELLO.format(route="b"),
            "ValueError: Function hello does not have a unique function name",
        ),
    ],
    ids=["no app", "two apps", "two functions of one name"],
)
async def test_app_that_cannot_be_loaded_says_why_once(tmp_path: Path, source: str, cause: str) -> None:
    assert_said_once(await load_failure(write_app(tmp_path, source)), cause, tmp_path)


def assert_said_once(text: str, cause: str, script_root: Path) -> None:
    assert f"the app in {script_root} cannot be loaded: {cause}" in text
    assert text.count(cause) == 1
    assert "Traceback" not in text
    assert "functune/host" not in text, "a traceback of the host itself"


NESTED = "shop/orders.py"


@pytest.mark.parametrize(
    ("files", "cause", "places"),
    [
        (
            {"function_app.py": "import shop.orders", NESTED: "import os\nURL = os.environ['ORDERS_URL']"},
            "KeyError: 'ORDERS_URL'",
            [("function_app.py", 1, "<module>"), (NESTED, 2, "<module>")],
        ),
        (
            {"function_app.py": f"{APP}\n@app.warmup_triger()\ndef warm(context): ..."},
            "AttributeError: 'FunctionApp' object has no attribute 'warmup_triger'",
            [("function_app.py", 5, "<module>")],
        ),
        (
            {"function_app.py": "import asyncio\nasync def load(): ...\nasyncio.run(load())"},
            "RuntimeError: asyncio.run() cannot be called from a running event loop",
            [("function_app.py", 3, "<module>")],
        ),
        (
            {"function_app.py": "import shop.orders", NESTED: "\n\ndef total(:"},
            "SyntaxError: invalid syntax (orders.py, line 3)",
            [("function_app.py", 1, "<module>"), (NESTED, 3, "")],
        ),
        (
            {"function_app.py": "import shop.orders", NESTED: "import nothing_of_that_name"},
            "ModuleNotFoundError: No module named 'nothing_of_that_name'",
            [("function_app.py", 1, "<module>"), (NESTED, 1, "<module>")],
        ),
        (
            {
                "function_app.py": "import json, shop.orders as o\n\njson.loads('1', parse_int=lambda _: o.x())",
                NESTED: "def x(): return 1 / 0",
            },
            "ZeroDivisionError: division by zero",
            [("function_app.py", 3, "<module>"), ("function_app.py", 3, "<lambda>"), (NESTED, 1, "x")],
        ),
    ],
    ids=["setting", "attribute", "asyncio.run", "syntax", "module", "through the library"],
)
async def test_import_that_fails_names_file_and_line(
    tmp_path: Path, files: dict[str, str], cause: str, places: list[tuple[str, int, str]]
) -> None:
    (tmp_path / "shop").mkdir()
    for name, source in files.items():
        (tmp_path / name).write_text(source)
    text = await load_failure(write_app(tmp_path, None))
    assert_said_once(text, cause, tmp_path)
    shown = re.findall(r'^  File "(.+)", line (\d+)(?:, in (.+))?$', text, re.MULTILINE)
    assert shown == [(str(tmp_path / name), str(line), function) for name, line, function in places]


async def test_verbose_host_also_shows_what_the_runtime_logs_of_an_app_that_cannot_be_loaded(tmp_path: Path) -> None:
    text = await load_failure(write_app(tmp_path, "import nothing_of_that_name"), verbose=True)
    assert "Error when indexing function" in text
    assert text.count("ModuleNotFoundError") > 1


async def test_errors_the_runtime_logs_are_shown_when_the_worker_then_dies(tmp_path: Path) -> None:
    source = "import logging, os\nlogging.getLogger('azure_functions_runtime.x').error('the last words')\nos._exit(8)"
    text = await load_failure(write_app(tmp_path, source))
    assert text.count("the last words") == 1


@pytest.mark.parametrize(
    ("source", "how"),
    [
        ("import os; os._exit(8)", "exited with code 8"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "was ended by SIGSEGV"),
        ("import atexit, time; atexit.register(time.sleep, 1.5); raise SystemExit(7)", "exited with code 7"),
    ],
)
async def test_app_that_ends_its_worker_while_it_is_imported(tmp_path: Path, source: str, how: str) -> None:
    last = (await load_failure(write_app(tmp_path, source))).splitlines()[-1]
    assert last.startswith("worker 1 (pid ")
    assert "ended while it started: " in last
    assert how in last


async def test_route_that_the_router_refuses(tmp_path: Path) -> None:
    text = await load_failure(write_app(tmp_path, APP + HELLO.replace("{route}", "{id:integer}")))
    assert "the route template 'api/{id:integer}' is not valid: the constraint 'integer' is not known" in text
    assert "Traceback" not in text


async def test_folder_without_an_app(tmp_path: Path) -> None:
    text = await load_failure(write_app(tmp_path, None))
    assert f"{tmp_path} contains no function_app.py" in text
    assert "a Flask, Django or FastAPI app is measured with --app" in text
    assert "--script-root" in text


def test_command_ends_with_1_and_the_error_of_a_worker_that_the_app_ends(tmp_path: Path) -> None:
    last = failed(write_app(tmp_path, "raise SystemExit(7)")).splitlines()[-1]
    assert re.fullmatch(r"functune: worker 1 \(pid \d+\) ended while it started: .* exited with code 7 .*", last)


def test_command_ends_with_1_and_the_error_of_a_settings_file(tmp_path: Path) -> None:
    text = failed(write_app(tmp_path, APP, "{broken"))
    assert text.startswith(f"functune: {tmp_path}/host.json: cannot be read as JSON")
    assert text.count("\n") == 0


def test_busy_port_is_named_with_the_flag_that_helps(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        text = failed(write_app(tmp_path, APP), "--port", port)
    assert f"functune: cannot listen on 127.0.0.1 port {port}: " in text
    assert "--port" in text


@pytest.mark.parametrize("address", ["192.0.2.1", "not an address"])
def test_address_of_no_interface_is_named_with_what_is_allowed(tmp_path: Path, address: str) -> None:
    text = failed(write_app(tmp_path, APP), "--address", address)
    assert text.startswith(f"functune: cannot listen on the address '{address}': ")
    assert "--address and Host.LocalHttpAddress take an address of this machine, such as 127.0.0.1" in text


def test_app_with_faults_that_hinder_no_start_is_served_with_a_warning_about_each(tmp_path: Path) -> None:
    """There is no host.json, local.settings.json cannot be read, and the host refuses one of two functions."""
    source = APP + HELLO.format(route="x") + HELLO.replace("{route}", "admin/x").replace("hello(req", "bad(req")
    with Serving(write_app(tmp_path, source, host_json=None, local_settings="{broken")) as host:
        assert host.ready().get("/api/x").text == "hello"
        host.line(rf"Z\] {tmp_path} contains no host\.json: the defaults of the real host apply$")
        assert host.text.count("host.json") == 1
        host.line(r"local\.settings\.json: .*; it is treated as empty\.")
        host.line("The 'bad' function is in error: its route 'admin/x' begins with a reserved word")


def test_app_without_functions_says_so_and_stays(tmp_path: Path) -> None:
    with Serving(write_app(tmp_path, APP, host_json=None)) as host:
        host.ready()
        host.line("No job functions found")
        assert host.get("/api/x").status_code == 404
