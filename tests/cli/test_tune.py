"""``functune tune`` and ``functune init`` on an app in a folder of its own."""

import json
import shutil
import signal
import time
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jsonschema
import pytest

from functune.cli.init import numbered_routes
from functune.errors import UsageError
from functune.experiments.file import read_experiments
from functune.experiments.schema import EXPERIMENT_SCHEMA, experiment_schema
from functune.hosts.routes import app_routes
from functune.run.folder import RunFolder
from functune.run.profile import PROFILE
from functune.setting import Setting
from tests.cli.calling import functune, in_process, interrupted_after_a_step
from tests.cli.secrets_sent import BODY, CODE, HEADER, assert_no_secret
from tests.hosts.test_any_app import APPS

NAMED = ("PUT /api/orders/{id}/{part}", "/api/items")
"""Routes of the app, as init is given them."""
APP = f'''
import time

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="wait", methods=["POST"])
def wait(req: func.HttpRequest) -> func.HttpResponse:
    """As much waiting as is asked for, for a caller who knows the key, the code and the token."""
    asked = req.get_json()
    if (req.headers.get("x-key"), req.params.get("code"), asked["token"]) != ({HEADER!r}, {CODE!r}, {BODY!r}):
        return func.HttpResponse(status_code=403)
    time.sleep(asked["ms"] / 1000)
    return func.HttpResponse(status_code=204)


@app.route(route="orders/{{id:int}}/{{part?}}", methods=["GET", "PUT"])
def orders(req: func.HttpRequest) -> func.HttpResponse:
    time.sleep(0.05)
    return func.HttpResponse(req.route_params["id"])


@app.route(route="items", methods=["GET"])
def items(req: func.HttpRequest) -> func.HttpResponse:
    time.sleep(0.05)
    return func.HttpResponse("[]")
'''


def write_app(folder: Path) -> Path:
    """Write the app into a folder of its own."""
    folder = folder / "my App"
    folder.mkdir()
    (folder / "host.json").write_text('{"version": "2.0"}')
    (folder / "local.settings.json").write_text(
        '{"IsEncrypted": false, "Values": {"PYTHON_THREADPOOL_THREAD_COUNT": "2"}}'
    )
    (folder / "function_app.py").write_text(APP)
    return folder


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return write_app(tmp_path)


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, dict[str, Any]]:
    """The app, and the experiment for two of its routes that init wrote, with its answer."""
    folder = tmp_path_factory.mktemp("begun")
    app, path = write_app(folder), folder / "asked" / "orders.toml"
    named = [word for route in NAMED for word in ("--route", route)]
    done = in_process("init", app, "--out", path, "--json", *named)
    assert done.returncode == 0, done.stderr
    return app, path, json.loads(done.stdout)


def test_tune_finds_threads_within_its_budget_and_writes_no_secret(app: Path, tmp_path: Path) -> None:
    """
    200 ms of waiting on 2 threads: 10 requests a second, which every larger pool exceeds: 3 threads serve 15.

    A window may also have some answers that were on their way before it, where other programs held them up.
    """
    began, run = time.time(), tmp_path / "run"
    done = functune(
        *("tune", f"/api/wait?code={quote(CODE, safe='')}", "--json", json.dumps({"ms": 200, "token": BODY})),
        *("-H", f"x-key: {HEADER}", "--script-root", app, "--out", run, "--budget", "110s"),
        *("--for", "flex", "--memory", "512"),
    )
    assert done.returncode == 0, done.stderr
    # Everything but the report has a deadline, and drawing takes long where the machine is busy.
    assert (run / PROFILE).stat().st_mtime - began < 110
    folder = RunFolder.open(run)
    [experiment] = folder.experiments
    assert experiment.compared_with == Setting(thread_count=2)
    assert {step.setting.process_count for step in folder.measurements()} == {1}  # Flex has one process
    present = [step for step in folder.measurements() if step.setting == Setting(thread_count=2)]
    assert max(max(step.worker_threads.values()) for step in present) == 2
    assert max(step.throughput for step in present) < 15
    assert f"Experiment: {run / 'experiment.toml'}" in done.stdout
    assert "(best so far)" in done.stdout
    assert "times the throughput of the present settings (2 threads in 1 process)" in done.stdout
    assert "    instanceMemoryMB: 512\n" in done.stdout
    assert "PYTHON_THREADPOOL_THREAD_COUNT: '" in done.stdout
    assert "Report: file://" in done.stdout
    assert len([path for path in run.rglob("*") if path.is_file()]) > 6
    assert_no_secret(done, run=run)
    assert [path for path in run.rglob("*") if path.is_file() and '"ms"' in path.read_text(errors="replace")] == []
    assert "***" in folder.environment.command
    for name in ("CODE", "X_KEY", "BODY"):
        assert f"set FUNCTUNE_SECRET_{name} in the environment: its value is not written." in done.stdout
    [sleeping] = [number for number, line in enumerate(APP.splitlines(), 1) if 'time.sleep(asked["ms"]' in line]
    assert f"The handler waits at function_app.py:{sleeping} in wait, in time.sleep" in done.stdout


