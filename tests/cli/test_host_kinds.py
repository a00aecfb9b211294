"""``--host``: the same sweep and probe on the local host, on Core Tools (a stand-in for them) and on a URL."""

import json
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import aclosing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest

from functune.errors import HostError
from functune.hosts.local import LOCAL_HOST
from functune.hosts.registry import host_kind
from functune.hosts.served_app import ServedApp
from functune.load.records import LoadPlan
from functune.load.runner import finished_steps
from functune.run.folder import ENVIRONMENT, RunFolder
from functune.setting import Setting
from tests.cli.calling import in_process
from tests.host.serving import APPS, Serving
from tests.hosts.func_on_path import install_stand_in

ROOT = Path(__file__).parents[2]
KEY = "k3y-nobody-may-see"


def experiment(folder: Path, *, route: str, thread_count: str = "[4]", process_count: str = "[1]") -> Path:
    path = folder / "asked.toml"
    path.write_text(
        f"""
        name = "test"
        question = "Does it work?"
        workload.routes = ["{route}"]
        settings = {{ thread_count = {thread_count}, process_count = {process_count} }}
        load = {{ users = [4], warm_up = 0.2, measure = 1 }}
        """
    )
    return path


@pytest.fixture(scope="module")
def keyed() -> Iterator[str]:
    """The URL of an app that asks for a function key."""
    with Serving(APPS / "keyed", "--enable-auth", FUNCTUNE_FUNCTION_KEY=KEY) as serving:
        yield serving.line(r"Host started, listening on (\S+)")[1]


