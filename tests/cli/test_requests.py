"""Requests that look real: the local host, real Locust, and an app that notes every request it gets."""

import itertools
import json
import math
from collections import ChainMap, Counter
from pathlib import Path

import pytest

from functune.errors import LoadError
from functune.experiments.file import read_experiments
from functune.experiments.inputs import with_inputs
from functune.hosts.local import LOCAL_HOST
from functune.hosts.served_app import ServedApp
from functune.run.environment import collect_environment
from functune.run.folder import EXPERIMENTS, MEASUREMENTS, RunFolder
from functune.setting import Setting
from functune.sweep.preflight import preflight
from tests.cli.calling import in_process

SECRET = "s3cret/of=nobody"
SIGNATURE = f"sha256={SECRET}"
APP = '''
import json
import logging
import os
import time

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
SECRET = "s3cret/of=nobody"


def note(req, status):
    """One line per request, appended in one write."""
    said = {"method": req.method, "url": req.url, "id": req.route_params.get("id"), "body": req.get_body().decode()}
    also = {"status": status, "type": req.headers.get("content-type"), "at": time.monotonic()}
    with open(os.environ["NOTES"], "a") as notes:
        notes.write(json.dumps(said | also) + "\\n")


@app.route(route="orders/{id}", methods=["POST"])
def order(req: func.HttpRequest) -> func.HttpResponse:
    """202 with the right signature."""
    signature = req.headers.get("x-signature")
    logging.warning("signature %s", signature)
    status = 202 if signature == f"sha256={SECRET}" else 401
    note(req, status)
    time.sleep(float(req.params.get("ms", "50")) / 1000)
    return func.HttpResponse(f"signature {signature} key {req.params.get('code')}", status_code=status)


@app.route(route="items", methods=["GET"])
def items(req: func.HttpRequest) -> func.HttpResponse:
    note(req, 200)
    time.sleep(0.05)
    return func.HttpResponse("[]")


@app.route(route="broken")
def broken(req: func.HttpRequest) -> func.HttpResponse:
    raise RuntimeError(f"no {req.headers.get('x-signature')}")


@app.route(route="slow")
def slow(req: func.HttpRequest) -> func.HttpResponse:
    time.sleep(float(req.params.get("ms", "5000")) / 1000)
    return func.HttpResponse("late")
'''
ORDER = """
[[workload.requests]]
name = "order"
method = "POST"
route = "/api/orders/{id}?code=${ORDER_CODE}"
headers = { x-signature = "sha256=${ORDER_KEY}" }
json = { id = "{{id}}", note = "{{note}}", key = "${ORDER_KEY}" }
values = "orders.csv"
weight = 3
expect_status = [202]
"""
LIST = """
[[workload.requests]]
name = "list"
route = "/api/items"
"""
JOURNEY = """
import os

from locust import FastHttpUser, HttpUser, constant, task


class Reader(FastHttpUser):
    wait_time = constant(0)

    @task
    def read(self):
        self.client.get("/api/slow?ms=1200")


class Buyer(HttpUser):
    wait_time = constant(0)

    @task
    def buy(self):
        signed = {"x-signature": os.environ["SIGNATURE"]}
        self.client.post("/api/orders/5?ms=800", headers=signed, name="/api/orders/[id]")
"""
WORKLOADS = (
    ORDER + LIST,
    '[[workload.requests]]\nname = "unsigned"\nmethod = "POST"\nroute = "/api/orders/9?ms=300"\n'
    "expect_status = [401, 403]\nthink_time = 0.25",
    'workload.locustfile = "journey.py"',
)
"""A mix, an expected status with a time to think, and users of a Locust file."""


def write_app(folder: Path) -> Path:
    """Write the app into a folder of its own."""
    folder.mkdir()
    (folder / "host.json").write_text('{"version": "2.0"}')
    (folder / "function_app.py").write_text(APP)
    return folder


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return write_app(tmp_path / "app")


def asked(folder: Path, *workloads: str) -> Path:
    """A file with an experiment for each workload, and the values of its requests."""
    (folder / "orders.csv").write_text('id,note\na b,"say ""hi"""\n7,x\n8,y\n')
    path = folder / "asked.toml"
    path.write_text("".join(map(experiment, itertools.count(), workloads)))
    return path