def test_interrupted_tune_says_where_its_measurements_are(tmp_path: Path) -> None:
    """SIGTERM ends it as CTRL+C does. An ASGI app has no threads to set, so only the processes are searched."""
    run, temporary = tmp_path / "run", tmp_path / "tmp"
    temporary.mkdir()
    app = ("--script-root", APPS / "plain_asgi", "--app", "src.app:create_app('app')", "--host", "uvicorn")
    asks = ("tune", "/pid", *app, "--format", "json")
    ended = interrupted_after_a_step(run, *asks, by=signal.SIGTERM, TMPDIR=str(temporary))
    assert (ended.returncode, ended.stdout) == (130, "")
    assert "requests/s" in ended.stderr  # of a document on stdout, the progress is no part
    assert f"functune: interrupted; {run} keeps everything measured so far. " in ended.stderr
    assert list(temporary.iterdir()) == []
    folder = RunFolder.open(run)
    [tuned] = folder.experiments
    assert (tuned.settings.host, tuned.settings.thread_count) == (("uvicorn",), ("unset",))
    assert tuned.settings.process_count[0] == 1
    assert {(each.setting.host, each.handler) for each in folder.measurements()} == {("uvicorn", "async def")}
    done = in_process("report", run)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["/x", "--budget", "5s"], "'5s': allowed are 20s to 60m"),
        (["/x", "--host", "http://127.0.0.1:1"], "tune changes settings, which is not possible for an app at a URL"),
        (["/x", "--now", "A"], "--now A: allowed is KEY=VALUE"),
        (["/x", "--now", "FUNCTIONS_WORKER_PROCESS_COUNT=two"], "=two: allowed is a whole number from 1"),
        (["/x", "-H", "hunter2"], "-H takes 'NAME: VALUE', and one has no colon"),
        (["/x", "-d", "a", "--json", "{}"], "--data and --json are both given: allowed is one of them"),
        (["/x", "--json", "{"], "--json is not JSON, at character 2"),
        (["/x/{id}"], "{id} has no value"),
        (["/x", "-d", "@nowhere.txt"], "--data: there is no file nowhere.txt"),
        (["/x", "--values", "nowhere.csv"], "--values: there is no file nowhere.csv"),
        (["/x", "-H", "a: ${NOT_SET_ANYWHERE}"], "the request request names ${NOT_SET_ANYWHERE}"),
        (["/x", "--objective", "fast"], "objective"),
    ],
)
def test_tune_refuses_before_anything_starts(app: Path, tmp_path: Path, arguments: list[str], said: str) -> None:
    done = in_process("tune", *arguments, "--script-root", app, "--out", tmp_path / "run")
    assert done.returncode == 2
    assert said in done.stderr
    assert "hunter2" not in done.stderr
    assert "Traceback" not in done.stderr


def test_tune_refuses_a_column_that_the_values_lack(tmp_path: Path, app: Path) -> None:
    values = tmp_path / "ids.csv"
    values.write_text("number\n1\n")
    for request in (["/api/orders/{id}/a"], ["/api/wait", "-d", "hunter2={{id}}"]):
        done = in_process("tune", *request, "--values", values, "--script-root", app, "--out", tmp_path / "run")
        assert done.returncode == 2
        assert f"{values}" in done.stderr
        assert "there is no column id, which" in done.stderr
        assert "hunter2" not in done.stderr


