"""
Rehearses the remote build: unpacks the zip, installs its requirements next to it, and calls every route of the app.

    python -m tools.rehearsal dist/app.zip

As on Azure, pip installs requirements.txt into ``.python_packages/lib/site-packages`` for the running Python, and the
worker imports from there first. The imports are isolated: an interpreter that has only the unpacked tree imports every
module the app names, which shows a package missing in requirements.txt. The calls have the packages of the worker too,
as on Azure.

Exit codes: 0 every route answered as expected, 1 one did not, 2 wrong usage.
"""

import argparse
import ast
import asyncio
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from functune.errors import FunctuneError
from functune.hosts.local import LOCAL_HOST
from functune.hosts.served_app import ServedApp
from functune.setting import Setting

PACKAGES = Path(".python_packages") / "lib" / "site-packages"
_INSTALL_TIMEOUT = 600
_IMPORT_TIMEOUT = 120
_CALL_TIMEOUT = 30.0

# Run with -I -S, that is without environment variables and site-packages. Prints the file of each module.
_IMPORT = """
import importlib, sys
tree, packages, *names = sys.argv[1:]
sys.path[:0] = [tree, packages]
for name in names:
    print(name, importlib.import_module(name).__file__)
"""


class RehearsalError(Exception):
    """The package does not build or does not serve; the message says what failed and why."""


@dataclass(frozen=True)
class Call:
    """A request and the statuses that the app's contract allows for it."""

    function: str
    method: str
    path: str
    statuses: tuple[int, ...] = (200,)
    json: Any = None


def calls(target: str) -> list[Call]:
    """One request for every route and method of the app; ``target`` is a url the app may fetch."""
    urls = {"urls": [target]}
    scope = "https://management.azure.com/.default"
    return [
        Call("root_health", "GET", "/health"),
        Call("health", "GET", "/api/health"),
        Call("sync_sleep", "GET", "/api/sync/sleep?ms=1"),
        Call("async_sleep", "GET", "/api/async/sleep?ms=1"),
        Call("sync_cpu", "GET", "/api/sync/cpu?ms=1"),
        Call("async_cpu", "GET", "/api/async/cpu?ms=1"),
        Call("async_blocking", "GET", "/api/async/blocking?ms=1"),
        Call("async_offload", "GET", "/api/async/offload?ms=1"),
        Call("sync_fetch", "GET", f"/api/sync/fetch?url={target}"),
        Call("async_fetch", "GET", f"/api/async/fetch?url={target}"),
        Call("parallel_fetch", "GET", "/api/parallel-fetch"),
        Call("parallel_fetch", "POST", "/api/parallel-fetch", json=urls),
        Call("sequential_fetch", "GET", "/api/sequential-fetch"),
        Call("sequential_fetch", "POST", "/api/sequential-fetch", json=urls),
        Call("concurrency_probe", "GET", "/api/concurrency-probe"),
        # The contract answers 503 where there is no identity. A login with az is one.
        Call("sync_identity", "GET", f"/api/identity/sync?scope={scope}", statuses=(200, 503)),
        Call("async_identity", "GET", f"/api/identity/async?scope={scope}", statuses=(200, 503)),
    ]


def unpack(archive: Path, tree: Path) -> None:
    """Unpack the zip into ``tree``. Raises RehearsalError where ``archive`` is not a zip."""
    try:
        with zipfile.ZipFile(archive) as opened:
            opened.extractall(tree)
    except (OSError, zipfile.BadZipFile) as error:
        raise RehearsalError(f"{archive} cannot be unpacked: {error}; build it with python -m tools.package") from error


