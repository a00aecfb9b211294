"""The setting that environment and local.settings.json configure."""

import json
from pathlib import Path

import pytest

from functune.errors import SettingsError
from functune.hosts.configured import configured_setting
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
