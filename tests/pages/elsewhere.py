"""The commands of the pages that other tests, or the workflow of CI, run."""

from typing import NamedTuple


class Place(NamedTuple):
    """Where a command is run."""

    file: str
    has: str
    """What runs it there."""
    test: str = ""
    """The test; empty for the whole file."""


CI = ".github/workflows/ci.yml"
INSTALLED = "tests/stranger/installed.py"

ELSEWHERE = {
    "make lab": Place(CI, "run: make lab"),
    "make test": Place(CI, "run: make test"),
    "make check": Place(CI, "run: make check"),
    "make package": Place(CI, "run: make package"),
    "make docs": Place("tests/test_docs.py", "cli_page()", "test_page_of_commands_shows_their_help"),
    "python3 -m venv .venv": Place(INSTALLED, 'run(sys.executable, "-m", "venv", folder)', "make_environment"),
    ".venv/bin/python -m pip install --requirement requirements.txt": Place(
        INSTALLED, 'pip(folder / "bin" / "python", "install", *packages)', "make_environment"
    ),
    "python3 prices.py": Place("tests/stranger/test_tutorial.py", '[sys.executable, "prices.py"]', "terminal"),
}