def test_init_writes_an_experiment_for_the_simple_routes(app: Path) -> None:
    done = in_process("init", app)
    assert done.returncode == 0, done.stderr
    for route in ("GET /api/items", "GET /api/orders/{id}/{part}", "PUT /api/orders/{id}/{part}", "POST /api/wait"):
        assert route in done.stdout
    path = app / "experiments" / "my-app.toml"
    assert f"functune sweep '{path}' --script-root '{app}'" in done.stdout
    [experiment] = read_experiments(path)
    assert [str(each) for each in experiment.workload.requests] == ["/api/items"]
    before = path.read_text()
    assert before.startswith(f"#:schema ./{EXPERIMENT_SCHEMA}\n")
    jsonschema.validate(tomllib.loads(before), json.loads((path.parent / EXPERIMENT_SCHEMA).read_text()))
    again = in_process("init", app)
    assert again.returncode == 2
    assert f"{path} exists, and is not overwritten" in again.stderr
    assert path.read_text() == before


def test_init_prints_the_schema_alone(tmp_path: Path) -> None:
    done = in_process("init", tmp_path / "nowhere", "--schema")
    assert (done.returncode, done.stdout, done.stderr) == (0, experiment_schema(), "")


def test_init_writes_the_routes_that_are_named_with_files_for_their_parameters(
    begun: tuple[Path, Path, dict[str, Any]], tmp_path: Path
) -> None:
    app, path, answer = begun
    assert answer["experiment"] == str(path)
    assert [each["path"] for each in answer["routes"] if each["is_chosen"]] == ["/api/items", "/api/orders/{id}/{part}"]
    [experiment] = read_experiments(path)
    put, get = experiment.workload.requests
    assert (put.method, str(put), put.json, put.values) == ("PUT", NAMED[0], {}, f"{put.name}.csv")
    assert (get.method, get.route) == ("GET", "/api/items")
    assert (path.parent / f"{put.name}.csv").read_text() == "id,part\n1,1\n"
    assert sorted(answer["files"]) == sorted(str(each) for each in path.parent.iterdir())

    wrong = in_process("init", app, "--out", tmp_path / "x.toml", "--route", "GET /api/nowhere")
    assert wrong.returncode == 2
    assert "--route 'GET /api/nowhere': the app has no such route; it has GET /api/items," in wrong.stderr
    assert not (tmp_path / "x.toml").exists()


def test_routes_are_chosen_by_their_numbers() -> None:
    routes = app_routes(["GET /api/items", "PUT /api/orders/{id:int}/{part?}", "ANY /{*rest}"])
    assert [each.parameters for each in routes] == [(), ("id", "part"), ("rest",)]
    assert [each.path for each in routes] == ["/api/items", "/api/orders/{id}/{part}", "/{rest}"]
    assert numbered_routes(routes, "3, 1") == [routes[2], routes[0]]
    for answer in ("0", "4", "x", "", "1-2"):
        with pytest.raises(UsageError, match="allowed are numbers from 1 to 3, separated by commas"):
            numbered_routes(routes, answer)


def test_experiment_of_init_is_measured(begun: tuple[Path, Path, dict[str, Any]], tmp_path: Path) -> None:
    app, path, _ = begun
    shutil.copytree(path.parent, tmp_path / "asked")
    changed = tmp_path / "asked" / path.name
    changed.write_text(
        path.read_text()
        .replace('thread_count = [1, 4, 16, 64, "unset"]', "thread_count = [4]")
        .replace("process_count = [1, 2]", "")
        .replace("users = [1, 4, 16, 64]", "users = [2]")
        .replace("measure = 2.0\nrepeats = 2", "measure = 1.0")
    )
    done = in_process(
        "sweep", changed, "--script-root", app, "--out", tmp_path / "run", "--no-profile", "--no-calibration"
    )
    assert done.returncode == 0, done.stderr
    [measurement] = RunFolder.open(tmp_path / "run").measurements()
    assert measurement.errors == {}
    assert len(measurement.by_request) == len(NAMED)
