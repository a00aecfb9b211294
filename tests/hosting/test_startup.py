"""hosting/startup.txt: the start-up command of App Service, which adds nothing to a command of one's own."""

import os

import pytest

from tests.hosting.gunicorn_run import HOSTING, GunicornRun, effective, gunicorn

COMMAND = (HOSTING / "startup.txt").read_text()
APP = "functune.asgi:app"
# What the platform adds to the command that it generates, and the class and time-outs of the server.
SETTINGS = (
    *("bind", "worker_class", "workers", "threads", "timeout", "graceful_timeout", "keepalive"),
    *("accesslog", "errorlog", "access_log_format"),
)
# In a script of sh, which is what the platform writes; with the app of the tests.
AS_STARTED = ["sh", "-c", f"exec {COMMAND.replace(APP, 'served:asgi')}"]


def test_command_is_one_line_without_quotes() -> None:
    """The platform reads the first line of a file, and puts a command between single quotes."""
    assert COMMAND.endswith(f" {APP}\n")
    assert COMMAND.count("\n") == 1
    assert not set(COMMAND) & {"'", '"'}


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {
            "PORT": "8080",
            "GUNICORN_TIMEOUT": "60",
            "GUNICORN_GRACEFUL_TIMEOUT": "5",
            "GUNICORN_KEEP_ALIVE": "9",
            "GUNICORN_THREADS": "8",
            "GUNICORN_WORKER_CLASS": "gthread",
        },
    ],
    ids=["unset", "set"],
)
def test_command_and_configuration_agree(variables: dict[str, str]) -> None:
    found = effective(AS_STARTED, WEB_CONCURRENCY="3", **variables)
    expected = effective(gunicorn("served:asgi"), WEB_CONCURRENCY="3", **variables)
    assert {name: found[name] for name in SETTINGS} == {name: expected[name] for name in SETTINGS}


def test_command_starts_a_worker_per_core() -> None:
    """Those of nproc, which knows the affinity and no quota."""
    assert effective(AS_STARTED)["workers"] == str(len(os.sched_getaffinity(0)))


@pytest.mark.parametrize(
    "name", ["bind", "worker-class", "workers", "threads", "timeout", "access-logfile", "error-logfile"]
)
def test_command_is_complete_without_the_configuration(name: str) -> None:
    assert f" --{name} " in COMMAND


def test_command_serves() -> None:
    with GunicornRun(AS_STARTED, WEB_CONCURRENCY="1") as server:
        assert server.listening().get("/").status_code == 200
        server.line(r'"GET / HTTP/1\.1" 200')
