"""A load test for Azure Load Testing: its files, the same requests from them, and its results as a run."""

import ast
import csv
import http.server
import json
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from math import sqrt
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
import yaml

from functune.azure_load_testing.asked import read_asked
from functune.azure_load_testing.configuration import failure_criteria
from functune.run.folder import RunFolder
from functune.setting import Setting
from functune.shapes import shape_of
from tests.cli.calling import in_process, run
from tests.host.serving import wait_until

HEADER = (
    "timeStamp,elapsed,label,responseCode,responseMessage,threadName,dataType,success,failureMessage,bytes,sentBytes,"
    "grpThreads,allThreads,URL,Latency,IdleTime,Connect"
)
"""As Microsoft's page about exporting test results shows it."""
APP = "https://my-app.azurewebsites.net"
EXPERIMENT = """
name = "orders"
question = "Does it keep up?"
objective = "p95 < 300ms and errors < 2%"

[[workload.requests]]
name = "order"
method = "POST"
route = "/api/orders/{id}"
headers = { x-api-key = "${ORDERS_KEY}" }
json = { id = "{{id}}", note = "a \\"quoted\\" note" }
values = "data/orders.csv"
weight = 3
expect_status = [202]

[[workload.requests]]
name = "list"
route = "/api/items?limit=20"

[settings]

[load]
users = [10, 600]
warm_up = 1
measure = 5
"""


@pytest.fixture
def experiment(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "orders.csv").write_text("id\n1\n2\n3/4\n")
    path = tmp_path / "orders.toml"
    path.write_text(EXPERIMENT)
    return path


def written(experiment: Path, *flags: str) -> Path:
    """The folder of a load test."""
    out = experiment.parent / "test"
    done = run("azure", "load-test", str(experiment), "--host", APP, "--out", str(out), *flags, "--json")
    assert done.exit_code == 0, done.output
    assert Path(json.loads(done.stdout)["load_test"]) == out / "load-test.yaml"
    return out


