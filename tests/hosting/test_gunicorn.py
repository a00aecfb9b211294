"""hosting/gunicorn.conf.py: what it reads, what it refuses, and real servers with it."""

import contextlib
import functools
import os
import re
import runpy
import secrets
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.host.serving import wait_until
from tests.hosting.apps.served import BEGINS
from tests.hosting.gunicorn_run import HOSTING, GunicornRun, effective, ended_run, gunicorn

ASGI, WSGI = "served:asgi", "served:wsgi"
SERVED = [("asgi", ASGI), ("uvicorn_worker.UvicornWorker", ASGI), ("gthread", WSGI), ("sync", WSGI)]
# Starts what follows on one core only.
ONE_CORE = (
    "import os, sys; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]); os.execvp(sys.argv[1], sys.argv[1:])"
)


CHANGED = {
    "PORT": "80",
    "WEB_CONCURRENCY": "5",
    "GUNICORN_WORKER_CLASS": "gthread",
    "GUNICORN_THREADS": "16",
    "GUNICORN_TIMEOUT": "0",
    "GUNICORN_GRACEFUL_TIMEOUT": "10",
    "GUNICORN_KEEP_ALIVE": "5",
}
# Gunicorn itself reads WEB_CONCURRENCY, and takes no empty one.
EMPTY = dict.fromkeys(CHANGED.keys() - {"WEB_CONCURRENCY"}, "")


@functools.cache
def settings_with(*variables: tuple[str, str]) -> dict[str, str]:
    """The settings that follow from some variables, asked once."""
    return effective(gunicorn(ASGI), **dict(variables))


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        (
            {},
            {
                "bind": "['0.0.0.0:8000']",
                "worker_class": "asgi",
                "threads": "1",
                "timeout": "230",
                "accesslog": "-",
                "errorlog": "-",
            },
        ),
        (
            CHANGED,
            {
                "bind": "['0.0.0.0:80']",
                "workers": "5",
                "worker_class": "gthread",
                "threads": "16",
                "timeout": "0",
                "graceful_timeout": "10",
                "keepalive": "5",
            },
        ),
        (EMPTY, {"bind": "['0.0.0.0:8000']", "worker_class": "asgi", "threads": "1", "timeout": "230"}),
    ],
    ids=["unset", "set", "empty"],
)
def test_settings_come_from_the_environment(variables: dict[str, str], expected: dict[str, str]) -> None:
    found = settings_with(*variables.items())
    assert {name: found[name] for name in expected} == expected


def test_workers_end_before_container_apps_kill_them() -> None:
    """SIGKILL follows SIGTERM after 30 s."""
    assert int(settings_with()["graceful_timeout"]) < 30


REFUSED = [
    ("PORT", "http", "a whole number from 0 to 65535"),
    ("PORT", "65536", "a whole number from 0 to 65535"),
    ("WEB_CONCURRENCY", "0", "a whole number from 1 to 128"),
    ("WEB_CONCURRENCY", "129", "a whole number from 1 to 128"),
    ("GUNICORN_THREADS", "1_0", "a whole number from 1 to 1000"),
    ("GUNICORN_THREADS", "٤", "a whole number from 1 to 1000"),
    ("GUNICORN_TIMEOUT", "30s", "a whole number from 0 to 3600"),
    ("GUNICORN_TIMEOUT", "9" * 5000, "a whole number from 0 to 3600"),
    ("GUNICORN_GRACEFUL_TIMEOUT", "0", "a whole number from 1 to 600"),
    ("GUNICORN_KEEP_ALIVE", "1.5", "a whole number from 1 to 3600"),
    ("GUNICORN_WORKER_CLASS", "eventlet", "one of asgi, uvicorn_worker.UvicornWorker, gthread, sync"),
]


def sentence(name: str, value: str, allowed: str) -> str:
    """What the configuration says of a value."""
    return f"gunicorn.conf.py: {name} is {value!r}; it takes {allowed}. Correct it or unset it."


@pytest.mark.parametrize(("name", "value", "allowed"), REFUSED)
def test_wrong_value_is_refused_with_a_sentence(
    name: str, value: str, allowed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])  # the configuration adds to it
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit, match=re.escape(sentence(name, value, allowed))):
        runpy.run_path(str(HOSTING / "gunicorn.conf.py"))


@pytest.mark.parametrize(("name", "value", "allowed"), [REFUSED[0], REFUSED[-1]])
def test_refusal_ends_the_start_and_is_all_that_is_said(name: str, value: str, allowed: str) -> None:
    outcome = ended_run(gunicorn(ASGI), **{name: value})
    assert (outcome.returncode, outcome.stderr) == (1, f"{sentence(name, value, allowed)}\n")


@pytest.mark.parametrize(
    ("value", "said"),
    [("many", "ValueError: invalid literal for int() with base 10: 'many'"), ("-2", "Value must be positive: -2")],
)
def test_gunicorn_refuses_some_numbers_of_workers_before_it_reads_the_file(value: str, said: str) -> None:
    outcome = ended_run(gunicorn(ASGI), WEB_CONCURRENCY=value)
    assert outcome.returncode == 1
    assert said in outcome.stderr.splitlines()[-1]


