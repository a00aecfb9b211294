"""The start-up command of a setting: Gunicorn and Uvicorn themselves read it."""

import shlex

import pytest
from uvicorn.main import main as uvicorn_program

from functune.plans.start_command import program_of, start_line, start_variables
from functune.setting import Setting
from tests.hosting.gunicorn_run import effective, ended_run, gunicorn

GTHREAD = Setting(host="gunicorn:gthread", process_count=3, thread_count=16)
COMPLETE = ("bind", "timeout", "graceful_timeout", "keepalive", "accesslog", "errorlog")


def with_options(setting: Setting, options: str) -> Setting:
    """The setting measured with these options of Gunicorn."""
    return Setting(
        host=setting.host,
        process_count=setting.process_count,
        thread_count=setting.thread_count,
        app_settings=(("GUNICORN_CMD_ARGS", options),),
    )


def started(setting: Setting, **variables: str) -> dict[str, str]:
    """The settings with which Gunicorn starts by the command, in a shell as on App Service."""
    line = start_line(setting, port="$PORT", entry="served:asgi")
    return effective(["sh", "-c", f"exec {line}"], PORT="8123", **variables)


@pytest.mark.parametrize("host", ["gunicorn:gthread", "gunicorn:sync", "gunicorn:asgi", "gunicorn:uvicorn"])
def test_gunicorn_starts_with_the_setting_and_with_what_the_platform_does_not_add(host: str) -> None:
    threads = 16 if host == "gunicorn:gthread" else None
    found = started(Setting(host=host, process_count=3, thread_count=threads))
    expected = effective(gunicorn("served:asgi"), PORT="8123", WEB_CONCURRENCY="1")
    assert {name: found[name] for name in COMPLETE} == {name: expected[name] for name in COMPLETE}
    assert (found["workers"], found["threads"]) == ("3", str(threads or 1))
    classes = {"gthread": "gthread", "sync": "sync", "asgi": "asgi", "uvicorn": "uvicorn_worker.UvicornWorker"}
    assert found["worker_class"] == classes[host.partition(":")[2]]


def test_nothing_in_the_environment_changes_the_number_of_workers() -> None:
    assert started(GTHREAD, WEB_CONCURRENCY="7", PYTHON_ENABLE_GUNICORN_MULTIWORKERS="true")["workers"] == "3"


def test_options_that_were_measured_replace_the_defaults_and_keep_the_rest() -> None:
    asked = with_options(GTHREAD, "-w 9 --threads 4 --bind 127.0.0.1:1 --keep-alive 2 -t 60 --max-requests 500")
    found = started(asked)
    assert (found["workers"], found["threads"], found["bind"]) == ("3", "16", "['0.0.0.0:8123']")
    assert (found["keepalive"], found["timeout"], found["max_requests"]) == ("2", "60", "500")
    assert found["graceful_timeout"] == "25"


def test_threads_of_the_options_count_where_the_setting_has_none() -> None:
    asked = with_options(Setting(host="gunicorn:gthread"), "--threads 4")
    assert started(asked)["threads"] == "4"
    assert "--threads" not in start_line(
        with_options(Setting(host="gunicorn:asgi"), "--threads 4"), port="1", entry=None
    )


def test_values_with_spaces_reach_the_server_whole() -> None:
    asked = with_options(GTHREAD, "--access-logformat '%(m)s $HOME'")
    assert started(asked)["access_log_format"] == "%(m)s $HOME"


@pytest.mark.parametrize("options", ["", "--max-requests 500 --access-logformat '%(m)s %(U)s'"])
def test_variables_of_a_container_start_the_same_server(options: str) -> None:
    setting = with_options(GTHREAD, options) if options else GTHREAD
    variables = start_variables(setting, port="8123")
    assert set(variables) == {"GUNICORN_CMD_ARGS"}
    words = [program_of(setting), "--print-config", "served:asgi"]
    outcome = ended_run(words, **variables)
    assert outcome.returncode == 0, outcome.stderr
    in_shell = started(setting)
    for name in (*COMPLETE, "workers", "threads", "worker_class", "max_requests", "access_log_format"):
        assert f"{name} = {in_shell[name]}" in [" ".join(line.split()) for line in outcome.stdout.splitlines()]


def test_app_is_the_readers_or_the_function_app_for_the_kind_of_server() -> None:
    assert start_line(GTHREAD, port="$PORT", entry=None).endswith(" functune.wsgi:app")
    assert start_line(Setting(host="uvicorn"), port="$PORT", entry=None).endswith(" functune.asgi:app")
    assert start_line(GTHREAD, port="$PORT", entry="src.app:app").endswith(" src.app:app")
    assert start_line(GTHREAD, port="$PORT", entry="shop:make('x')").endswith(" 'shop:make('\"'\"'x'\"'\"')'")


def test_uvicorn_reads_command_and_variables_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    setting = Setting(host="uvicorn", process_count=2)
    words = shlex.split(start_line(setting, port="8123", entry="served:asgi"))
    by_command = uvicorn_program.make_context("uvicorn", words[1:]).params
    for name, value in start_variables(setting, port="8123").items():
        monkeypatch.setenv(name, value)
    by_variables = uvicorn_program.make_context("uvicorn", ["served:asgi"]).params
    assert by_command == by_variables
    assert (by_command["host"], by_command["port"], by_command["workers"]) == ("0.0.0.0", 8123, 2)
    assert (by_command["timeout_keep_alive"], by_command["timeout_graceful_shutdown"]) == (75, 25)


def test_variable_of_uvicorn_that_was_measured_is_not_overridden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UVICORN_TIMEOUT_KEEP_ALIVE", "9")
    setting = Setting(host="uvicorn", app_settings=(("UVICORN_TIMEOUT_KEEP_ALIVE", "9"),))
    words = shlex.split(start_line(setting, port="8123", entry="served:asgi"))
    assert uvicorn_program.make_context("uvicorn", words[1:]).params["timeout_keep_alive"] == 9
