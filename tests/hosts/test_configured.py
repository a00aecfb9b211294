"""The setting that environment and local.settings.json configure."""

import json
from pathlib import Path

import msgspec
import pytest

from functune.errors import SettingsError
from functune.hosts.configured import configured_setting, server_setting
from functune.hosts.served_app import ServedApp
from functune.setting import PROCESS_COUNT, THREAD_COUNT, Setting


@pytest.mark.parametrize(
    ("in_file", "in_environ", "setting"),
    [
        ({}, {}, Setting()),
        ({THREAD_COUNT: "8", PROCESS_COUNT: "2"}, {}, Setting(thread_count=8, process_count=2)),
        ({THREAD_COUNT: "8", PROCESS_COUNT: "2"}, {THREAD_COUNT: "3"}, Setting(thread_count=3, process_count=2)),
        ({THREAD_COUNT: "8"}, {THREAD_COUNT: ""}, Setting()),
        ({}, {THREAD_COUNT: "1000000", PROCESS_COUNT: "-3"}, Setting(thread_count=1_000_000)),
    ],
)
def test_environment_precedes_local_settings(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    in_file: dict[str, str],
    in_environ: dict[str, str],
    setting: Setting,
) -> None:
    for name in (THREAD_COUNT, PROCESS_COUNT):
        monkeypatch.delenv(name, raising=False)
    for name, value in in_environ.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "local.settings.json").write_text(json.dumps({"IsEncrypted": False, "Values": in_file}))
    assert configured_setting(tmp_path) == setting


@pytest.mark.parametrize("value", ["many", "0", "-1", "1.5", "9" * 5000])
def test_thread_count_that_the_runtime_ignores_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv(THREAD_COUNT, value)
    with pytest.raises(SettingsError, match=f"{THREAD_COUNT} is '{value}'; it takes a whole number from 1"):
        configured_setting(tmp_path)


FUNCTIONS, ASGI = ServedApp(Path()), ServedApp(Path(), "src.app:app")


@pytest.mark.parametrize(
    ("host", "app", "variables", "setting"),
    [
        ("gunicorn:gthread", ASGI, {}, Setting(thread_count=1)),
        (
            "gunicorn:gthread",
            ASGI,
            {"WEB_CONCURRENCY": "3", THREAD_COUNT: "8"},
            Setting(thread_count=1, process_count=3),
        ),
        ("gunicorn:gthread", ASGI, {"GUNICORN_CMD_ARGS": "-k gthread --threads=4"}, Setting(thread_count=4)),
        (
            "gunicorn:gthread",
            ASGI,
            {"WEB_CONCURRENCY": "3", "GUNICORN_CMD_ARGS": "--threads 2 --workers 2 --threads 4"},
            Setting(thread_count=4, process_count=2),
        ),
        ("gunicorn:sync", ASGI, {"GUNICORN_CMD_ARGS": "--threads 4 -w 2"}, Setting(process_count=2)),
        (
            "uvicorn",
            ASGI,
            {"WEB_CONCURRENCY": "2", "GUNICORN_CMD_ARGS": "-w 3", THREAD_COUNT: "8"},
            Setting(process_count=2),
        ),
        ("uvicorn", FUNCTIONS, {THREAD_COUNT: "8"}, Setting(thread_count=8)),
    ],
)
def test_present_setting_of_a_web_server_is_that_of_its_variables(
    host: str, app: ServedApp, variables: dict[str, str], setting: Setting
) -> None:
    assert server_setting(host, app, variables) == msgspec.structs.replace(setting, host=host)


def test_number_of_a_web_server_that_is_none_is_refused() -> None:
    with pytest.raises(SettingsError, match="WEB_CONCURRENCY is 'many': allowed is a whole number from 1"):
        server_setting("uvicorn", ASGI, {"WEB_CONCURRENCY": "many"})
