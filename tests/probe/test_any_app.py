"""The probe of apps that are not the showcase, on the local host and on other servers, as a user runs it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from functune.probe.app import probe_app
from functune.probe.target import ProbeRequest
from tests.cli.calling import functune, in_process
from tests.host.serving import Serving
from tests.instrument.servers import APPS, GUNICORN_PATIENCE, UVICORN_PATIENCE, instrumented, served

DESK = APPS / "desk"
LONG = "/api/wait?ms=2000"
"""So long that the calls of a wave overlap on a busy machine: a count is exact where twice as many could have."""


def get(route: str) -> ProbeRequest:
    return ProbeRequest("GET", route, {})


def counted(text: str) -> dict[str, str]:
    """The counted column of the report, by the row."""
    return dict(
        re.findall(r"^(worker processes|threads per worker|threads in total) .{20} *(\S.*)$", text, re.MULTILINE)
    )


@pytest.fixture(scope="module")
def desk() -> Iterator[Serving]:
    """An app without the times file, on a host that was not started to measure: two workers with four threads."""
    with Serving(
        DESK,
        *("--worker-startup-interval", "0"),
        FUNCTIONS_WORKER_PROCESS_COUNT="2",
        PYTHON_THREADPOOL_THREAD_COUNT="4",
    ) as host:
        yield host.ready()


async def test_threads_and_processes_of_any_app_on_the_local_host(desk: Serving) -> None:
    report = await probe_app(desk.url, request=get(LONG))
    assert report.is_exact
    assert report.has_all_workers
    assert {worker.pid: count for worker, count in report.threads.items()} == dict.fromkeys(desk.workers()["pids"], 4)
    assert (report.configured.process_count, report.configured.thread_count) == (2, 4)
    assert report.disagreements == []
    assert {each.source for wave in report.waves for each in wave.sightings} == {"local host"}


async def test_async_handler_shows_the_processes_alone(desk: Serving) -> None:
    report = await probe_app(desk.url, request=get("/api/awaiting?ms=50"))
    assert report.is_async
    assert {worker.pid for worker in report.threads} == set(desk.workers()["pids"])
    assert report.disagreements == []


async def test_short_calls_give_a_lower_bound(desk: Serving) -> None:
    report = await probe_app(desk.url, request=get("/api/wait?ms=0"))
    assert not report.is_exact
    assert max(report.threads.values()) <= 4


def test_report_of_the_command(desk: Serving) -> None:
    done = in_process("probe", desk.url, "--route", LONG)
    assert done.returncode == 0, done.stderr
    assert "Counted by the header x-functune-worker of functune's local host." in done.stdout
    assert counted(done.stdout) == {"worker processes": "2", "threads per worker": "4", "threads in total": "8"}
    assert "They agree." in done.stdout


def test_command_sends_the_request_of_its_flags(desk: Serving, tmp_path: Path) -> None:
    """The handler answers with the body it is sent: one with a status that is an error shows that it came."""
    (tmp_path / "body.json").write_text(json.dumps({"status": 418, "body": "short and stout"}))
    flags = ("--json", f"@{tmp_path / 'body.json'}", "-H", "x-token: ${TOKEN}")
    done = in_process("probe", desk.url, "--route", "/api/text?code=${TOKEN}", *flags, TOKEN="s3cret")
    assert done.returncode == 3
    assert "POST /api/text answered 418, not 200" in done.stderr
    assert "s3cret" not in done.stdout + done.stderr


def test_command_without_a_route_names_those_of_the_app(desk: Serving) -> None:
    done = in_process("probe", desk.url)
    assert done.returncode == 3
    assert "For another app, name a route to call with --route. The app has " in done.stderr
    assert "ANY /api/wait" in done.stderr


def test_host_is_started_for_any_app(tmp_path: Path) -> None:
    flags = ("--script-root", DESK, "--route", LONG, "--format", "json")
    done = functune("probe", "--host", "local", *flags, PYTHON_THREADPOOL_THREAD_COUNT="4")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["configured"] == {"process_count": 1, "thread_count": 4, "thread_count_source": "app setting"}
    assert [worker["threads"] for worker in answer["workers"]] == [4]
    assert (answer["has_all_workers"], answer["has_all_threads"], answer["disagreements"]) == (True, True, [])
    assert "wave of " in done.stderr


def test_processes_of_an_instrumented_asgi_app(tmp_path: Path) -> None:
    folder = instrumented("asgi", tmp_path / "app", "app = functune_times.AsgiTimes(app)")
    with served(folder, "uvicorn", "service:app", "--port", "0", *UVICORN_PATIENCE, "--workers", "2") as url:
        done = in_process("probe", url, "--route", "/awaiting")
    assert done.returncode == 0, done.stderr
    assert "Counted by the header x-functune-worker of functune_times.py in the app." in done.stdout
    assert counted(done.stdout)["worker processes"] in {"at least 1", "at least 2"}
    assert counted(done.stdout)["threads per worker"] == "not used: an async def handler"
    assert "Neither the app nor its host reports what is configured." in done.stdout


def test_processes_and_threads_of_an_instrumented_wsgi_app(tmp_path: Path) -> None:
    folder = instrumented("flask", tmp_path / "app", "app.wsgi_app = functune_times.WsgiTimes(app.wsgi_app)")
    command = ("gunicorn", "site_app:app", "--bind", "127.0.0.1:0", *GUNICORN_PATIENCE, "--workers", "2")
    with served(folder, *command, "--threads", "3") as url:
        done = in_process("probe", url, "--route", "/wait")
    assert done.returncode == 0, done.stderr
    found = counted(done.stdout)
    # The kernel chooses the worker of a connection: one of them may get few, or none.
    assert found["worker processes"] in {"at least 1", "at least 2"}
    assert found["threads per worker"] == "3" or found["threads per worker"].startswith("at least")
    assert found["threads in total"].startswith("at least")
    assert "there may be workers that got none" in done.stdout


def test_app_that_names_no_worker_is_not_counted(tmp_path: Path) -> None:
    folder = instrumented("asgi", tmp_path / "app", "app = functune_times.AsgiTimes(app)")
    with served(folder, "uvicorn", "service:app", "--port", "0", *UVICORN_PATIENCE, times="") as url:
        done = in_process("probe", url, "--route", "/awaiting?secret=s3cret")
    assert done.returncode == 3
    assert "the answer of /awaiting does not name the process and thread that made it" in done.stderr
    assert "functune instrument" in done.stderr
    assert "s3cret" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--json", "{}"), "describe the request to a route: name it with --route"),
        (("--route", "items"), "--route takes a path that starts with /"),
        (("--route", "/a b"), "--route takes a path that starts with /"),
        (("--route", "/a", "-H", "s3cret"), "-H takes 'NAME: VALUE'"),
        (("--route", "/a", "-H", "x-name: s3cret \u00e9"), "the value of -H 'x-name: …' has a character"),
        (("--route", "/a", "-X", "GET /b"), "-X GET /b: allowed is a method such as POST"),
        (("--route", "/a", "--json", '{"s3cret"'), "--json is not JSON, at character 10"),
        (("--route", "/a", "--json", "{}", "--data", "x"), "--data and --json are both given"),
        (("--route", "/a", "--data", "@missing"), "the body @missing cannot be read: No such file"),
        (("--route", "/${NOT_SET_HERE}"), "${NOT_SET_HERE} is not set: set NOT_SET_HERE in the environment"),
    ],
)
def test_wrong_request_is_refused_before_anything_is_sent(flags: tuple[str, ...], said: str) -> None:
    done = in_process("probe", "http://127.0.0.1:1", *flags)
    assert done.returncode == 2
    assert said in done.stderr
    assert "s3cret" not in done.stderr
