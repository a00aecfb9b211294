"""What infra/deploy.sh asks of az, recorded by a program of that name, and what infra/probe.py makes of an app."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from tests.infra.bicep import INFRA, ROOT
from tests.infra.test_parameters import GIVEN

SCRIPT = INFRA / "deploy.sh"
PROBE = INFRA / "probe.py"
# Answers as az would, and writes down what it was asked.
AZ = """#!/bin/sh
printf '%s\\n' "$*" >> "$AZ_LOG"
case "$*" in
*"group exists"*) echo "$AZ_GROUP_EXISTS" ;;
*AZURE_FUNCTION_APP_NAME*) echo func-test ;;
*SERVICE_API_URI*) echo "$AZ_URL" ;;
*"keys list"*) echo "$AZ_KEY" ;;
esac
"""


@contextmanager
def serving(answers: list[tuple[int, bytes]]) -> Iterator[str]:
    """An app that gives these answers in turn, the last one for ever; yields its address."""

    class App(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answers.pop(0) if len(answers) > 1 else answers[0]
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), App) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


HEALTHY = (200, json.dumps({"status": "healthy", "python": "3.13.1", "packages": {}}).encode())


@pytest.fixture
def deploy(tmp_path: Path) -> Callable[..., tuple[subprocess.CompletedProcess[str], list[str]]]:
    """Runs the script with a recording az; returns how it ended, and what az was asked."""
    (tmp_path / "az").write_text(AZ)
    (tmp_path / "az").chmod(0o755)

    def run(
        *arguments: str, url: str, exists: str = "false", key: str = ""
    ) -> tuple[subprocess.CompletedProcess[str], list[str]]:
        log = tmp_path / "log"
        environment = {
            **{name: value for name, value in os.environ.items() if name != "FUNCTUNE_KEY"},
            "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
            "AZ_LOG": str(log),
            "AZ_URL": url,
            "AZ_GROUP_EXISTS": exists,
            "AZ_KEY": key,
        }
        ended = subprocess.run([SCRIPT, *arguments], env=environment, capture_output=True, text=True, timeout=300)
        return ended, log.read_text().splitlines() if log.exists() else []

    return run


@pytest.mark.parametrize("path", GIVEN, ids=lambda path: path.stem)
def test_script_passes_the_parameter_file_and_sends_the_code(path: Path, deploy: Callable[..., tuple]) -> None:
    size = path.name.partition(".")[0]
    with serving([HEALTHY]) as url:
        ended, asked = deploy("group", "region", size, "fetchUrls=https://example.com", url=url)
    template = "premium" if size == "premium" else "main"
    assert ended.returncode == 0, ended.stderr
    assert f"Deployed: {url}/api/health" in ended.stdout
    assert f"{url} answers: status healthy, python 3.13.1" in ended.stdout
    (created,) = [line for line in asked if line.startswith("deployment group create")]
    assert f"--template-file infra/{template}.bicep" in created
    assert f"--parameters infra/{size}.parameters.json" in created
    assert "environmentName=group fetchUrls=https://example.com" in created
    (sent,) = [line for line in asked if "config-zip" in line]
    assert "--name func-test --src dist/app.zip --build-remote true" in sent
    assert asked.index(created) < asked.index(sent)


def test_script_fails_for_an_app_that_cannot_be_measured(deploy: Callable[..., tuple]) -> None:
    """The app answers its health check and nothing else, so `functune probe` ends with 3."""
    with serving([HEALTHY]) as url:
        ended, asked = deploy("group", "region", url=url, key="the-key")
    assert ended.returncode == 3
    assert "functionapp keys list --resource-group group --name func-test" in asked[-1]
    assert "the-key" not in ended.stdout + ended.stderr


@pytest.mark.parametrize(("exists", "created"), [("false", 1), ("true", 0)])
def test_script_creates_the_group_only_where_there_is_none(
    exists: str, created: int, deploy: Callable[..., tuple]
) -> None:
    with serving([HEALTHY]) as url:
        _, asked = deploy("group", "region", url=url, exists=exists)
    assert len([line for line in asked if line.startswith("group create")]) == created


def test_workflow_passes_a_parameter_file_that_exists() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "deploy.yml").read_text())
    # YAML 1.1 reads the key "on" as true.
    inputs = workflow[True]["workflow_dispatch"]["inputs"]
    offered = next(given["options"] for given in inputs.values() if "options" in given)
    assert {f"{size}.parameters.json" for size in offered} <= {path.name for path in GIVEN}
    runs = [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]
    deploying = [run for run in runs if "az deployment group what-if" in run or "az deployment group create" in run]
    assert deploying
    assert [run for run in deploying if '--parameters "infra/$SIZE.parameters.json"' not in run] == []


def probe(*arguments: str, path: str | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the script as the hook does, with no app or key but those given."""
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("SERVICE_", "AZURE_", "FUNCTUNE_"))
    }
    environment = {**clean, **variables} | ({"PATH": path} if path is not None else {})
    return subprocess.run(
        [sys.executable, PROBE, *arguments], env=environment, capture_output=True, text=True, timeout=120
    )


def test_probe_waits_for_an_app_that_starts() -> None:
    with serving([(503, b""), HEALTHY]) as url:
        ended = probe(url, path="")
    assert ended.returncode == 0, ended.stderr
    assert f"waiting for {url}/api/health: status 503" in ended.stderr
    assert f"{url} answers: status healthy, python 3.13.1" in ended.stdout
    assert "The workers were not counted, since there is no key" in ended.stdout


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((500, b""), "status 500"),
        ((200, b"<html>"), "another app answers"),
        ((200, b"{broken"), "another app answers"),
        ((200, b"[]"), "another app answers"),
    ],
)
def test_probe_fails_for_an_app_that_does_not_answer(answer: tuple[int, bytes], said: str) -> None:
    with serving([answer]) as url:
        ended = probe(url, "--timeout", "4")
    assert ended.returncode == 1
    assert f"did not answer 200 within 4 s; the last answer: {said}" in ended.stderr.replace(
        "200 without a JSON object, so ", ""
    )
    assert "Traceback" not in ended.stderr


def test_probe_fails_where_nothing_listens(closed_port: int) -> None:
    ended = probe(f"http://127.0.0.1:{closed_port}", "--timeout", "4")
    assert ended.returncode == 1
    assert "no answer" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_probe_takes_the_address_of_azd() -> None:
    with serving([HEALTHY]) as url:
        assert probe(path="", SERVICE_API_URI=url).returncode == 0


@pytest.mark.parametrize(("arguments", "said"), [([], "no address"), (["func-x"], "func-x is no address")])
def test_probe_refuses_what_is_no_address(arguments: list[str], said: str) -> None:
    ended = probe(*arguments)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert said in ended.stderr


def test_hook_runs_the_probe_in_both_shells() -> None:
    hook = yaml.safe_load((ROOT / "azure.yaml").read_text())["hooks"]["postdeploy"]
    assert {name: one["shell"] for name, one in hook.items()} == {"posix": "sh", "windows": "pwsh"}
    for one in hook.values():
        program, script = one["run"].split()
        assert program in ("python3", "python")
        assert ROOT / script == PROBE


def test_hook_runs_in_sh() -> None:
    run = yaml.safe_load((ROOT / "azure.yaml").read_text())["hooks"]["postdeploy"]["posix"]["run"]
    environment = {name: value for name, value in os.environ.items() if name != "FUNCTUNE_KEY"}
    with serving([HEALTHY]) as url:
        subprocess.run(
            ["sh", "-c", run], cwd=ROOT, env={**environment, "SERVICE_API_URI": url}, check=True, timeout=120
        )
