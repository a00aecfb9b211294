"""``func`` put on the PATH: the stand-in of func_stand_in.py."""

import os
import sys
from pathlib import Path

import pytest

STAND_IN = Path(__file__).with_name("func_stand_in.py")


def install_stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    """Have the stand-in found as ``func`` before any other; ``words`` make it misbehave."""
    folder.mkdir(exist_ok=True)
    func = folder / "func"
    func.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P "{STAND_IN}" "$@"\n')
    func.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("FUNC_STAND_IN", ",".join(words))