def test_sweep_measures_on_func(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_stand_in(tmp_path / "bin", monkeypatch)
    asked = experiment(tmp_path, route="/api/sync/sleep?ms=50", process_count="[2]")
    done = in_process(
        "sweep", asked, "--host", "func", "--script-root", ROOT, "--out", tmp_path / "run", "--no-calibration"
    )
    assert done.returncode == 0, done.stderr

    noted = json.loads((tmp_path / "run" / ENVIRONMENT).read_text())
    assert noted["host"] == "Azure Functions Core Tools 4.14.0"
    assert noted["git_commit"] is not None
    [measurement] = RunFolder.open(tmp_path / "run").measurements()
    assert measurement.errors == {}
    assert measurement.worker_threads == {}  # Core Tools report no times, whatever fields the body has
    assert measurement.service_times_us == []
    assert measurement.host_cpu is not None
    assert measurement.host_cpu > 0.01  # its workers are counted with it


@pytest.mark.parametrize(
    ("key", "said"), [(None, "it asks for a function key"), (f"{KEY}!", "it refuses the function key it was given")]
)
async def test_url_that_wants_another_key_says_so(keyed: str, key: str | None, said: str) -> None:
    with pytest.raises(HostError) as raised:
        async with host_kind(keyed, key=key, route="/api/keyed").running(ServedApp(Path()), setting=Setting()):
            pass
    assert str(raised.value) == f"{keyed}/api/keyed answered 401: {said}; set FUNCTUNE_KEY"


async def test_url_where_nobody_answers_says_so(closed_port: int) -> None:
    url = f"http://127.0.0.1:{closed_port}"
    with pytest.raises(HostError, match=f"{url} cannot be reached: ConnectError: .* Is the app running there"):
        async with host_kind(url).running(ServedApp(Path()), setting=Setting()):
            pass


def test_sweep_of_a_url_takes_one_setting(keyed: str, tmp_path: Path) -> None:
    asked = experiment(tmp_path, route="/api/keyed", thread_count='[4, "unset"]', process_count="[1, 2]")
    done = in_process("sweep", asked, "--host", keyed, "--out", tmp_path / "run", "--no-calibration", FUNCTUNE_KEY=KEY)
    assert done.returncode == 2
    assert "the experiments have 4 (T=4 P=1, T=unset P=1, T=4 P=2, T=unset P=2)" in done.stderr
    assert not (tmp_path / "run").exists()


def test_sweep_of_an_app_that_cannot_be_loaded_says_why_once(tmp_path: Path) -> None:
    (tmp_path / "function_app.py").write_text("import nothing_of_that_name")
    asked = experiment(tmp_path, route="/api/x", thread_count="[1, 2]")
    done = in_process("sweep", asked, "--script-root", tmp_path, "--out", tmp_path / "run", "--no-calibration")
    assert done.returncode == 3
    assert (done.stdout + done.stderr).count("No module named 'nothing_of_that_name'") == 1
    assert "functune: no trial could be measured (2 failed)" in done.stderr


@pytest.mark.parametrize("url", ["https://me:{}@example.org", "https://example.org/api?code={}", "http://a/#{}"])
def test_url_that_holds_a_secret_is_refused_without_showing_it(url: str, tmp_path: Path) -> None:
    asked = experiment(tmp_path, route="/api/keyed")
    done = in_process("sweep", asked, "--host", url.format(KEY), "--out", tmp_path / "run")
    assert done.returncode == 2
    assert "holds more than scheme, name, port and path" in done.stderr
    assert KEY not in done.stdout + done.stderr


def test_url_cannot_be_pointed_to_the_target_of_an_experiment(tmp_path: Path, closed_port: int) -> None:
    asked = ROOT / "experiments" / "client-per-request.toml"
    done = in_process(
        "sweep", asked, "--host", f"http://127.0.0.1:{closed_port}", "--out", tmp_path / "run", "--no-calibration"
    )
    assert done.returncode == 2
    assert "as workload.target of client-per-request wants: set FETCH_URLS there" in done.stderr
    assert not (tmp_path / "run").exists()


async def test_key_of_a_url_does_not_reach_an_app_started_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUNCTUNE_KEY", KEY)
    async with (
        LOCAL_HOST.running(ServedApp(APPS / "keyed"), setting=Setting(thread_count=1)) as host,
        httpx.AsyncClient(base_url=host.base_url, trust_env=False, timeout=20) as client,
    ):
        names = (await client.get("/api/open")).text.split()
    assert "PATH" in names
    assert "FUNCTUNE_KEY" not in names


def test_probe_starts_a_host_with_the_settings_of_file_and_environment(tmp_path: Path) -> None:
    for name in ("function_app.py", "functune_times.py", "host.json", "blueprints"):
        (tmp_path / name).symlink_to(ROOT / name)
    values = {"PYTHON_THREADPOOL_THREAD_COUNT": "8", "FUNCTIONS_WORKER_PROCESS_COUNT": "2"}
    (tmp_path / "local.settings.json").write_text(json.dumps({"IsEncrypted": False, "Values": values}))
    done = in_process("probe", "--host", "local", "--script-root", tmp_path, PYTHON_THREADPOOL_THREAD_COUNT="3")
    assert done.returncode == 0, done.stderr
    assert [line.split()[2:] for line in done.stdout.splitlines() if line.startswith("worker proc")] == [["2", "2"]]
    assert [line.split()[3:] for line in done.stdout.splitlines() if line.startswith("threads per")] == [
        ["3", "(app", "setting)", "3"]
    ]


def test_probe_starts_func(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_stand_in(tmp_path / "bin", monkeypatch)
    done = in_process("probe", "--host", "func", "--script-root", ROOT, PYTHON_THREADPOOL_THREAD_COUNT="2")
    assert done.returncode == 0, done.stderr
    assert "They agree." in done.stdout


def test_probe_refuses_a_thread_count_that_the_runtime_ignores() -> None:
    done = in_process("probe", "--host", "local", "--script-root", ROOT, PYTHON_THREADPOOL_THREAD_COUNT="many")
    assert done.returncode == 2
    assert "PYTHON_THREADPOOL_THREAD_COUNT is 'many'; it takes a whole number from 1" in done.stderr


@pytest.mark.parametrize("command", [["probe"], ["sweep", "experiments/processes-cpu.toml"]])
def test_host_func_where_it_is_not_installed_ends_with_2(command: list[str], tmp_path: Path) -> None:
    done = in_process(*command, "--host", "func", "--script-root", ROOT, PATH=str(tmp_path))
    assert done.returncode == 2
    assert "install Azure Functions Core Tools 4" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def untrusted(tmp_path: Path) -> ssl.SSLContext:
    """A server's side of TLS, with a certificate it signed itself."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl to make a certificate with")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1", "-days", "2"]
    subprocess.run([*request, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


async def test_load_goes_to_no_host_whose_certificate_is_not_trusted(untrusted: ssl.SSLContext) -> None:
    """The function key would go to whoever answers."""
    heard: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(self.path)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = untrusted.wrap_socket(server.socket, server_side=True)
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        plan = LoadPlan(route="/", users=(1,), warm_up=0.2, measure=1, settle_limit=1)
        async with aclosing(finished_steps(plan, base_url=f"https://127.0.0.1:{server.server_port}", key=KEY)) as steps:
            [(_, requests)] = [step async for step in steps]
        server.shutdown()
    assert {request.error for request in requests} == {"SSLCertVerificationError"}
    assert heard == []


def test_settings_of_a_sweep_on_a_web_server_are_those_of_the_server(tmp_path: Path) -> None:
    experiment = tmp_path / "x.toml"
    experiment.write_text(
        'name = "x"\nquestion = "?"\n[workload]\nroutes = ["/api/sync/sleep?ms=100"]\n'
        '[settings]\nthread_count = [1, 4]\n[load]\nusers = [4]\nwarm_up = 0.3\nmeasure = 1\nsearch = "grid"\n'
    )
    run = tmp_path / "run"
    done = in_process("sweep", experiment, "--host", "gunicorn", "--out", run, "--no-profile", "--no-calibration")
    assert done.returncode == 0, done.stderr
    assert json.loads((run / ENVIRONMENT).read_text())["host_kind"] == "gunicorn:gthread"
    assert "GUNICORN_CMD_ARGS=--worker-class gthread --threads 4" in done.stdout
    assert "FUNCTIONS_WORKER_PROCESS_COUNT" not in done.stdout
    report = json.loads((run / "report.json").read_text())
    assert {each["plan"] for each in report["apply"]} == {"local", "app-service", "container-apps"}
    refused = in_process("tune", "/api/sync/sleep", "--host", "gunicorn", "--for", "flex")
    assert refused.returncode == 2
    assert "--for flex with --host gunicorn:gthread, which Flex Consumption does not run: allowed: " in refused.stderr
