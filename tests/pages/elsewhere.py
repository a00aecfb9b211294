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

ELSEWHERE = {
    "make lab": Place(CI, "run: make lab"),
    "make test": Place(CI, "run: make test"),
    "make pages": Place(CI, "run: make pages"),
    "make check": Place(CI, "run: make check"),
    "make package": Place(CI, "run: make package"),
    "make docs": Place("tests/test_docs.py", "cli_page()", "test_page_of_commands_shows_their_help"),
    "python3 -m venv .venv": Place("Makefile", "$(PYTHON) -m venv .venv"),
    ".venv/bin/python -m pip install --requirement requirements.txt": Place(
        "Makefile", "$(BIN)/python -m pip install --quiet --disable-pip-version-check"
    ),
    "python3 prices.py": Place("tests/stranger/test_tutorial.py", '[sys.executable, "prices.py"]', "terminal"),
}
