"""No secret of a request is in a file, a report, a log or an answer of any command."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from functune.run.folder import RunFolder
from tests.cli.calling import functune, in_process
from tests.host.serving import Serving

HEADER, CODE, BODY, KEY = "h3ader/of=nobody", "c0de+of/nobody==", "b0dy of nobody", "functi0n-key/of-nobody"
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
settings.thread_count = [1, 8]
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


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """The app in a folder of its own."""
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "host.json").write_text('{"version": "2.0"}')
    (folder / "function_app.py").write_text(APP)
    (tmp_path / "orders.toml").write_text(EXPERIMENT)
    (tmp_path / "items.toml").write_text(ITEMS)
    return folder


def forms(secret: str) -> Iterator[str]:
    """A secret, and the ways in which it is written in a URL and in JSON."""
    yield from {secret, quote(secret), quote(secret, safe=""), secret.replace("/", "\\/"), secret.split("=")[0]}


def assert_no_secret(*said: subprocess.CompletedProcess[str] | str, run: Path | None = None) -> None:
    """Nothing that was said contains a secret, and no file of a run folder does."""
    places = {
        f"output {number}": each if isinstance(each, str) else each.stdout + each.stderr
        for number, each in enumerate(said)
    }
    files = [] if run is None else [path for path in run.rglob("*") if path.is_file()]
    assert run is None or files
    places |= {str(path): path.read_bytes().decode("utf-8", "replace") for path in files}
    found = [
        (place, form)
        for place, text in places.items()
        for secret in (HEADER, CODE, BODY, KEY)
        for form in forms(secret)
        if form in text
    ]
    assert found == []


def test_sweep_and_every_command_that_reads_its_run(app: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    swept = in_process(
        "sweep", tmp_path / "orders.toml", "--script-root", app, "--out", run, "--no-calibration", **SECRETS
    )
    assert swept.returncode == 0, swept.stderr
    profile = RunFolder.open(run).profile()
    assert profile.notes == ()
    assert {line.function for step in profile.steps for line in step.lines} >= {"orders"}
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
    assert_no_secret(swept, *others, run=run)


def test_sweep_whose_request_fails_before_the_load(app: Path, tmp_path: Path) -> None:
    wrong = SECRETS | {"ORDER_CODE": CODE[::-1]}
    done = in_process(
        "sweep", tmp_path / "orders.toml", "--script-root", app, "--out", tmp_path / "run", "--no-calibration", **wrong
    )
    assert done.returncode == 3
    assert "POST /api/orders?code=${ORDER_CODE}: HTTP 403, " in done.stderr
    for name in SECRETS:
        assert done.stderr.count(f"${{{name}}}") >= 2  # in the answer, and in the log of the app
    assert_no_secret(done.stdout + done.stderr.replace(CODE[::-1], CODE), run=tmp_path / "run")


def test_sweep_whose_load_fails(app: Path, tmp_path: Path) -> None:
    """The app ends its host at the second request, and logs that request before."""
    source = (app / "function_app.py").read_text()
    (app / "function_app.py").write_text(
        source.replace(
            "        time.sleep(0.2)\n        return func.HttpResponse(status_code=201)",
            "        import os, pathlib, signal\n"
            "        first = pathlib.Path(__file__).with_name('first')\n"
            "        if first.exists():\n"
            "            logging.error('second order %s', found)\n"
            "            time.sleep(0.5)\n"
            "            os.kill(os.getppid(), signal.SIGKILL)\n"
            "        first.touch()\n"
            "        return func.HttpResponse(status_code=201)",
        )
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
    assert "second order ('${ORDER_SIGNATURE}', '${ORDER_CODE}', '${ORDER_TOKEN}')" in done.stdout
    assert_no_secret(done, run=tmp_path / "run")


def tune(app: Path, run: Path, *, header: str = HEADER, code: str = CODE) -> subprocess.CompletedProcess[str]:
    """``functune tune`` with each secret on the command line."""
    return functune(
        *("tune", f"/api/orders?code={quote(code, safe='')}", "--json", f'{{"token": "{BODY}"}}'),
        *("-H", f"x-signature: {header}", "--script-root", app, "--out", run, "--budget", "20s"),
    )


def test_tune_with_secrets_on_its_command_line(app: Path, tmp_path: Path) -> None:
    done = tune(app, tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert_no_secret(done, run=tmp_path / "run")
    assert "***" in RunFolder.open(tmp_path / "run").environment.command


def test_tune_whose_request_fails(app: Path, tmp_path: Path) -> None:
    done = tune(app, tmp_path / "run", header=HEADER[::-1])
    assert done.returncode == 3
    assert "wrong order (" in done.stderr
    assert_no_secret(done.stdout + done.stderr.replace(HEADER[::-1], HEADER))


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
