"""The step that installs functune into an environment of its own, apart from the packages of the app."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tools.action.inputs import text
from tools.action.log import error, group

ROOT = Path(__file__).parents[2]
"""The checkout of this action, whose functune is installed by default."""


def main(environ: Mapping[str, str]) -> int:
    """Make the command available to the later steps, as the output ``functune``."""
    source = text(environ, "functune", str(ROOT))
    if (found := installed(source)) is None:
        folder = Path(environ["RUNNER_TEMP"]) / "functune-action-environment"
        with group(f"Install {source}"):
            code = install(source, folder)
        if code:
            error(
                f"functune: {source!r} could not be installed; allowed is what pip installs, or the path of a command"
            )
            return code
        found = folder / "bin" / "functune"
    with Path(environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as outputs:
        outputs.write(f"functune={found}\n")
    return 0


def installed(source: str) -> Path | None:
    """The command where the source is the path of one; None for something to install."""
    path = Path(source)
    return path if path.is_file() and shutil.which(path) else None


def install(source: str, folder: Path) -> int:
    """
    The exit status of venv or pip. ``source`` is one requirement, a path or a URL, and no flag.

    The pip is that of actions/setup-python: the environment would take seconds to get one of its own.
    """
    python = str(folder / "bin" / "python")
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--disable-pip-version-check"]
    made = subprocess.run([sys.executable, "-m", "venv", "--clear", "--without-pip", folder], check=False).returncode
    return made or subprocess.run([*pip, "--", source], check=False).returncode
