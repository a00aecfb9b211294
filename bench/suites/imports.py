"""The time until a command does something: the list of commands, and the import of functune's modules."""

import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import functune
from bench import bounds
from bench.figure import Figure

ROUNDS = 10
"""After a first one that is not counted: it fills the file cache and writes the bytecode."""
SLOWEST = 5
"""Modules that are measured in all rounds: those with the largest ratio in a first round of all."""
NAMES_IN_ORDER = """
import sys
class Names:
    def find_spec(self, name, path, target=None):
        print(name)
sys.meta_path.insert(0, Names())
"""
"""
Prints each module as its import begins. sys.modules has them in the order in which they end, and Locust changes
modules of the standard library before others use them.
"""
SERVES_AN_APP = ("asgi", "wsgi", "middleware.asgi", "middleware.wsgi")
"""Modules that load an app when they are imported."""


async def command_list() -> AsyncIterator[Figure]:
    """``functune --help``, compared with the import of click, both with the start of the interpreter."""
    calls = [["-m", "functune.cli", "--help"], ["-c", "import click"]]
    rounds = [[_seconds(*call) for call in calls] for _ in range(ROUNDS + 1)][1:]
    yield Figure(
        bounds.COMMAND_LIST,
        tuple(ours / theirs for ours, theirs in rounds),
        detail=f"{statistics.median(ours for ours, _ in rounds) * 1000:.0f} ms",
    )


async def module_import() -> AsyncIterator[Figure]:
    """Import of each module of functune, compared with the import of all that it loads from elsewhere."""
    calls = {name: (["-c", f"import {name}"], ["-c", _imports_of_others(name)]) for name in _modules()}
    first = {name: _ratio(*pair) for name, pair in calls.items()}
    for name in sorted(first, key=lambda name: first[name])[-SLOWEST:]:
        ours, theirs = calls[name]
        yield Figure(
            bounds.MODULE_IMPORT,
            tuple(_ratio(ours, theirs) for _ in range(ROUNDS)),
            case=name,
            detail=f"{_seconds(*ours) * 1000:.0f} ms",
        )


def _modules() -> Iterator[str]:
    """The modules of functune that only define something."""
    root = Path(functune.__file__).parent
    for path in sorted(root.rglob("*.py")):
        name = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
        if not name.endswith(("__main__", "planned_load")) and name not in SERVES_AN_APP:  # Locust runs the latter
            yield f"functune.{name}".removesuffix(".__init__")


def _imports_of_others(name: str) -> str:
    """A program that imports the modules which ``name`` loads, in the same order, but for those of functune."""
    names = subprocess.run(
        [sys.executable, "-P", "-c", f"{NAMES_IN_ORDER}import {name}"], capture_output=True, text=True, check=True
    ).stdout
    others = [each for each in names.split() if each.partition(".")[0] != "functune"]
    return (
        "import contextlib, importlib\n"
        f"for each in {others!r}:\n"
        "    with contextlib.suppress(ImportError, AttributeError):\n"  # a module can be an attribute of another only
        "        importlib.import_module(each)\n"
    )


def _ratio(ours: list[str], theirs: list[str]) -> float:
    return _seconds(*ours) / _seconds(*theirs)


def _seconds(*arguments: str) -> float:
    """Seconds that a new interpreter takes, in an empty folder."""
    with TemporaryDirectory() as folder:
        started = time.perf_counter()
        subprocess.run([sys.executable, *arguments], cwd=folder, stdout=subprocess.DEVNULL, check=True)
        return time.perf_counter() - started
