"""The settings of a Gunicorn configuration file, as far as its text shows them."""

from pathlib import Path

import pytest
from gunicorn.config import make_settings

from functune.app_service.gunicorn_config import FLAG_OF_SETTING, shown_flags

FILES = {
    # text: the values that it shows by their flag
    "workers = 4\ntimeout = 120\nbind = '0.0.0.0:8000'\n": {
        "--workers": "4",
        "--timeout": "120",
        "--bind": "0.0.0.0:8000",
    },
    "import multiprocessing\n\nworkers = multiprocessing.cpu_count() * 2 + 1\nthreads = 2\n": {
        "--workers": "",
        "--threads": "2",
    },
    "workers = 1\nif True:\n    workers = 2\n": {"--workers": ""},
    "workers = 1\nworkers += 1\n": {"--workers": ""},
    "from functools import partial as bind\n": {"--bind": ""},
    "preload_app = True\n\n\ndef on_starting(server):\n    pass\n": {},
    "": {},
}


@pytest.mark.parametrize(("text", "expected"), FILES.items())
def test_what_a_file_shows(text: str, expected: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "conf.py").write_text(text)
    found = shown_flags(tmp_path / "conf.py")
    assert found is not None
    assert found.values == expected
    assert {text.splitlines()[line - 1].partition(" =")[0] for line in found.lines.values()} == {
        name for name, flag in FLAG_OF_SETTING.items() if expected.get(flag)
    }


@pytest.mark.parametrize("text", ["from other import *\n", "globals()['workers'] = 2\n", "workers = = 2\n"])
def test_file_that_may_set_anything_shows_nothing(text: str, tmp_path: Path) -> None:
    (tmp_path / "conf.py").write_text(text)
    assert shown_flags(tmp_path / "conf.py") is None


def test_settings_are_those_of_gunicorn() -> None:
    known = make_settings()
    assert {name: known[name].cli[-1] for name in FLAG_OF_SETTING} == FLAG_OF_SETTING
