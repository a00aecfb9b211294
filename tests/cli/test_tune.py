"""``functune tune`` and ``functune init`` on an app in a folder of its own."""

import json
import signal
import subprocess
import time
import tomllib
from pathlib import Path

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
from tests.cli.calling import command, functune, in_process

APP = '''
import time

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="wait", methods=["POST"])
def wait(req: func.HttpRequest) -> func.HttpResponse:
    """50 ms of waiting, for a caller who knows the key and the code."""
    if (req.headers.get("x-key"), req.params.get("code")) != ("hunter2=", "c0de=="):
        return func.HttpResponse(f"wrong key {req.headers.get('x-key')} {req.params.get('code')}", status_code=403)
    time.sleep(req.get_json()["ms"] / 1000)
    return func.HttpResponse(status_code=204)


@app.route(route="orders/{id:int}/{part?}", methods=["GET", "PUT"])
def orders(req: func.HttpRequest) -> func.HttpResponse:
    time.sleep(0.05)
    return func.HttpResponse(req.route_params["id"])


@app.route(route="items", methods=["GET"])
def items(req: func.HttpRequest) -> func.HttpResponse:
    time.sleep(0.05)
    return func.HttpResponse("[]")
'''


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = tmp_path / "my App"
    folder.mkdir()
    (folder / "host.json").write_text('{"version": "2.0"}')
    (folder / "local.settings.json").write_text(
        '{"IsEncrypted": false, "Values": {"PYTHON_THREADPOOL_THREAD_COUNT": "2"}}'
    )
    (folder / "function_app.py").write_text(APP)
    return folder


def test_tune_finds_threads_within_its_budget_and_writes_no_secret(app: Path, tmp_path: Path) -> None:
    """50 ms of waiting on 2 threads: 40 requests a second at most, which every larger pool exceeds."""
    began, run = time.time(), tmp_path / "run"
    done = functune(
        *("tune", "/api/wait?code=c0de==", "--json", '{"ms": 50}', "-H", "x-key: hunter2="),
        *("--script-root", app, "--out", run, "--budget", "60s", "--for", "flex", "--memory", "512"),
    )
    assert done.returncode == 0, done.stderr
    # Everything but the report has a deadline, and drawing takes long where the machine is busy.
    assert (run / PROFILE).stat().st_mtime - began < 60
    folder = RunFolder.open(run)
    [experiment] = folder.experiments
    assert experiment.compared_with == Setting(thread_count=2)
    assert {step.setting.process_count for step in folder.measurements()} == {1}  # Flex has one process
    present = [step for step in folder.measurements() if step.setting == Setting(thread_count=2)]
    assert 30 < max(step.throughput for step in present) < 41
    assert f"Experiment: {run / 'experiment.toml'}" in done.stdout
    assert "(best so far)" in done.stdout
    assert "times the throughput of the present settings (2 threads in 1 process)" in done.stdout
    assert "    instanceMemoryMB: 512\n" in done.stdout
    assert "PYTHON_THREADPOOL_THREAD_COUNT: '" in done.stdout
    assert "Report: file://" in done.stdout
    everything = [path.read_text(errors="replace") for path in run.rglob("*") if path.is_file()]
    assert len(everything) > 6
    for secret in ("hunter2", "c0de", '"ms"'):
        assert [text for text in [*everything, done.stdout, done.stderr] if secret in text] == []
    for name in ("CODE", "X_KEY", "BODY"):
        assert f"set FUNCTUNE_SECRET_{name} in the environment: its value is not written." in done.stdout
    [sleeping] = [
        number for number, line in enumerate(APP.splitlines(), 1) if 'time.sleep(req.get_json()["ms"]' in line
    ]
    assert f"The handler waits at function_app.py:{sleeping} in wait, in time.sleep" in done.stdout


def test_interrupted_tune_says_where_its_measurements_are(app: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    tune = subprocess.Popen(
        command("tune", "/api/items", "--script-root", app, "--out", run, "--format", "json"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A background job of a shell ignores SIGINT, and its children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert tune.stderr is not None
    for line in tune.stderr:  # of a document on stdout, the progress is no part
        if "requests/s" in line:
            tune.send_signal(signal.SIGINT)
            break
    answer, said = tune.communicate(timeout=60)
    assert (tune.returncode, answer) == (130, "")
    assert f"functune: interrupted; {run} keeps everything measured so far. " in said
    done = in_process("report", run)
    assert done.returncode == 0, done.stderr


def test_tune_says_what_the_app_answered_to_a_request_that_fails(app: Path, tmp_path: Path) -> None:
    done = in_process(
        *("tune", "/api/wait?code=c0de==", "-X", "post", "-H", "x-key: wrong-hunter2"),
        *("--script-root", app, "--out", tmp_path / "run"),
    )
    assert done.returncode == 3, done.stderr
    answer = "wrong key ${FUNCTUNE_SECRET_X_KEY} ${FUNCTUNE_SECRET_CODE}"
    assert f"POST /api/wait?code=${{FUNCTUNE_SECRET_CODE}}: HTTP 403, '{answer}'" in done.stderr
    assert "The app has these routes: " in done.stderr
    assert "hunter2" not in done.stderr
    assert not (tmp_path / "run").exists()


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


def test_init_writes_the_routes_that_are_named_with_files_for_their_parameters(app: Path, tmp_path: Path) -> None:
    path = tmp_path / "asked" / "orders.toml"
    routes = ["PUT /api/orders/{id}/{part}", "/api/items"]
    done = in_process("init", app, "--out", path, "--json", *(word for route in routes for word in ("--route", route)))
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["experiment"] == str(path)
    assert [each["path"] for each in answer["routes"] if each["is_chosen"]] == ["/api/items", "/api/orders/{id}/{part}"]
    [experiment] = read_experiments(path)
    put, get = experiment.workload.requests
    assert (put.method, str(put), put.json, put.values) == ("PUT", routes[0], {}, f"{put.name}.csv")
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


def test_experiment_of_init_is_measured(app: Path, tmp_path: Path) -> None:
    path = tmp_path / "orders.toml"
    assert in_process("init", app, "--out", path, "--route", "GET /api/orders/{id}/{part}").returncode == 0
    path.write_text(
        path.read_text()
        .replace('thread_count = [1, 4, 16, 64, "unset"]', "thread_count = [4]")
        .replace("process_count = [1, 2]", "")
        .replace("users = [1, 4, 16, 64]", "users = [2]")
        .replace("measure = 2.0\nrepeats = 2", "measure = 1.0")
    )
    done = in_process(
        "sweep", path, "--script-root", app, "--out", tmp_path / "run", "--no-profile", "--no-calibration"
    )
    assert done.returncode == 0, done.stderr
    [measurement] = RunFolder.open(tmp_path / "run").measurements()
    assert measurement.errors == {}
