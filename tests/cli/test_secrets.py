"""No secret of a request is in a file, a report, a log or an answer of any command."""

import json
import os
import subprocess
from pathlib import Path
from urllib.parse import quote

import pytest

from functune.run.folder import MEASUREMENTS, RunFolder
from functune.run.profile import SPEEDSCOPE
from tests.cli.calling import functune, in_process
from tests.cli.secrets_sent import BODY, CODE, HEADER, KEY, assert_no_secret
from tests.host.serving import Serving

SECRETS = {"ORDER_SIGNATURE": HEADER, "ORDER_CODE": CODE, "ORDER_TOKEN": BODY}
APP = f'''
import logging
import time

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)


@app.route(route="orders", methods=["POST"])
def orders(req: func.HttpRequest) -> func.HttpResponse:
    """An app that answers and logs all that it gets where the order is wrong."""
    token = req.get_json()["token"]
    found = req.headers.get("x-signature"), req.params.get("code"), token
    if found == ({HEADER!r}, {CODE!r}, {BODY!r}):
        time.sleep(0.2)
        return func.HttpResponse(status_code=201)
    logging.error("wrong order %s: %s", found, req.get_body())
    return func.HttpResponse(f"wrong order {{found}}: {{req.get_body().decode()}}", status_code=403)


@app.route(route="items", methods=["GET"])
def items(req: func.HttpRequest) -> func.HttpResponse:
    time.sleep(0.2)
    return func.HttpResponse("[]")
'''
EXPERIMENT = """
name = "orders"
question = "Which settings suit the orders?"
settings.thread_count = [8]
load = { users = [4], warm_up = 0.3, measure = 1, search = "grid" }

[[workload.requests]]
name = "order"
method = "POST"
route = "/api/orders?code=${ORDER_CODE}"
headers = { x-signature = "${ORDER_SIGNATURE}" }
json = { token = "${ORDER_TOKEN}" }
"""
ITEMS = """
name = "items"
question = "How fast is it?"
workload.routes = ["/api/items"]
settings = {}
load = { users = [2], warm_up = 0.3, measure = 1 }
"""


def write_app(folder: Path) -> Path:
    """Write the app into a folder of its own, and the experiments next to it."""
    app = folder / "app"
    app.mkdir()
    (app / "host.json").write_text('{"version": "2.0"}')
    (app / "function_app.py").write_text(APP)
    (folder / "orders.toml").write_text(EXPERIMENT)
    (folder / "items.toml").write_text(ITEMS)
    return app


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return write_app(tmp_path)


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], RunFolder]:
    """The output of a sweep of two settings with a profile, and its run folder."""
    folder = tmp_path_factory.mktemp("swept")
    app, run = write_app(folder), folder / "run"
    (folder / "orders.toml").write_text(EXPERIMENT.replace("thread_count = [8]", "thread_count = [1, 8]"))
    done = in_process(
        "sweep", folder / "orders.toml", "--script-root", app, "--out", run, "--no-calibration", **SECRETS
    )
    assert done.returncode == 0, done.stderr
    return done, RunFolder.open(run)


def test_sweep_profiles_each_request_after_the_search(
    swept: tuple[subprocess.CompletedProcess[str], RunFolder],
) -> None:
    done, run = swept
    one, other = run.measurements()  # the profile counts as none
    assert one.subject == other.subject
    assert f"Profiling {one.subject} with 8 threads in 1 process" in done.stdout
    profile = run.profile()
    assert profile.notes == ()
    assert [step.users for step in profile.steps] == [1, 4]
    [line, *_] = profile.steps[1].lines
    assert (line.file, line.function, line.waits_in) == ("function_app.py", "orders", "time.sleep")
    assert run.calibrations() == []
    assert (run.path / SPEEDSCOPE).exists()
    summary = (run.path / "summary.md").read_text()
    assert "At 4 users, a call of POST /api/orders" in summary
    assert " waits in time.sleep for " in summary


def test_sweep_and_every_command_that_reads_its_run(
    swept: tuple[subprocess.CompletedProcess[str], RunFolder],
) -> None:
    run = swept[1].path
    others = [
        in_process("sweep", "--resume", run, "--no-profile", "--no-calibration", **SECRETS),
        in_process("report", run, **SECRETS),
        in_process("compare", run, run, **SECRETS),
        in_process("lessons", run, "--out", run / "lessons", **SECRETS),
        in_process("recommend", run, **SECRETS),
        *(
            in_process("recommend", run, "--plan", "flex", "--format", form, **SECRETS)
            for form in ("local-settings", "bicep", "fragment", "commands")
        ),
    ]
    assert [each.returncode for each in others] == [0] * len(others)
    assert_no_secret(swept[0], *others, run=run)


def test_sweep_whose_request_fails_before_the_load(app: Path, tmp_path: Path) -> None:
    wrong = SECRETS | {"ORDER_CODE": CODE[::-1]}
    done = in_process(
        "sweep", tmp_path / "orders.toml", "--script-root", app, "--out", tmp_path / "run", "--no-calibration", **wrong
    )
    assert done.returncode == 3
    assert "functune: The request failed when it was sent once, so nothing was measured:\n" in done.stderr
    assert "POST /api/orders?code=${ORDER_CODE}: HTTP 403, " in done.stderr
    assert "The app has these routes: GET /api/items, POST /api/orders." in done.stderr
    assert not (tmp_path / "run" / MEASUREMENTS).exists()
    for name in SECRETS:
        assert done.stderr.count(f"${{{name}}}") >= 2  # in the answer, and in the log of the app
    assert_no_secret(done.stdout + done.stderr.replace(CODE[::-1], CODE), run=tmp_path / "run")