def experiment(number: int, workload: str) -> str:
    users = "[1]" if "think_time" in workload else "[4]"
    measure = 4 if workload == ORDER + LIST else 3
    inner = workload.replace("[[workload.", "[[experiment.workload.")
    return f"""
        [[experiment]]
        name = "orders-{number}"
        question = "Does it work?"
        settings.thread_count = [8]
        load = {{ users = {users}, warm_up = 0.3, measure = {measure} }}
        {inner}
        """


def sweep(folder: Path, path: Path, *, returncode: int = 0, signature: str = SIGNATURE) -> tuple[str, RunFolder]:
    """The output of a sweep of the app in a folder, and its run folder."""
    run = folder / "run"
    done = in_process(
        *("sweep", path, "--script-root", folder / "app", "--out", run, "--no-profile", "--no-calibration"),
        NOTES=str(folder / "notes"),
        ORDER_KEY=SECRET,
        ORDER_CODE="c0de+of/nobody",
        SIGNATURE=signature,
    )
    assert done.returncode == returncode, done.stderr
    return done.stdout + done.stderr, RunFolder.open(run)


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run that was begun, with an experiment for each of WORKLOADS; their files are in it alone."""
    folder = tmp_path_factory.mktemp("begun")
    app, journey = write_app(folder / "app"), folder / "journey.py"
    journey.write_text(JOURNEY)
    packed, files = zip(
        *(with_inputs(each, folder) for each in read_experiments(asked(folder, *WORKLOADS))), strict=True
    )
    journey.unlink()
    (folder / "orders.csv").unlink()
    here = collect_environment(script_root=app, host="", host_kind="local", command=[])
    return RunFolder.create(folder / "begun", packed, here, inputs=dict(ChainMap(*files)))


@pytest.fixture(scope="module")
def swept(begun: RunFolder) -> tuple[str, RunFolder]:
    """The output and the run folder of a sweep of the experiments of that run."""
    return sweep(begun.path.parent, begun.path / EXPERIMENTS)


def noted(run: RunFolder) -> list[dict[str, str]]:
    """What the app noted in the sweep of a run."""
    return [json.loads(line) for line in (run.path.parent / "notes").read_text().splitlines()]


def secrets_in(run: Path, text: str) -> list[str]:
    """The places that contain a secret, also percent-encoded."""
    forms = [SECRET, "s3cret%2Fof%3Dnobody", "c0de+of/nobody", "c0de%2Bof%2Fnobody", "c0de"]
    places = {path.name: path.read_text(errors="replace") for path in run.rglob("*") if path.is_file()}
    return [name for name, content in (places | {"output": text}).items() if any(form in content for form in forms)]


def test_mix_is_sent_as_it_is_written_and_leaves_no_secret(swept: tuple[str, RunFolder]) -> None:
    text, folder = swept
    measurement = folder.measurements()[0]
    assert measurement.errors == {}
    counts = {name: len(each.latencies_us) for name, each in measurement.by_request.items()}
    total = sum(counts.values())
    assert total == len(measurement.latencies_us) > 48  # from there on, orders alone would be outside of what follows
    # Four standard deviations of a binomial count: 1 in 16 000 runs is outside.
    assert abs(counts["order"] - 0.75 * total) < 4 * math.sqrt(total * 0.75 * 0.25)

    orders = [each for each in noted(folder) if each["method"] == "POST" and "code=" in each["url"]]
    assert {each["status"] for each in orders} == {202}
    assert {each["type"] for each in orders} == {"application/json"}
    bodies = [json.loads(each["body"]) for each in orders]
    assert [body["id"] for body in bodies] == [each["id"] for each in orders]
    assert {(body["id"], body["note"]) for body in bodies} == {("a b", 'say "hi"'), ("7", "x"), ("8", "y")}
    assert {body["key"] for body in bodies} == {SECRET}
    shares = Counter(body["id"] for body in bodies)
    assert max(shares.values()) - min(shares.values()) <= 6  # in turn, but for requests that overtake each other

    assert secrets_in(folder.path, text) == []
    assert "mix of order (75.0 %), list (25.0 %)" in text


def test_run_is_repeated_from_its_folder_alone(begun: RunFolder, swept: tuple[str, RunFolder]) -> None:
    assert swept[1].experiments == begun.experiments
    assert len(swept[1].measurements()) == len(WORKLOADS)


def test_variable_that_is_missing_is_refused_before_anything_starts(app: Path, tmp_path: Path) -> None:
    done = in_process(
        "sweep", asked(tmp_path, ORDER), "--script-root", app, "--out", tmp_path / "run", "--no-calibration"
    )
    assert done.returncode == 2
    assert "the request order names ${ORDER_CODE}, and there is no such environment variable" in done.stderr
    assert not (tmp_path / "run").exists()


def test_expected_status_is_a_success_and_think_time_is_waited_after_each_answer(
    swept: tuple[str, RunFolder],
) -> None:
    measurement = swept[1].measurements()[1]
    assert measurement.errors == {}
    assert measurement.throughput <= 2  # each takes 0.3 s, and the next begins 0.25 s after it
    noted_ones = [each for each in noted(swept[1]) if "/api/orders/9" in each["url"]]
    assert {each["status"] for each in noted_ones} == {401}
    sent = [float(each["at"]) for each in noted_ones[1:]]  # the first is the one before the load
    assert len(sent) > 2
    assert min(later - earlier for earlier, later in itertools.pairwise(sent)) >= 0.55


def test_users_of_a_locust_file_are_recorded(swept: tuple[str, RunFolder]) -> None:
    measurement = swept[1].measurements()[2]
    assert set(measurement.by_request) == {"GET /api/slow", "POST /api/orders/[id]"}
    assert measurement.errors == {}
    assert str(measurement.subject) == "journey.py"
    # No user ever waits, so all four have a request in flight, also those whose answer comes after the window.
    assert measurement.concurrency == pytest.approx(4, rel=0.08)
    assert (swept[1].path / "inputs" / measurement.experiment / "journey.py").is_file()


def test_failing_users_of_a_locust_file_are_shown_before_the_load(app: Path, tmp_path: Path) -> None:
    (tmp_path / "journey.py").write_text(JOURNEY)
    text, folder = sweep(tmp_path, asked(tmp_path, WORKLOADS[-1]), returncode=3, signature="wrong")
    assert "POST /api/orders/[id]: HTTP 401, 'signature wrong key None'" in text
    assert not (folder.path / MEASUREMENTS).exists()


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in which the app notes its requests; the secrets of the requests are set."""
    monkeypatch.setenv("NOTES", str(tmp_path / "notes"))
    monkeypatch.setenv("ORDER_KEY", SECRET)
    monkeypatch.setenv("ORDER_CODE", "c0de+of/nobody")
    return tmp_path / "notes"