def install(tree: Path) -> None:
    """Install requirements.txt as the remote build does. Raises RehearsalError with the message of pip."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--prefer-binary"]
    # Most of the modules are never imported here, and those that are get their bytecode then.
    command += ["--no-compile", "--requirement", "requirements.txt", "--target", str(PACKAGES)]
    outcome = subprocess.run(command, cwd=tree, capture_output=True, text=True, timeout=_INSTALL_TIMEOUT)
    if outcome.returncode:
        raise RehearsalError(f"pip could not install requirements.txt:\n{outcome.stderr.strip()}")


def imported_modules(tree: Path) -> set[str]:
    """Every module that the app imports from outside the standard library, including imports inside functions."""
    names: set[str] = set()
    for file in (*tree.glob("*.py"), *tree.glob("blueprints/**/*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module)
    return {name for name in names if name.partition(".")[0] not in sys.stdlib_module_names}


def check_imports(tree: Path) -> None:
    """Import the app and its modules from ``tree`` alone. Raises RehearsalError naming the first that is missing."""
    names = ["function_app", *sorted(imported_modules(tree))]
    command = [sys.executable, "-I", "-S", "-c", _IMPORT, str(tree), str(tree / PACKAGES), *names]
    outcome = subprocess.run(command, capture_output=True, text=True, timeout=_IMPORT_TIMEOUT)
    if outcome.returncode:
        last = outcome.stderr.strip().splitlines()[-1]
        raise RehearsalError(f"the app cannot be imported from the package and its requirements alone: {last}")


async def serve_and_call(tree: Path) -> list[str]:
    """Start the app on the local host and call every route; returns a line for each call. Raises RehearsalError."""
    with _target() as target:
        settings = {
            "FETCH_URLS": target,
            "FETCH_ALLOWED_HOSTS": target.removeprefix("http://").rstrip("/"),
            "IDENTITY_ALLOWED_SCOPES": "https://management.azure.com/.default",
        }
        async with (
            LOCAL_HOST.running(ServedApp(tree), setting=Setting(thread_count=4), app_settings=settings) as host,
            httpx.AsyncClient(base_url=host.base_url, trust_env=False, verify=False, timeout=_CALL_TIMEOUT) as client,
        ):
            await _require_all_called(client, calls(target))
            return [await _made(client, call) for call in calls(target)]


async def _require_all_called(client: httpx.AsyncClient, made: list[Call]) -> None:
    """Raise RehearsalError unless every function served is called: a new route needs a call here."""
    served = {function["name"] for function in (await client.get("/admin/functions")).json()}
    if missing := served ^ {call.function for call in made}:
        raise RehearsalError(f"served or called, but not both: {', '.join(sorted(missing))}; see calls() in this file")


async def _made(client: httpx.AsyncClient, call: Call) -> str:
    answer = await client.request(call.method, call.path, json=call.json)
    if answer.status_code not in call.statuses:
        allowed = " or ".join(str(status) for status in call.statuses)
        raise RehearsalError(
            f"{call.method} {call.path} answered {answer.status_code}, not {allowed}: {answer.text[:500]}"
        )
    return f"{answer.status_code}  {call.method:<4}  {call.path}"


@contextmanager
def _target() -> Iterator[str]:
    """A server that answers ok, for the app to fetch from; yields its url."""

    class Ok(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, format: str, *args: Any) -> None:
            """Print nothing: the calls are listed."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Ok) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def rehearse(archive: Path, tree: Path) -> list[str]:
    """Run every step in the empty folder ``tree``; returns a line per call. Raises RehearsalError or FunctuneError."""
    unpack(archive, tree)
    install(tree)
    check_imports(tree)
    return asyncio.run(serve_and_call(tree))


def main() -> None:
    """Rehearse in a temporary folder, print the answers, exit."""
    parser = argparse.ArgumentParser(
        description="Install a deployment zip as the remote build does, and call every route."
    )
    parser.add_argument("archive", type=Path, help="the zip of tools.package, such as dist/app.zip")
    archive: Path = parser.parse_args().archive
    with TemporaryDirectory(prefix="package-") as tree:
        try:
            for line in rehearse(archive, Path(tree)):
                print(line)
        except (RehearsalError, FunctuneError) as error:
            sys.exit(f"tools.rehearsal: {error}")
    print("Every route answers from the package and its requirements alone.")


if __name__ == "__main__":
    main()