def configuration(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((folder / "load-test.yaml").read_text())
    return found


def test_configuration_has_what_the_service_asks_for(experiment: Path) -> None:
    folder = written(experiment, "--minutes", "5", "--key-vault", "shop")
    found = configuration(folder)
    assert {key: found[key] for key in ("version", "testId", "testType", "testPlan", "engineInstances")} == {
        "version": "v0.1",
        "testId": "functune-orders",
        "testType": "Locust",
        "testPlan": "locustfile.py",
        "engineInstances": 3,  # 600 users, at most 250 for each
    }
    assert found["failureCriteria"] == ["p95(response_time_ms) > 300", "percentage(error) > 2"]
    variables = {each["name"]: each["value"] for each in found["env"]}
    assert variables["LOCUST_HOST"] == APP
    assert (variables["LOCUST_USERS"], variables["LOCUST_RUN_TIME"]) == ("600", "300s")
    assert all(isinstance(value, str) for value in variables.values())
    assert found["secrets"] == [{"name": "ORDERS_KEY", "value": "https://shop.vault.azure.net/secrets/ORDERS-KEY"}]
    assert found["splitAllCSVs"] is True
    assert len(found["description"]) <= 100


def test_every_file_that_is_uploaded_is_there_and_in_one_folder(experiment: Path) -> None:
    folder = written(experiment)
    found = configuration(folder)
    assert set(found["configurationFiles"]) == {"orders.csv", "request_source.py", "requests.json"}
    for name in (found["testPlan"], *found["configurationFiles"]):
        assert (folder / name).is_file()


def test_uploaded_files_need_no_recent_python(experiment: Path) -> None:
    """Which Python the engines have is not known; Locust runs from 3.9 or 3.10 on."""
    folder = written(experiment)
    for file in folder.glob("*.py"):
        ast.parse(file.read_text(), feature_version=(3, 9))


@pytest.mark.parametrize(
    ("objective", "criteria"),
    [
        ("", ["percentage(error) > 1"]),
        ("p99 <= 0.5s", ["p99(response_time_ms) > 500", "percentage(error) > 1"]),
        ("p50 < 1.2ms", ["p50(response_time_ms) > 2", "percentage(error) > 1"]),
        ("throughput >= 100/s and errors < 0.5%", ["avg(requests_per_sec) < 100", "percentage(error) > 0.5"]),
    ],
)
def test_failure_criteria_follow_the_objective(objective: str, criteria: list[str]) -> None:
    assert failure_criteria(objective) == criteria


@pytest.mark.parametrize(
    ("changed", "flags", "said"),
    [
        ("", ["--host", "my-app"], "my-app is not the address of an app: allowed is a URL"),
        ("", ["--host", f"{APP}/api?code=s3cret"], "/api is not the address of an app"),
        ('background = "/api/x"\nbackground_users = [1]', [], "only functune itself sends a background"),
        ("target = { delay_ms = 5 }", [], "a server of this machine, which an app on Azure cannot reach"),
        (
            "alone = true",
            ["--request", "nothing"],
            "it has no request 'nothing': give --request with one of mix, order, list",
        ),
    ],
)
def test_what_cannot_be_is_refused(experiment: Path, changed: str, flags: list[str], said: str) -> None:
    experiment.write_text(
        EXPERIMENT.replace("[settings]", "[settings]\n").replace(
            "\n[[workload", f"\n[workload]\n{changed}\n\n[[workload", 1
        )
    )
    done = in_process("azure", "load-test", experiment, "--host", APP, *flags, "--out", experiment.parent / "test")
    assert done.returncode == 2
    assert said in done.stderr
    assert "s3cret" not in done.stderr
    assert not (experiment.parent / "test").exists()


class Shop(http.server.BaseHTTPRequestHandler):
    """Answers orders with 202, and keeps what it was sent."""

    seen: list[tuple[str, str, dict[str, str], bytes]]

    def do_GET(self) -> None:
        self.answer(200)

    def do_POST(self) -> None:
        self.answer(202)

    def answer(self, status: int) -> None:
        length = int(self.headers.get("content-length", "0"))
        if len(body := self.rfile.read(length)) < length:
            return  # the engine has ended
        self.seen.append((self.command, self.path, dict(self.headers), body))
        self.send_response(status)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def shop() -> Iterator[tuple[str, type[Shop]]]:
    """The URL of a shop, and the class that keeps what it was sent."""
    kept = type("Kept", (Shop,), {"seen": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), kept)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", kept
    server.shutdown()
    thread.join()
    server.server_close()


def test_engine_sends_the_requests_of_the_experiment(
    experiment: Path, shop: tuple[str, type[Shop]], tmp_path: Path
) -> None:
    """As an engine does: Locust alone with its variables, in a folder with the uploaded files and without functune."""
    folder, engine = written(experiment), tmp_path / "engine"
    engine.mkdir()
    found = configuration(folder)
    for name in (found["testPlan"], *found["configurationFiles"]):
        (engine / name).write_bytes((folder / name).read_bytes())
    base_url, kept = shop
    # Without functune: it is installed for these tests, so its import is made to fail.
    (engine / "functune.py").write_text("raise ImportError('functune is not installed on an engine')")
    environ = os.environ | {each["name"]: each["value"] for each in found["env"]}
    environ |= {"LOCUST_HOST": base_url, "LOCUST_USERS": "4", "ORDERS_KEY": "k-of-nobody"}
    with subprocess.Popen(
        [sys.executable, "-m", "locust", "-f", "locustfile.py", "--headless", "--only-summary", "--json"],
        cwd=engine,
        env=environ | {"PYTHONPATH": str(engine)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as locust:
        try:
            # How many requests it sends in a time depends on the machine, so it ends after enough of them.
            wait_until(lambda: has_sent_enough(kept) or locust.poll() is not None, "200 requests", timeout=180)
            locust.terminate()
            said, error = locust.communicate(timeout=120)
        finally:
            locust.kill()
    assert locust.returncode == 0, error
    statistics = {each["name"]: each for each in json.loads(said)}
    assert set(statistics) == {"order", "list"}
    assert sum(each["num_failures"] for each in statistics.values()) == 0  # 202 is expected of an order
    orders = [(path, headers, body) for method, path, headers, body in kept.seen if method == "POST"]
    assert {path for path, _, _ in orders} == {"/api/orders/1", "/api/orders/2", "/api/orders/3%2F4"}
    assert {headers["x-api-key"] for _, headers, _ in orders} == {"k-of-nobody"}
    assert {json.loads(body)["id"] for _, _, body in orders} == {"1", "2", "3/4"}
    assert json.loads(orders[0][2])["note"] == 'a "quoted" note'
    sent = sum(each["num_requests"] for each in statistics.values())
    # 3 of 4, each chosen by chance, without a seed: six standard errors are passed once in 500 million runs.
    assert statistics["order"]["num_requests"] / sent == pytest.approx(0.75, abs=6 * sqrt(0.75 * 0.25 / sent))


def has_sent_enough(shop: type[Shop]) -> bool:
    """Whether 200 requests came in, and of each kind more than the 4 users have under way when they end."""
    methods = [method for method, *_ in shop.seen]
    return len(methods) >= 200 and min(methods.count("GET"), methods.count("POST")) >= 12


def result_rows(engine: int, *, seconds: int = 60, users: int = 4, elapsed: int = 100) -> list[list[str]]:
    """The rows of an engine whose users each send one request after another; one in ten is an HTTP 500."""
    rows = []
    for user in range(users):
        for number in range(seconds * 1000 // elapsed):
            began = 1_760_000_000_000 + user * 10 + number * elapsed
            failed = (number + user) % 10 == 0
            status = ["500", "Internal Server Error"] if failed else ["202", "Accepted"]
            name = "order" if number % 4 else "list"
            rest = [f"{engine}-{user}", "text", str(not failed).lower(), "", "2", "1", "4", "4"]
            row = [str(began), str(elapsed), name, *status, *rest, f"{APP}/api/orders/1?code=s3cret", "90", "0", "5"]
            rows.append(row)
    return rows


def result_csv(path: Path, rows: list[list[str]]) -> Path:
    with path.open("w", newline="") as file:
        file.write(HEADER + "\n")
        csv.writer(file).writerows(rows)
    return path


def test_results_of_all_engines_are_a_run_that_report_reads(experiment: Path, tmp_path: Path) -> None:
    """Two engines of 4 users each, 100 ms a request: 80/s, of which a tenth fails."""
    test = written(experiment, "--users", "8", "--engines", "2")
    packed = tmp_path / "results.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for engine in (1, 2):
            archive.write(
                result_csv(tmp_path / f"engine{engine}_results.csv", result_rows(engine)), f"engine{engine}_results.csv"
            )
        archive.writestr("orders.csv", "id\n1\n")  # a file of values is no result
    out = tmp_path / "run"
    done = in_process("azure", "load-test", test, "--results", packed, "--out", out, "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert "They lack the times in the worker" in answer["notes"][0]
    [measured] = RunFolder.open(out).measurements()
    assert (answer["run"], answer["users"]) == (str(out), 8)
    assert answer["throughput_per_s"] == pytest.approx(measured.throughput, rel=1e-4)
    assert measured.users == 8
    assert measured.throughput == pytest.approx(72, rel=0.02)
    assert measured.error_ratio == pytest.approx(0.1, rel=0.05)
    assert measured.errors.keys() == {"HTTP 500"}
    assert fmean(measured.latencies_us) == 100_000
    assert measured.concurrency == pytest.approx(8, rel=0.02)
    assert set(measured.by_request) == {"order", "list"}
    # Without the start of 8 users in 8 s and the warm-up of 1 s, and with both edges moved by a quarter at most.
    assert 25 < measured.duration <= 60 - 8 - 1
    assert measured.started_at >= 1_760_000_000 + 8 + 1
    assert (measured.generator_cpu, measured.host_cpu, measured.service_times_us) == (None, None, [])
    reported = in_process("report", out)
    assert reported.returncode in (0, 3), reported.stderr  # 10 % of the requests failed
    page = (out / "report.html").read_text()
    assert "called by Azure Load Testing from 2 engines" in page
    assert "s3cret" not in "".join(file.read_text(errors="replace") for file in out.rglob("*") if file.is_file())


def test_results_in_a_folder_and_of_a_route(tmp_path: Path) -> None:
    experiment = tmp_path / "asked.toml"
    experiment.write_text(
        'name = "items"\nquestion = "?"\nworkload.routes = ["/api/items"]\nsettings.thread_count = [4, 16]\n'
        'settings.instance = ["flex-512", "flex-2048"]\n'
        'baseline = { thread_count = 16, limiter_tokens = 80, instance = "flex-512" }\n'
        "load = { users = [4], warm_up = 1, measure = 5 }\n"
    )
    test = written(experiment)
    assert read_asked(test).engines == 1
    rows = [[began, elapsed, "/api/items", *rest] for began, elapsed, _, *rest in result_rows(1)]
    (tmp_path / "results").mkdir()
    result_csv(tmp_path / "results" / "engine1_results.csv", [row for row in rows if row[7] == "true"])
    done = in_process("azure", "load-test", test, "--results", tmp_path / "results", "--out", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    [measured] = RunFolder.open(tmp_path / "run").measurements()
    assert str(measured.subject) == "/api/items"
    assert measured.by_request == {}
    # What the app has at present, whichever knob it is.
    assert measured.setting == Setting(thread_count=16, limiter_tokens=80, instance=shape_of("flex-512"))
    reported = in_process("report", tmp_path / "run")
    assert reported.returncode == 0, reported.stderr
    assert "36" in reported.stdout  # of 40 requests a second


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("id\n1\n", "no results with the columns timeStamp, elapsed, label, responseCode, success"),
        (f"{HEADER}\nsoon,1,x,200,OK,t,text,true,,1,1,1,1,u,1,0,0\n", "line 2: timeStamp is 'soon'"),
        (f"{HEADER}\n1760000000000,5,x,200,OK,t,text,true,,1,1,1,1,u,1,0,0\n", "leave nothing to measure"),
        (f"{HEADER}\n1760000000000,5,x", "line 2: the row ends before responseCode; download the results again"),
        (f"{HEADER}\n1760000000000,5,x,500,{'a' * 200_000},t\n", "line 2: not CSV: field larger than field limit"),
    ],
)
def test_results_that_cannot_be_read_are_explained(experiment: Path, tmp_path: Path, content: str, said: str) -> None:
    test = written(experiment)
    (tmp_path / "engine1_results.csv").write_text(content)
    done = in_process(
        "azure", "load-test", test, "--results", tmp_path / "engine1_results.csv", "--out", tmp_path / "run"
    )
    assert done.returncode == 2
    assert said in done.stderr
    assert not (tmp_path / "run").exists()
