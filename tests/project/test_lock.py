"""The requirements.txt files are what their .in files ask for, complete, and pip holds every package to its hashes."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from functune.packages.linked import required_distributions
from functune.packages.requirements import named_requirements
from tools.lock import LOCKS, ROOT, write_locks

FOLDERS = [lock.folder for lock in LOCKS]


def named(folder: str, file: str) -> list[Requirement]:
    """The packages of a file that it names for this Python."""
    return [each for each in every(folder, file) if each.marker is None or each.marker.evaluate()]


def every(folder: str, file: str) -> list[Requirement]:
    return named_requirements(ROOT / folder / file)


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_package_has_one_version_and_hashes(folder: str) -> None:
    entries = re.findall(r"^[\w.-]+.*(?:\n +.*)*", (ROOT / folder / "requirements.txt").read_text(), re.MULTILINE)
    assert len(entries) == len(every(folder, "requirements.txt"))
    form = re.compile(r"[\w.-]+==[\w.]+( ;[^\\\n]+)?( \\\n    --hash=sha256:[0-9a-f]{64})+(\n    # .*)*")
    assert [entry.splitlines()[0] for entry in entries if not form.fullmatch(entry)] == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_lock_has_what_its_input_names_and_all_that_these_require(folder: str) -> None:
    """By the packages that are installed here, without the index."""
    locked = {(canonicalize_name(each.name), str(each.specifier)) for each in named(folder, "requirements.txt")}
    asked = {(canonicalize_name(each.name), str(each.specifier)) for each in named(folder, "requirements.in")}
    assert asked <= locked
    required = required_distributions(named(folder, "requirements.in"))
    assert {canonicalize_name(each.name) for each in required} <= {name for name, _ in locked}


def test_locks_agree() -> None:
    app, server = (
        {(each.name, str(each.specifier)) for each in named(folder, "requirements.txt")} for folder in FOLDERS
    )
    assert app <= server


@pytest.mark.network
@pytest.mark.usefixtures("index")
def test_lock_is_what_the_command_writes(tmp_path: Path) -> None:
    for folder in FOLDERS:
        (tmp_path / folder).mkdir(exist_ok=True)
        for name in ("requirements.in", "requirements.txt"):
            shutil.copy(ROOT / folder / name, tmp_path / folder)
    write_locks(tmp_path)
    for folder in FOLDERS:
        written = tmp_path / folder / "requirements.txt"
        assert written.read_text() == (ROOT / folder / "requirements.txt").read_text()


@pytest.mark.network
@pytest.mark.usefixtures("index")
def test_pip_refuses_another_file_of_a_package(tmp_path: Path) -> None:
    """As in the remote build, without a flag: hashes in the file make pip require them."""
    locked = re.findall(r"(?m)^(?:idna|h11)==.*(?:\n +--hash.*)+\n", (ROOT / "requirements.txt").read_text())
    text = re.sub(r"(?m)^(idna==.*\n)((?: +--hash=.*\n)+)", rf"\1    --hash=sha256:{'0' * 64}\n", "".join(locked))
    assert text != "".join(locked)
    (tmp_path / "requirements.txt").write_text(text)
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--target", "packages"]
    outcome = subprocess.run(
        [*install, "--requirement", "requirements.txt"], cwd=tmp_path, capture_output=True, text=True, timeout=600
    )
    assert outcome.returncode != 0
    assert "DO NOT MATCH THE HASHES" in outcome.stderr
