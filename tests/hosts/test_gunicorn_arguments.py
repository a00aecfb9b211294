"""Gunicorn's arguments in a variable, as its command line reads them."""

from pathlib import Path

import pytest

from functune.hosts.configured import server_setting
from functune.hosts.served_app import ServedApp
from functune.setting import Setting


@pytest.mark.parametrize("written", ["-w4 --threads 2", "-w 4 --threads=2", "--workers '4' --threads \"2\""])
def test_present_setting_is_read_however_its_arguments_are_written(written: str) -> None:
    found = server_setting("gunicorn:gthread", ServedApp(Path(), "app:app"), {"GUNICORN_CMD_ARGS": written})
    assert found == Setting(process_count=4, thread_count=2, host="gunicorn:gthread")
