"""
The first hour of a stranger: functune from its wheel, in an empty folder, then on an app of their own.

The app has its packages in a virtual environment of its own. Its run is shared by the tests that read one: of a route
that takes signed orders, with numbers from a file, and puts them into a queue.
"""

import hashlib
import hmac
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from functune.run.folder import CALIBRATIONS
from functune.run.profile import PROFILE
from functune.showcase.parts import showcase_files
from tests.stranger.installed import APPS, ROOT, Stranger, make_environment
from tests.stranger.said import assert_answer, hidden_by_other_programs, left_no_time_to_profile, page_of

pytestmark = pytest.mark.network

KEY, BODY = "the-signing-key", '{"amount": 3}'
SIGNATURE = hmac.digest(KEY.encode(), BODY.encode(), hashlib.sha256).hex()


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
    """``functune tune`` on the route for signed orders."""
    (newcomer.folder / "numbers.csv").write_text("\n".join(["number", *map(str, range(101, 121))]))
    body = ("--json", BODY, "--values", "numbers.csv")
    signature = ("-H", "x-signature: ${SIGNATURE}")
    return newcomer.tune(orders, "/api/orders/{number}", *body, *signature, SIGNING_KEY=KEY, SIGNATURE=SIGNATURE)


def line_with(text: str, app: Path) -> int:
    """The number of the one line of the app with a text."""
    lines = (app / "function_app.py").read_text().splitlines()
    [line] = [number for number, each in enumerate(lines, 1) if text in each]
    return line


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
    line = line_with("time.sleep(0.01)", orders)
    assert re.search(rf"function_app\.py:{line}\b.*\n?.*time\.sleep", done.stdout), done.stdout


def test_signed_order_is_accepted_and_a_wrong_signature_is_not(newcomer: Stranger, orders: Path) -> None:
    with newcomer.serve(orders, SIGNING_KEY=KEY) as host:
        host.ready()
        for sent, status in ((SIGNATURE, 202), ("wrong", 401)):
            answer = host.request("POST", "/api/orders/101", content=BODY, headers={"x-signature": sent})
            assert answer.status_code == status


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
    kinds = ("threads",) if is_shown else ("none", "unknown")
    assert limit["kind"] in kinds or hidden_by_other_programs(limit, tuned), (limit, steps)
    if not left_no_time_to_profile(tuned):
        line = line_with("time.sleep(0.2)", orders)
        assert f"function\\_app.py:{line} in order" in report.with_name("summary.md").read_text()
    assert "No such file" not in tuned.stdout  # the profile sends the same requests


def test_run_of_a_signed_request_has_no_signature_in_it(tuned: subprocess.CompletedProcess[str]) -> None:
    files = [path for path in page_of(tuned).parent.rglob("*") if path.is_file()]
    assert len(files) > 6
    assert [path for path in files if SIGNATURE in path.read_text(errors="replace")] == []


def test_demo_measures_the_showcase_and_says_what_to_do_next(
    newcomer: Stranger, demo: Future[subprocess.CompletedProcess[str]]
) -> None:
    done = demo.result()
    assert done.returncode in (0, 1), done.stderr  # 1: other programs made an expectation fail
    assert f"Written: functune-demo ({len(list(showcase_files(ROOT)))} files)" in done.stdout
    assert "What does one blocking call in an async handler cost?" in done.stdout
    ratio = re.search(r"/api/async/sleep\?ms=100 serves .* requests/s, ([\d.]+) times /api/async/blocking", done.stdout)
    assert ratio, done.stdout
    assert float(ratio[1]) > 3  # 64 on an idle machine; the awaiting handler alone needs the cores for that
    page = page_of(done)
    assert page.parent.parent == newcomer.folder / "functune-demo" / "runs"
    assert "<html" in page.read_text()
    assert [name for name in (CALIBRATIONS, PROFILE) if (page.parent / name).exists()] == []  # it is the quick one
    assert "\nNext, in the folder of your own app:\n  functune tune '/api/items?limit=20'" in done.stdout


def test_plan_names_the_cheapest_configuration(newcomer: Stranger, tuned: subprocess.CompletedProcess[str]) -> None:
    run = page_of(tuned).parent
    done = newcomer.call("plan", run, "--traffic", "steady:20", "--objective", "p95 < 5s")
    assert done.returncode == 0, done.stderr
    sentence = (
        r"^The cheapest configuration that meets p95 < 5.00 s is .+: [\d,.]+ USD a month with a p95 of ([\d.]+) (m?s)"
    )
    found = re.search(sentence, done.stdout, re.MULTILINE)
    assert found, done.stdout
    assert float(found[1]) / (1000 if found[2] == "ms" else 1) < 5
    assert (run / "plan.html").exists()
