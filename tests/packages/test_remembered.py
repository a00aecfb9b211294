"""The environment that a start found the last time."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from functune.packages.remembered import remembered_environment
from functune.packages.virtual_environment import VirtualEnvironment, cached_environment


class Finder:
    """Finds an environment, which it makes when it is not there, and counts how often it is asked."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> VirtualEnvironment:
        self.count += 1
        return cached_environment("kind", ["part"], self._make, print)

    def _make(self, environment: VirtualEnvironment) -> None:
        environment.python.parent.mkdir(parents=True)
        environment.python.touch()


@pytest.fixture
def site_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """
    The one folder of the search path, which was changed long ago, next to a cache of its own.

    Other programs may write into the folders of the usual path at any moment.
    """
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = tmp_path / "site-packages"
    folder.mkdir()
    os.utime(folder, (0, 0))
    monkeypatch.setattr(sys, "path", [str(folder)])
    return folder


def test_environment_is_found_once_until_a_folder_of_the_search_path_changes(site_packages: Path) -> None:
    find = Finder()
    found = [remembered_environment("kind", ["asked"], find) for _ in range(2)]
    assert (find.count, found[0]) == (1, found[1])
    (site_packages / "new-1.0.dist-info").mkdir()
    assert [remembered_environment("kind", ["asked"], find) for _ in range(2)] == found
    assert find.count == 2


def test_each_question_has_its_own_answer(site_packages: Path) -> None:
    find = Finder()
    for kind, asked in [("kind", ["a"]), ("kind", ["b"]), ("other", ["a"])] * 2:
        remembered_environment(kind, asked, find)
    assert find.count == 3


def test_environment_that_was_removed_is_made_again(site_packages: Path) -> None:
    find = Finder()
    shutil.rmtree(remembered_environment("kind", [], find).path)
    assert remembered_environment("kind", [], find).python.exists()


def test_start_whose_note_cannot_be_written_finds_the_environment_each_time(site_packages: Path) -> None:
    find = Finder()
    (site_packages.parent / "functune").mkdir()
    (site_packages.parent / "functune" / "remembered").touch()
    assert [remembered_environment("kind", [], find).python.exists() for _ in range(2)] == [True, True]
    assert find.count == 2
