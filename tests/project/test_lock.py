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
@pytest.mark.parametrize("tampered", [False, True])
def test_pip_installs_the_lock_and_nothing_else(tmp_path: Path, tampered: bool) -> None:
    """As the remote build does, without a flag: one hash in the file makes pip require all of them."""
    text = (ROOT / "requirements.txt").read_text()
    if tampered:
        text = re.sub(r"(?m)^(idna==.*\n)((?: +--hash=.*\n)+)", rf"\1    --hash=sha256:{'0' * 64}\n", text)
        assert text != (ROOT / "requirements.txt").read_text()
    (tmp_path / "requirements.txt").write_text(text)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True, timeout=120)
    pip = [sys.executable, "-m", "pip", "--python", tmp_path / "venv" / "bin" / "python"]
    install = [*pip, "install", "--quiet", "--no-compile", "-r", "requirements.txt"]
    outcome = subprocess.run(install, cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert (outcome.returncode != 0) is tampered, outcome.stderr
    assert ("DO NOT MATCH THE HASHES" in outcome.stderr) is tampered