async def test_each_failure_before_the_load_is_explained(app: Path, tmp_path: Path, notes: Path) -> None:
    """404, 401, 500, a timeout and a status that is not expected. The app answers and logs the secret."""
    failures = [
        ('"/api/nowhere"', "HTTP 404"),
        ('"/api/orders/1?code=${ORDER_CODE}"\nmethod = "POST"\nheaders = { x-signature = "${ORDER_KEY}" }', "HTTP 401"),
        ('"/api/broken"\nheaders = { x-signature = "${ORDER_KEY}" }', "HTTP 500"),
        ('"/api/slow"', "TimeoutError"),
        ('"/api/items"\nexpect_status = [202]', "HTTP 200, '[]'"),
    ]
    requests = "".join(
        f'[[workload.requests]]\nname = "r{place}"\nroute = {route}\n' for place, (route, _) in enumerate(failures)
    )
    [experiment] = read_experiments(asked(tmp_path, requests))
    async with LOCAL_HOST.running(ServedApp(app), setting=Setting(thread_count=4)) as host:
        with pytest.raises(LoadError) as caught:
            await preflight([experiment], host, folder=tmp_path, answer_within=3)
    text = str(caught.value)
    assert text.startswith("5 of 5 requests failed when each was sent once, so nothing was measured:\n")
    for route, error in failures:
        assert f"{route.split('"')[1]}: {error}" in text
    assert "HTTP 401, 'signature ${ORDER_KEY} key ${ORDER_CODE}'" in text
    assert "The last lines of the host:" in text
    assert "no ${ORDER_KEY}" in text
    assert "The app has these routes: " in text
    assert secrets_in(tmp_path / "nowhere", text) == []
