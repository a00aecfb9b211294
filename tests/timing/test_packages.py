"""Apps with packages of their own: FastAPI in anyio's threads, and numpy, which computes outside the GIL."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from uv import find_uv_bin

from functune.run.profile import ProfileLine
from tests.timing.sampled import SampledHost, copied_app, marked_line, sampled_host

API = Path(__file__).parent / "apps" / "api"


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SampledHost]:
    folder = tmp_path_factory.mktemp("api")
    app = copied_app(API, folder / "app")
    packages = app / ".python_packages" / "lib" / "site-packages"
    done = subprocess.run(
        [
            find_uv_bin(),
            "pip",
            "install",
            "--quiet",
            "--python",
            sys.executable,
            "--target",
            packages,
            "-r",
            app / "requirements.txt",
        ],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"the package index cannot be reached: {done.stderr.strip().splitlines()[-1]}")
    with sampled_host(app, folder / "profile") as host:
        yield host


@pytest.fixture(scope="module")
def report(api: SampledHost) -> tuple[ProfileLine, ...]:
    """The lines of an endpoint that waits in anyio's threads, which 80 users want."""
    return api.lines("/report", users=80)


@pytest.fixture(scope="module")
def matrix(api: SampledHost) -> tuple[ProfileLine, ...]:
    """The lines of an endpoint that computes in numpy."""
    return api.lines("/matrix", users=4)


@pytest.mark.network
def test_endpoint_that_waits_for_a_thread_of_anyio_is_named(report: tuple[ProfileLine, ...]) -> None:
    """Its code does not run yet: the line is that of the endpoint, the wait that of the limiter of 40 threads."""
    [waiting] = [line for line in report if line.kind == "pool"]
    assert f"{waiting.file}:{waiting.line}" == marked_line(API, "report")
    assert waiting.waits_in == "anyio CapacityLimiter"
    [asleep] = [line for line in report if line.waits_in == "time.sleep"]
    assert waiting.seconds == pytest.approx(asleep.seconds, rel=0.5)


@pytest.mark.network
def test_await_of_a_thread_is_a_pool_only_while_it_waits_for_the_thread(api: SampledHost) -> None:
    few, many = (api.lines("/export", users=users) for users in (4, 80))
    place = marked_line(API, "export")
    assert [line.kind for line in few if f"{line.file}:{line.line}" == place and line.kind == "pool"] == []
    assert f"{few[0].file}:{few[0].line}" == marked_line(API, "export-in-thread")
    pools = {(f"{line.file}:{line.line}", line.waits_in) for line in many if line.kind == "pool"}
    assert pools == {(place, "anyio CapacityLimiter")}


@pytest.mark.network
def test_operator_of_numpy_runs(matrix: tuple[ProfileLine, ...]) -> None:
    line = matrix[0]
    assert (f"{line.file}:{line.line}", line.kind, line.state) == (marked_line(API, "matrix"), "cpu", "running")


@pytest.mark.network
def test_packages_below_the_script_root_are_not_the_app(
    report: tuple[ProfileLine, ...], matrix: tuple[ProfileLine, ...]
) -> None:
    assert {line.file for line in (*report, *matrix)} <= {"api/endpoints.py", "function_app.py"}