@pytest.mark.parametrize(("worker_class", "module"), SERVED)
def test_worker_class_serves_with_the_given_number_of_processes(worker_class: str, module: str) -> None:
    with GunicornRun(gunicorn(module), WEB_CONCURRENCY="2", GUNICORN_WORKER_CLASS=worker_class) as server:
        answer = server.listening().get("/")
        assert answer.status_code == 200
        assert int(answer.text) in server.worker_pids(2)


@pytest.mark.parametrize(("worker_class", "module"), SERVED)
def test_access_log_goes_to_stdout_without_the_query_and_the_rest_to_stderr(
    worker_class: str, module: str, tmp_path: Path
) -> None:
    out, err = tmp_path / "out", tmp_path / "err"
    redirected = ["sh", "-c", f'exec "$@" 2>&1 >{out} | tee {err}', "sh", *gunicorn(module)]
    with GunicornRun(redirected, WEB_CONCURRENCY="1", GUNICORN_WORKER_CLASS=worker_class) as server:
        assert server.listening().get("/orders/7?code=secret-key&limit=1").status_code == 200
        wait_until(lambda: "GET /orders/7" in out.read_text(), "line of the access log")  # it follows the answer
        master = server.line(r"Listening at: \S+ \((\d+)\)")[1]
        os.kill(int(master), signal.SIGTERM)
        assert server.ended() == 0
    (line,) = out.read_text().splitlines()
    assert "GET /orders/7 HTTP/1.1" in line
    assert " 200" in line
    assert "secret-key" not in out.read_text() + err.read_text()
    assert "Starting gunicorn" in err.read_text()


def test_threads_serve_several_requests_of_one_process_at_a_time() -> None:
    """Each of the four waits for the other three."""
    with (
        GunicornRun(
            gunicorn(WSGI), WEB_CONCURRENCY="1", GUNICORN_THREADS="4", GUNICORN_WORKER_CLASS="gthread"
        ) as server,
        ThreadPoolExecutor(4) as clients,
    ):
        server.listening()
        assert {answer.status_code for answer in clients.map(server.get, ["/together"] * 4)} == {200}


@pytest.mark.parametrize(("worker_class", "module"), SERVED)
def test_request_in_flight_is_answered_after_sigterm(worker_class: str, module: str) -> None:
    with (
        GunicornRun(gunicorn(module), WEB_CONCURRENCY="1", GUNICORN_WORKER_CLASS=worker_class) as server,
        ThreadPoolExecutor(1) as clients,
    ):
        server.listening().get("/")
        answer = clients.submit(server.get, "/slow")
        server.line(BEGINS)
        server.process.send_signal(signal.SIGTERM)
        assert answer.result().status_code == 200
        assert server.ended() == 0


def test_one_core_of_affinity_gives_one_worker() -> None:
    outcome = effective([sys.executable, "-c", ONE_CORE, *gunicorn(ASGI)])
    assert outcome["workers"] == "1"


@pytest.mark.parametrize(
    ("variables", "module", "workers"),
    [
        ({}, ASGI, 1),
        ({"GUNICORN_WORKER_CLASS": "gthread"}, WSGI, 1),
        ({"GUNICORN_WORKER_CLASS": "sync"}, WSGI, 3),
        ({"GUNICORN_WORKER_CLASS": "sync", "GUNICORN_THREADS": "2"}, WSGI, 1),
    ],
)
def test_sync_workers_alone_are_more_than_the_cores(variables: dict[str, str], module: str, workers: int) -> None:
    found = effective([sys.executable, "-c", ONE_CORE, *gunicorn(module)], **variables)
    assert found["workers"] == str(workers)


@contextlib.contextmanager
def control_group(cores: float) -> Iterator[Path]:
    """A control group with a quota, v1 or v2; the test is skipped where this process may not make one."""
    mount = next((path for path in map(Path, ("/sys/fs/cgroup/cpu", "/sys/fs/cgroup")) if path.is_dir()), None)
    # The pid alone may be that of a process of another container, or of one that was killed.
    group = (mount or Path("/sys/fs/cgroup")) / f"functune-{os.getpid()}-{secrets.token_hex(4)}"
    try:
        group.mkdir()
        quota = round(cores * 100_000)
        if (group / "cpu.max").exists():
            (group / "cpu.max").write_text(f"{quota} 100000")
        else:
            (group / "cpu.cfs_period_us").write_text("100000")
            (group / "cpu.cfs_quota_us").write_text(str(quota))
    except OSError as error:
        with contextlib.suppress(OSError):
            group.rmdir()
        pytest.skip(f"no control group can be made here: {error}")
    try:
        yield group
    finally:
        group.rmdir()


@pytest.mark.parametrize(("worker_class", "module", "workers"), [("asgi", ASGI, 1), ("sync", WSGI, 3)])
def test_workers_follow_the_quota_of_the_control_group(worker_class: str, module: str, workers: int) -> None:
    with control_group(0.5) as group:
        command = ["sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh", *gunicorn(module)]
        assert effective(command, GUNICORN_WORKER_CLASS=worker_class)["workers"] == str(workers)
