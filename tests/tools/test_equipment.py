"""A piece of test equipment is found where it works, installed where it can be, and missing with a reason otherwise."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.equipment import PIECES, ROOT, Piece, Way, find_browser, find_package, obtain


def program(path: Path, script: str = "exit 0") -> Path:
    """An executable shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def piece(target: Path, *ways: Way) -> Piece:
    """A piece that is there once ``target`` exists."""
    return Piece(name="thing", remedy="build it", find=lambda: target if target.exists() else None, ways=ways)


def touch(target: Path) -> Way:
    return Way(doing="making it", commands=(("touch", str(target)),))


FAILS = Way(doing="downloading it", commands=(("sh", "-c", "echo trying; echo 'Error: no network' >&2; exit 1"),))
BLOCKED = Way(doing="packaging it", commands=(("false",),), obstacle=lambda: "packaging needs root")


def test_installed_piece_is_not_installed_again(tmp_path: Path) -> None:
    target = program(tmp_path / "thing")
    lines: list[str] = []
    assert obtain(piece(target, FAILS), lines.append) == target
    assert lines == [f"thing: {target}"]


def test_first_way_that_works_is_used_and_each_attempt_is_printed(tmp_path: Path) -> None:
    target = tmp_path / "thing"
    lines: list[str] = []
    assert obtain(piece(target, BLOCKED, FAILS, touch(target), FAILS), lines.append) == target
    assert lines == [
        "thing: cannot try packaging it: packaging needs root",
        "thing: downloading it",
        "thing: downloading it failed: Error: no network",
        "thing: making it",
        f"thing: {target}",
    ]


def test_piece_no_way_can_get_is_missing_with_what_to_do(tmp_path: Path) -> None:
    lines: list[str] = []
    assert obtain(piece(tmp_path / "thing", FAILS, touch(tmp_path / "another")), lines.append) is None
    assert lines[-2:] == [
        "thing: making it worked, but what it installed does not start",
        "thing is missing; build it. Its tests will be skipped.",
    ]


def test_command_that_is_not_installed_or_hangs_is_a_failure(tmp_path: Path) -> None:
    absent = Way(doing="asking nobody", commands=((str(tmp_path / "nobody"),),))
    hanging = Way(doing="waiting", commands=(("sleep", "60"),), timeout=0.2)
    lines: list[str] = []
    assert obtain(piece(tmp_path / "thing", absent, hanging), lines.append) is None
    assert "asking nobody failed: [Errno 2]" in "\n".join(lines)
    assert "waiting failed: Command '('sleep', '60')' timed out" in "\n".join(lines)


def test_browser_that_does_not_start_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as the stub that Ubuntu's package leaves where there is no snap."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    program(tmp_path / "chromium", "exit 10")
    sound = program(tmp_path / "google-chrome", 'test "$1" = --version')
    program(tmp_path / "chromium-browser", "exit 127")
    assert find_browser() == sound


def test_npm_package_of_another_version_is_not_the_piece() -> None:
    axe = PIECES["axe-core"].find()
    if axe is None:
        pytest.skip(PIECES["axe-core"].missing)
    assert find_package("axe-core", "4.14.1", ".axe", "axe.min.js") == axe
    assert find_package("axe-core", "4.0.0", ".axe", "axe.min.js") is None


def test_command_refuses_a_piece_there_is_not() -> None:
    command = [sys.executable, "-m", "tools.equipment", "bicep"]
    outcome = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert outcome.returncode == 2
    assert "unknown piece bicep; there are browser, azure-types, axe-core, kusto" in outcome.stderr
