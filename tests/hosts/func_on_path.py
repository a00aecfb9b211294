"""``func`` put on the PATH: the stand-in of func_stand_in.py, with a version that costs no start of Python."""

import os
import sys
from pathlib import Path

import pytest

STAND_IN = Path(__file__).with_name("func_stand_in.py")
SCRIPT = f"""#!/bin/sh
if [ "$1" = --version ]; then
    case ",$FUNC_STAND_IN," in *,old,*) echo 3.0.5682 ;; *) echo 4.14.0 ;; esac
else
    exec "{sys.executable}" -P "{STAND_IN}" "$@"
fi
"""


def install_stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    """Have the stand-in found as ``func`` before any other; ``words`` make it misbehave, ``old`` by its version."""
    folder.mkdir(exist_ok=True)
    func = folder / "func"
    func.write_text(SCRIPT)
    func.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("FUNC_STAND_IN", ",".join(words))
