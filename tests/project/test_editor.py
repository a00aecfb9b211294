"""What editors read: it parses, names what exists, and test.http has every route, each of which answers."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from functune.hosts.local import LOCAL_HOST
from functune.hosts.served_app import ServedApp
from functune.setting import Setting

ROOT = Path(__file__).parent.parent.parent
JSON_FILES = sorted([*ROOT.glob(".vscode/*.json"), *ROOT.glob(".devcontainer/*.json")])
MAKE_TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


@dataclass(frozen=True)
class Request:
    """One request of test.http, its variables not filled in."""

    method: str
    url: str
    headers: dict[str, str]
    body: str


def requests() -> Iterator[Request]:
    """The requests of test.http: separated by ``###``, headers up to an empty line, then the body."""
    for block in re.split(r"^###.*$", (ROOT / "test.http").read_text(), flags=re.MULTILINE)[1:]:
        head, _, body = block.strip().partition("\n\n")
        first, *lines = head.splitlines()
        method, url = first.split(" ", 1)
        yield Request(method, url, dict(line.split(": ", 1) for line in lines), body.strip())


def routes() -> set[tuple[str, str]]:
    """Method and path of every function of the app, from a process of its own: an app can be indexed only once."""
    script = (
        "import json; from function_app import app; "
        "print(json.dumps([json.loads(f.get_raw_bindings()[0]) for f in app.get_functions()]))"
    )
    outcome = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    triggers = json.loads(outcome.stdout)
    return {(method, f"/{trigger['route']}") for trigger in triggers for method in trigger["methods"]}


@pytest.mark.parametrize("path", JSON_FILES, ids=lambda path: path.name)
def test_file_parses_and_names_make_targets_that_exist(path: Path) -> None:
    assert json.loads(path.read_text())
    named = set(re.findall(r"\bmake ([a-z-]+)", path.read_text()))
    assert named <= MAKE_TARGETS


def test_tasks_that_a_launch_starts_first_exist() -> None:
    tasks = {task["label"] for task in json.loads((ROOT / ".vscode" / "tasks.json").read_text())["tasks"]}
    launches = json.loads((ROOT / ".vscode" / "launch.json").read_text())["configurations"]
    assert {launch["preLaunchTask"] for launch in launches if "preLaunchTask" in launch} <= tasks
    assert all((ROOT / argument.removeprefix("${workspaceFolder}/")).exists() for argument in launches[1]["args"][1:])


def test_container_and_workspace_recommend_the_same_extensions() -> None:
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    workspace = json.loads((ROOT / ".vscode" / "extensions.json").read_text())
    assert container["customizations"]["vscode"]["extensions"] == workspace["recommendations"]


def test_http_file_has_every_route_of_the_app_and_no_other() -> None:
    assert {
        (request.method, httpx.URL(request.url.replace("{{host}}", "http://h")).path) for request in requests()
    } == (routes())


async def test_every_request_of_the_http_file_is_answered() -> None:
    settings = {
        # Nothing listens there: the fetches by GET answer with an error for the url, and 200.
        "FETCH_URLS": "http://127.0.0.1:9/",
        "FETCH_ALLOWED_HOSTS": "127.0.0.1",
        "IDENTITY_ALLOWED_SCOPES": "https://management.azure.com/.default",
    }
    async with (
        LOCAL_HOST.running(ServedApp(ROOT), setting=Setting(thread_count=4), app_settings=settings) as host,
        httpx.AsyncClient(trust_env=False, verify=False, timeout=30) as client,
    ):
        for request in requests():
            url, body = (text.replace("{{host}}", host.base_url) for text in (request.url, request.body))
            headers = {name: value.replace("{{key}}", "") for name, value in request.headers.items()}
            answer = await client.request(request.method, url, headers=headers, content=body)
            allowed = {200, 503} if "/identity/" in url else {200}
            assert answer.status_code in allowed, f"{request.method} {url}: {answer.text}"
