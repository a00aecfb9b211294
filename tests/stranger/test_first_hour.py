"""
The first hour of a stranger: functune from its wheel, in an empty folder, then on an app of their own.

The app has its packages in a virtual environment of its own. Its run is shared by the tests that read one.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from functune.showcase.parts import showcase_files
from tests.stranger.installed import APPS, ROOT, Stranger, make_environment
from tests.stranger.said import assert_answer, left_no_time_to_profile

pytestmark = pytest.mark.network


@pytest.fixture(scope="module")
def newcomer(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Stranger:
    """The installed commands, called in one folder that is empty at first."""
    return Stranger(installed, tmp_path_factory.mktemp("empty"))


@pytest.fixture(scope="module", autouse=True)
def demo(newcomer: Stranger) -> Iterator[Future[subprocess.CompletedProcess[str]]]:
    """``functune demo``, which waits most of its time and runs during the other tests."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        yield pool.submit(newcomer.call, "demo", "async-blocked-loop", "--quick")


@pytest.fixture(scope="module")
def orders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An app with its own virtual environment."""
    folder = tmp_path_factory.mktemp("projects") / "orders"
    shutil.copytree(APPS / "orders", folder, ignore=shutil.ignore_patterns("__pycache__"))
    make_environment(folder / ".venv", "--requirement", folder / "requirements.txt")
    return folder


@pytest.fixture(scope="module")
def tuned(newcomer: Stranger, orders: Path) -> subprocess.CompletedProcess[str]:
    """``functune tune`` on a route of the app."""
    return newcomer.tune(orders, "/api/orders")


def page_of(done: subprocess.CompletedProcess[str]) -> Path:
    """The report that a command has written."""
    page = re.search(r"^Report: (file://\S+)$", done.stdout, re.MULTILINE)
    assert page, done.stdout + done.stderr
    return Path(unquote(urlsplit(page[1]).path))


def test_wheel_has_the_showcase_of_the_repository(installed: Path) -> None:
    [folder] = installed.glob("lib/python3.*/site-packages/functune/showcase/app")
    files = list(showcase_files(ROOT))
    assert list(showcase_files(folder)) == files
    assert [file for file in files if (folder / file).read_bytes() != (ROOT / file).read_bytes()] == []


def test_init_writes_an_experiment_for_the_routes(newcomer: Stranger, orders: Path) -> None:
    done = newcomer.call("init", orders)
    assert done.returncode == 0, done.stderr
    listed = re.findall(r"^ +\d  (.+)$", done.stdout, re.MULTILINE)
    assert sorted(listed) == ["GET /api/orders", "POST /api/orders/{number}"]
    written = orders / "experiments" / "orders.toml"
    assert f"Run it:  functune sweep {written} --script-root {orders}" in done.stdout
    assert 'route = "/api/orders"' in written.read_text()


def test_doctor_finds_the_blocking_call(newcomer: Stranger, orders: Path) -> None:
    done = newcomer.call("doctor", orders)
    assert done.returncode == 1, done.stderr
    assert re.search(r"function_app\.py:20\b.*\n?.*time\.sleep", done.stdout), done.stdout


def test_tune_says_what_to_set_and_names_the_line(tuned: subprocess.CompletedProcess[str], orders: Path) -> None:
    assert_answer(tuned)
    report = page_of(tuned).with_name("report.json")
    [experiment] = json.loads(report.read_text())["experiments"]
    [limit] = experiment["limits"].values()
    steps = [
        (level["setting"]["thread_count"] or 1000, level["users"]) for level in experiment["subjects"][0]["levels"]
    ]
    # Other programs may take the time of the steps in which more users than threads show the limit.
    is_shown = any(users > threads for threads, users in steps)
    assert limit["kind"] in (("threads",) if is_shown else ("none", "unknown")), (limit, steps)
    if not left_no_time_to_profile(tuned):
        lines = (orders / "function_app.py").read_text().splitlines()
        [line] = [number for number, text in enumerate(lines, 1) if "time.sleep(0.05)" in text]
        assert f"function\\_app.py:{line} in orders" in report.with_name("summary.md").read_text()


def test_demo_measures_the_showcase_and_says_what_to_do_next(
    newcomer: Stranger, demo: Future[subprocess.CompletedProcess[str]]
) -> None:
    done = demo.result()
    assert done.returncode in (0, 1), done.stderr  # 1: other programs made an expectation fail
    assert f"Written: functune-demo ({len(list(showcase_files(ROOT)))} files)" in done.stdout
    assert "What does one blocking call in an async handler cost?" in done.stdout
    ratio = re.search(r"/api/async/sleep\?ms=100 serves .* requests/s, ([\d.]+) times /api/async/blocking", done.stdout)
    assert ratio, done.stdout
    assert float(ratio[1]) > 10
    page = page_of(done)
    assert page.parent.parent == newcomer.folder / "functune-demo" / "runs"
    assert "<html" in page.read_text()
    assert "\nNext, in the folder of your own app:\n  functune tune '/api/items?limit=20'" in done.stdout


def test_plan_names_the_cheapest_configuration(newcomer: Stranger, tuned: subprocess.CompletedProcess[str]) -> None:
    run = page_of(tuned).parent
    done = newcomer.call("plan", run, "--traffic", "daily:40:120", "--objective", "p95 < 500ms")
    assert done.returncode == 0, done.stderr
    sentence = (
        r"^The cheapest configuration that meets p95 < 500 ms is .+: [\d,.]+ USD a month with a p95 of ([\d.]+) ms"
    )
    found = re.search(sentence, done.stdout, re.MULTILINE)
    assert found, done.stdout
    assert float(found[1]) < 500
    assert (run / "plan.html").exists()
