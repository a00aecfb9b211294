"""The commands of README.md and of the tutorial, typed in the folder of the tutorial's app, in their order."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from socket import socket
from zipfile import ZipFile

import httpx
import pytest

from tests.host.serving import wait_until
from tests.pages.quotes import Terminal, files_of_pages, write_app
from tests.stranger.installed import APPS, Stranger, run

pytestmark = [pytest.mark.network, pytest.mark.pages]

BUSY = re.compile(r"Other programs used|the time was used up|could not be profiled|ended before the search did")
"""What a run says where other programs left no time for the line, or for all loads."""


@pytest.fixture(scope="module")
def terminal(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """A terminal in the folder of the app, while the service that it calls runs; next to it a web app."""
    folder = tmp_path_factory.mktemp("tutorial") / "quotes"
    with closing(socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    write_app(folder, port)
    (folder.parent / "my-site").symlink_to(APPS / "web_flask")
    with subprocess.Popen([sys.executable, "prices.py"], cwd=folder) as prices:
        try:
            wait_until(lambda: answers(port), "service with the prices")
            yield Terminal(Stranger(installed, folder), folder)
        finally:
            prices.terminate()


def answers(port: int) -> bool:
    """Whether the service answers."""
    try:
        return httpx.get(f"http://127.0.0.1:{port}/ACME", trust_env=False).is_success
    except httpx.ConnectError:
        return False


@pytest.fixture(scope="module")
def first(terminal: Terminal) -> str:
    """What the first run says; its fault is then mended."""
    said = terminal.typed("functune tune /api/quotes/ACME --out runs/first", "--budget", terminal.stranger.budget())
    terminal.typed("sed -i.before 's/^async def quote/def quote/' function_app.py")
    return said


@pytest.fixture(scope="module")
def fixed(terminal: Terminal, first: str) -> str:
    return terminal.typed("functune tune /api/quotes/ACME --out runs/fixed", "--budget", terminal.stranger.budget(30))


@pytest.fixture(scope="module")
def branch(terminal: Terminal, first: str) -> Path:
    """The run of the experiment."""
    terminal.typed("functune init --route 'GET /api/quotes/{symbol}'")
    experiments, text = terminal.folder / "experiments", files_of_pages()["experiments/quotes.toml"]
    [values] = experiments.glob("*.csv")
    assert f'values = "{values.name}"' in text
    values.write_text("symbol\nACME\n")
    assert (experiments / "quotes.toml").exists()
    (experiments / "quotes.toml").write_text(text)
    # Other programs may keep the threads from what the expectation says.
    terminal.typed(
        "functune sweep experiments/quotes.toml --out runs/branch", "--no-profile", "--no-calibration", codes=(0, 1)
    )
    return terminal.folder / "runs/branch"


def test_app_serves(terminal: Terminal) -> None:
    with terminal.started("functune serve") as host:
        url = host.ready().url
        answer = terminal.typed("curl http://127.0.0.1:7071/api/quotes/ACME", "--silent", url=url)
    assert json.loads(answer) == {"symbol": "ACME", "price": 12.34}
    with terminal.started("functune serve --verbose") as host:
        host.ready().get("/api/health")
        host.line("Executed 'Functions.health' .Succeeded")
    with terminal.started("FUNCTIONS_WORKER_PROCESS_COUNT=2 PYTHON_THREADPOOL_THREAD_COUNT=16 functune serve") as host:
        assert host.ready().workers()["configured"] == 2


def test_doctor_finds_the_fault_before_anything_runs(terminal: Terminal) -> None:
    said = terminal.typed("functune doctor", codes=(1,))
    assert f"error [blocking-call]\n  function_app.py:{terminal.line_of('requests.get')}\n" in said
    site = terminal.typed("functune doctor ../my-site --plan app-service --tier P1v3", codes=(1,))
    assert "gunicorn" in site


def test_first_run_names_the_line(terminal: Terminal, first: str) -> None:
    place = f"function_app.py:{terminal.line_of('requests.get')} in quote"
    assert f"The async handler blocks its event loop at {place}" in first or BUSY.search(first)


def test_second_run_has_threads_and_is_better(terminal: Terminal, first: str, fixed: str) -> None:
    assert "event loop" not in fixed
    assert re.search(r"^    PYTHON_THREADPOOL_THREAD_COUNT=\d+$|^    leave \w+ unset$", fixed, re.MULTILINE)
    # A single user may be slower by chance, which is exit code 1.
    compared = terminal.typed("functune compare runs/first runs/fixed", codes=(0, 1))
    assert re.search(r"^\d+ steps? in both runs", compared, re.MULTILINE)
    better = re.search(r"^Better: .* 64 users: [\d.]+ requests/s -> ", compared, re.MULTILINE)
    assert better or BUSY.search(first) or BUSY.search(fixed)


def test_run_can_be_read_again(terminal: Terminal, fixed: str) -> None:
    terminal.typed("functune report runs/fixed")
    assert (terminal.folder / "runs/fixed/report.html").exists()
    terminal.typed("functune doctor --run runs/fixed")
    terminal.typed("functune doctor --for flex")
    sarif = terminal.folder / "doctor.sarif"
    terminal.typed("functune doctor --for flex --format sarif --out doctor.sarif")
    assert json.loads(sarif.read_text())["version"] == "2.1.0"


def test_run_gives_settings_and_costs(terminal: Terminal, fixed: str) -> None:
    assert "perInstanceConcurrency" in terminal.typed("functune recommend runs/fixed --plan flex --format bicep")
    commands = terminal.typed("functune recommend runs/fixed --plan flex --format commands")
    assert "az functionapp scale config set" in commands
    quiet = terminal.typed('functune plan runs/fixed --traffic steady:1 --objective "p95 < 500ms"')
    busy = terminal.typed('functune plan runs/fixed --traffic daily:40:120 --objective "p95 < 500ms"')
    for said in (quiet, busy):
        assert "The cheapest configuration that meets p95 < 500 ms is " in said


def test_experiment_is_measured_and_compared(terminal: Terminal, branch: Path) -> None:
    shutil.copytree(branch, branch.with_name("main"))
    same = terminal.typed("functune compare runs/main runs/branch")
    assert re.search(r"\b0 worse, 0 better\b", same)


def test_run_on_gunicorn_gives_a_start_up_command(terminal: Terminal, branch: Path) -> None:
    command = "functune sweep experiments/quotes.toml --host gunicorn:gthread --out runs/gunicorn"
    terminal.typed(command, "--no-profile", "--no-calibration", codes=(0, 1))
    startup = terminal.typed("functune recommend runs/gunicorn --plan app-service --size P1v3 --format startup")
    assert startup.startswith("gunicorn ")
    assert "--threads 16" in startup
    replicas = terminal.typed(
        "functune recommend runs/gunicorn --plan container-apps --size 1 --replicas 1 10 --format fragment"
    )
    assert "maxReplicas: 10" in replicas


def test_archive_has_what_it_names_alone(terminal: Terminal) -> None:
    for command in (("init", "--quiet"), ("add", "function_app.py", "host.json", "requirements.txt", "prices.py")):
        run("git", "-C", terminal.folder, *command)
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    run("git", "-C", terminal.folder, *identity, "commit", "--quiet", "--message", "The app")
    terminal.typed("git archive --format=zip --output=app.zip HEAD function_app.py host.json requirements.txt")
    with ZipFile(terminal.folder / "app.zip") as archive:
        assert sorted(archive.namelist()) == ["function_app.py", "host.json", "requirements.txt"]


def test_app_gets_the_file_that_reports_times(terminal: Terminal) -> None:
    assert "functune_times.add_times(app)" in terminal.typed("functune instrument")
