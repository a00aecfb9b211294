"""functune installed from its wheel."""

import os
import shutil
from pathlib import Path

import pytest

from tests.stranger.installed import APPS, Stranger, installed_once


@pytest.fixture(scope="session")
def installed(index: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The environment with functune, made once for all processes of the run."""
    base = tmp_path_factory.getbasetemp()
    return installed_once((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "stranger")


@pytest.fixture
def stranger(installed: Path, tmp_path: Path) -> Stranger:
    """The installed commands, called in an empty folder."""
    folder = tmp_path / "empty"
    folder.mkdir()
    return Stranger(installed, folder)


@pytest.fixture
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The app that the test names, in a folder of its own."""
    ignored = shutil.ignore_patterns("__pycache__")
    return Path(shutil.copytree(APPS / request.param, tmp_path / request.param, ignore=ignored))
