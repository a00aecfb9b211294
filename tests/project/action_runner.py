"""A runner of GitHub Actions for the steps of action.yml, and a stand-in of GitHub's API."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent.parent
ACTION = ROOT / "action.yml"
DESCRIBED = yaml.safe_load(ACTION.read_text())
STEPS = DESCRIBED["runs"]["steps"]
TOKEN = "ghs_aTokenThatNobodyMaySee"
NUMBER = 7
"""Of the pull request."""


class GitHub(ThreadingHTTPServer):
    """A stand-in of GitHub's API, on a port of its own: the comments of one pull request, and who may write them."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.comments: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.may_write = True

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def write(self, body: str, *, by: str = "Bot") -> dict[str, Any]:
        """A new comment, at the end."""
        number = len(self.comments) + 1
        self.comments.append({"id": number, "body": body, "user": {"type": by}, "html_url": f"https://x/{number}"})
        return self.comments[-1]


class Answers(BaseHTTPRequestHandler):
    """The three requests of GitHub's reference that the action needs."""

    server: GitHub

    def do_GET(self) -> None:
        found = re.fullmatch(rf"/repos/o/r/issues/{NUMBER}/comments\?per_page=(\d+)&page=(\d+)", self.path)
        assert found is not None, self.path
        size, page = map(int, found.groups())
        self.answer(200, self.server.comments[size * (page - 1) : size * page])

    def do_POST(self) -> None:
        assert self.path == f"/repos/o/r/issues/{NUMBER}/comments"
        body = self.content()["body"]
        self.answer(201, self.server.write(body)) if self.server.may_write else self.answer(403, {"message": "no"})

    def do_PATCH(self) -> None:
        found = re.fullmatch(r"/repos/o/r/issues/comments/(\d+)", self.path)
        assert found is not None, self.path
        comment = self.server.comments[int(found[1]) - 1]
        comment["body"] = self.content()["body"]
        self.answer(200, comment)

    def content(self) -> Any:
        return json.loads(self.rfile.read(int(self.headers["content-length"])))

    def answer(self, status: int, content: object) -> None:
        self.server.asked.append(
            f"{self.command} {status if self.headers['authorization'] == f'Bearer {TOKEN}' else 401}"
        )
        encoded = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)

    def log_message(self, *_: object) -> None:
        """Nothing: the log of the test is not that of a server."""


@dataclass
class Runner:
    """A runner with a checkout: it runs the steps of action.yml that have a command, each by bash with its files."""

    workspace: Path
    temp: Path
    github: GitHub
    event: str = "pull_request"
    log: str = ""
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)

    def run(self, **inputs: str) -> int:
        """The exit status of the action: that of the first step that fails. Names have ``_`` in place of ``-``."""
        self.log = ""
        self.outputs = {"python": {"python-path": sys.executable}}
        given = {name.replace("_", "-"): value for name, value in inputs.items()}
        for step in STEPS:
            if "run" in step and (code := self.run_step(step, given)):
                return code
        return 0

    def run_step(self, step: dict[str, Any], inputs: dict[str, str]) -> int:
        """One step, as the runner runs `shell: bash`."""
        files = {name: self.temp / f"{name}-{step['name']}" for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for file in files.values():
            file.write_text("")
        event = self.temp / "event.json"
        event.write_text(json.dumps({"pull_request": {"number": NUMBER}} if self.event == "pull_request" else {}))
        environ = {
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_API_URL": self.github.address,
            "GITHUB_EVENT_NAME": self.event,
            "GITHUB_EVENT_PATH": str(event),
            "GITHUB_REPOSITORY": "o/r",
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_TEMP": str(self.temp),
            **{name: str(file) for name, file in files.items()},
            **{name: self.evaluated(value, inputs) for name, value in step["env"].items()},
        }
        script = self.temp / "script.sh"
        script.write_text(step["run"])
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", script],
            cwd=self.workspace,
            env={"PATH": os.environ["PATH"], "HOME": str(self.temp), **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        self.log += done.stdout
        if "id" in step:
            lines = files["GITHUB_OUTPUT"].read_text().splitlines()
            self.outputs[step["id"]] = dict(line.split("=", 1) for line in lines)
        return done.returncode

    def evaluated(self, text: str, inputs: dict[str, str]) -> str:
        """The value of an expression: an input, or an output of an earlier step."""
        found = re.fullmatch(r"\$\{\{ (\w+)\.([\w.-]+) \}\}", text)
        assert found is not None, text
        if found[1] == "steps":
            step, _, name = found[2].partition(".outputs.")
            return self.outputs[step].get(name, "")
        described = DESCRIBED["inputs"][found[2]]["default"]
        default = TOKEN if described == "${{ github.token }}" else described
        return inputs.get(found[2], default)

    @property
    def summary(self) -> str:
        """What the measuring step wrote for the page of the job."""
        return (self.temp / "GITHUB_STEP_SUMMARY-Measure and compare").read_text()
