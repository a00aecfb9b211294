import ast
import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

from function_app import app

ROOT = Path(__file__).parents[2]

# Section by section what the contract says: function, route, methods, authorization level, colour.
CONTRACT = {
    ("root_health", "health", ("GET",), "ANONYMOUS", "async def"),
    ("health", "api/health", ("GET",), "ANONYMOUS", "def"),
    ("sync_sleep", "api/sync/sleep", ("GET",), "FUNCTION", "def"),
    ("async_sleep", "api/async/sleep", ("GET",), "FUNCTION", "async def"),
    ("sync_cpu", "api/sync/cpu", ("GET",), "FUNCTION", "def"),
    ("async_cpu", "api/async/cpu", ("GET",), "FUNCTION", "async def"),
    ("async_blocking", "api/async/blocking", ("GET",), "FUNCTION", "async def"),
    ("async_offload", "api/async/offload", ("GET",), "FUNCTION", "async def"),
    ("sync_fetch", "api/sync/fetch", ("GET",), "FUNCTION", "def"),
    ("async_fetch", "api/async/fetch", ("GET",), "FUNCTION", "async def"),
    ("parallel_fetch", "api/parallel-fetch", ("GET", "POST"), "FUNCTION", "async def"),
    ("sequential_fetch", "api/sequential-fetch", ("GET", "POST"), "FUNCTION", "async def"),
    ("concurrency_probe", "api/concurrency-probe", ("GET",), "FUNCTION", "async def"),
    ("sync_identity", "api/identity/sync", ("GET",), "FUNCTION", "def"),
    ("async_identity", "api/identity/async", ("GET",), "FUNCTION", "async def"),
}


def test_function_app_registers_the_contract() -> None:
    registered = set()
    for function in app.get_functions():
        trigger = json.loads(function.get_raw_bindings()[0])
        colour = "async def" if inspect.iscoroutinefunction(function.get_user_function()) else "def"
        registered.add(
            (
                function.get_function_name(),
                trigger["route"],
                tuple(sorted(trigger["methods"])),
                trigger["authLevel"],
                colour,
            )
        )
        # The host drops a function whose binding name has an underscore; `req` is the name all of them share.
        assert trigger["name"] == "req"
        assert list(inspect.signature(function.get_user_function()).parameters) == ["req"]
    assert registered == CONTRACT


def test_function_app_import_stays_light() -> None:
    heavy = ["httpx", "azure.identity", "azure.core", "msal", "anyio", "ssl", "importlib.metadata", "functune"]
    script = f"import sys, function_app; print([name for name in {heavy} if name in sys.modules])"
    outcome = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    # ssl comes with asyncio, which azure.functions imports itself.
    assert outcome.stdout.strip() == "['ssl']"


@pytest.mark.parametrize("path", sorted(ROOT.glob("blueprints/*.py")), ids=lambda path: path.name)
def test_blueprints_import_only_what_is_deployed(path: Path) -> None:
    imported = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module or "")
    roots = {name.partition(".")[0] for name in imported}
    assert roots <= sys.stdlib_module_names | {"azure", "httpx", "httpcore", "blueprints"}


def test_host_json_is_unbounded_and_http_only() -> None:
    host = json.loads((ROOT / "host.json").read_text())
    assert host["version"] == "2.0"
    assert host["extensions"] == {
        "http": {"routePrefix": "", "maxOutstandingRequests": -1, "maxConcurrentRequests": -1}
    }