def test_sweep_whose_load_fails(app: Path, tmp_path: Path) -> None:
    """
    The app logs each request but the first, and ends its host at a request that none of the 4 users sends before an
    answer: the host has printed a record by then.
    """
    source = (app / "function_app.py").read_text()
    (app / "function_app.py").write_text(
        source.replace(
            "        time.sleep(0.2)\n        return func.HttpResponse(status_code=201)",
            "        import os, pathlib, signal\n"
            "        first = pathlib.Path(__file__).with_name('first')\n"
            "        if first.exists():\n"
            "            logging.error('another order %s', found)\n"
            "            if next(others) == 4:\n"
            "                os.kill(os.getppid(), signal.SIGKILL)\n"
            "        first.touch()\n"
            "        return func.HttpResponse(status_code=201)",
        ).replace("import time\n", "import itertools\nimport time\n\nothers = itertools.count()\n", 1)
    )
    done = in_process(
        "sweep",
        tmp_path / "orders.toml",
        "--script-root",
        app,
        "--out",
        tmp_path / "run",
        "--no-calibration",
        **SECRETS,
    )
    assert done.returncode == 3
    assert "another order ('${ORDER_SIGNATURE}', '${ORDER_CODE}', '${ORDER_TOKEN}')" in done.stdout
    assert_no_secret(done, run=tmp_path / "run")


def test_tune_whose_request_fails(app: Path, tmp_path: Path) -> None:
    done = in_process(
        *("tune", f"/api/orders?code={quote(CODE, safe='')}", "--json", json.dumps({"token": BODY})),
        *("-X", "post", "-H", f"x-signature: {HEADER[::-1]}", "--script-root", app, "--out", tmp_path / "run"),
    )
    assert done.returncode == 3
    answer = "wrong order ('${FUNCTUNE_SECRET_X_SIGNATURE}', '${FUNCTUNE_SECRET_CODE}', "
    assert "POST /api/orders?code=${FUNCTUNE_SECRET_CODE}: HTTP 403, " in done.stderr
    assert done.stderr.count(answer) >= 2  # in the answer, and in the log of the app
    assert "The app has these routes: " in done.stderr
    assert_no_secret(done.stdout + done.stderr.replace(HEADER[::-1], HEADER))
    assert not (tmp_path / "run").exists()


def test_body_that_is_not_json_is_not_repeated(app: Path, tmp_path: Path) -> None:
    done = in_process("tune", "/api/orders", "--json", f'{{"token": {BODY}', "--script-root", app)
    assert done.returncode == 2
    assert_no_secret(done)


def test_verbose_log_of_serve(app: Path, tmp_path: Path) -> None:
    with Serving(app, "--verbose", "--enable-auth", FUNCTUNE_FUNCTION_KEY=KEY) as host:
        host.url = host.line(r"Host started, listening on (\S+)")[1]
        sent = {"headers": {"x-signature": HEADER, "x-functions-key": KEY}, "json": {"token": BODY}}
        assert host.request("POST", f"/api/orders?code={quote(CODE, safe='')}", **sent).status_code == 201
        assert host.get("/api/items", headers={"x-functions-key": HEADER}).status_code == 401
        assert host.get(f"/api/items?code={quote(KEY, safe='')}").status_code == 200
        host.line("Executed 'Functions.items'")
    assert_no_secret(host.text)


def test_app_at_a_url_that_asks_for_a_key(app: Path, tmp_path: Path) -> None:
    run, experiment = tmp_path / "run", tmp_path / "items.toml"
    with Serving(app, "--enable-auth", FUNCTUNE_FUNCTION_KEY=KEY) as host:
        url = host.line(r"Host started, listening on (\S+)")[1]
        given = functune("sweep", experiment, "--host", f"{url}/", "--key", KEY, "--out", run, "--no-calibration")
        probed = in_process("probe", url, FUNCTUNE_KEY=KEY)
        wrong = in_process(
            "sweep", experiment, "--host", url, "--out", tmp_path / "wrong", "--no-calibration", FUNCTUNE_KEY=KEY[::-1]
        )
        inside = in_process("sweep", experiment, "--host", f"{url}?code={KEY}", "--out", tmp_path / "inside")
        tuned = in_process("tune", "/api/items", "--host", f"{url}?code={KEY}")
    assert given.returncode == 0, given.stderr
    [measurement] = RunFolder.open(run).measurements()
    assert measurement.errors == {}
    assert len(measurement.latencies_us) > 0
    assert measurement.host_cpu is None
    noted = RunFolder.open(run).environment
    assert noted.host == url
    assert noted.git_commit is None  # the deployed commit is not known
    assert "--key '***'" in noted.command
    assert (wrong.returncode, inside.returncode, tuned.returncode) == (3, 2, 2)
    assert "/api/items answered 401: it refuses the function key it was given; set FUNCTUNE_KEY" in wrong.stdout
    assert_no_secret(given, run=run)
    assert_no_secret(probed, inside, tuned, (wrong.stdout + wrong.stderr).replace(KEY[::-1], KEY))
    assert_no_secret(host.text)
    assert os.environ.get("FUNCTUNE_KEY") is None
