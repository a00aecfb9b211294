"""The settings of Hypothesis, the option that fails skipped tests, and the package index."""

import fcntl
import gc
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# On a busy machine an example may take a second, and finding ten of them a minute, without anything being wrong.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
# Each run has the same examples, so it fails for a change only. `pytest --hypothesis-profile=explore` draws new ones.
settings.register_profile("same", PATIENT, derandomize=True)
settings.register_profile("explore", PATIENT, max_examples=2000)
settings.load_profile("same")

LONGEST = (
    *("azure/test_sweep.py", "stranger/test_any_app.py", "load/test_load_processes.py", "truth/test_shop.py"),
    *("truth/test_other_apps.py", "cli/test_tune.py", "stranger/test_first_hour.py", "load/test_runner.py"),
    *("cli/test_load_processes.py", "probe/test_any_app.py", "sweep/test_instance_sizes.py", "api/test_page.py"),
    *("sweep/test_run.py", "azure/test_kills.py", "hosts/test_web_server.py", "timing/test_lines.py"),
    *("cli/test_sweep.py", "watch/test_live_page.py", "azure/test_secrets.py", "hosts/test_func.py"),
    *("project/test_lock.py", "cli/test_secrets.py", "hosts/test_server_laws.py", "hosts/test_kills.py"),
    *("cli/test_host_kinds.py", "hosts/test_limiter.py", "project/test_action.py", "infra/test_deployment.py"),
    *("sweep/test_resume.py", "cli/test_any_app.py", "timing/test_sampler.py", "cli/test_requests.py"),
)
"""The files that take longer than 14 s, the longest first."""


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The package index, asked once by all processes of a run; the test is skipped where it cannot be reached."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    with (folder / "index").open("a+") as found:
        fcntl.flock(found, fcntl.LOCK_EX)
        found.seek(0)
        if not (problem := found.read()):
            problem = index_problem()
            found.write(problem)
    if problem != FINE:
        pytest.skip(f"no package index to install from: {problem}")


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of the loopback interface that nobody listens at: it is bound here, so no other program gets it."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


FINE = "fine"


def index_problem() -> str:
    """Why the index cannot be reached, in the last words of pip; FINE where it can."""
    asked = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-deps", "--ignore-installed", "httpx==0.28.1"]
    try:
        outcome = subprocess.run(asked, capture_output=True, text=True, timeout=120)
    except subprocess.TimeoutExpired as error:
        return f"pip had no answer within {error.timeout:g} s"
    return outcome.stderr.strip().splitlines()[-1] if outcome.returncode else FINE


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--allowed-skips",
        metavar="REGEX",
        help="fail each test skipped for a reason that does not match REGEX; an empty REGEX allows none (default: all)",
    )


def pytest_configure() -> None:
    """
    Let programs that tests start be interrupted also where a shell has begun the tests in the background.

    And let them, and this process, write bytecode. Hundreds of them import functune, and each would compile it anew;
    pytest rewrites the assertions of all test files, and would do so again in each run.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files: begun last, one of them would run alone at the end."""
    places = {Path(__file__).parent / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep the tests from the garbage collector: it would look at all of them, again and again, and they all stay."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    return judged(report, item.config) if not hasattr(report, "wasxfail") else report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A file skipped as a whole."""
    return judged((yield), collector.config)


def judged[Report: (pytest.TestReport, pytest.CollectReport)](report: Report, config: pytest.Config) -> Report:
    """The report, failed where its test was skipped for a reason that --allowed-skips does not match."""
    allowed: str | None = config.getoption("--allowed-skips")
    if report.skipped and allowed is not None:
        assert isinstance(report.longrepr, tuple)
        _, _, reason = report.longrepr
        if not allowed or not re.search(allowed, reason):
            report.outcome = "failed"
            report.longrepr = (
                f"{reason}\n--allowed-skips={allowed!r} does not allow a test to be skipped for this reason."
            )
    return report
