"""
The files of the showcase, and the experiments of `make lab` and `functune demo`.

setup.py runs this module to build the wheel, where nothing is installed yet: it imports only the standard library.
"""

from collections.abc import Iterator
from pathlib import Path

SHOWCASE_PARTS = (
    *("function_app.py", "functune_times.py", "blueprints", "host.json", "requirements.txt"),
    *("local.settings.json.example", ".funcignore", "test.http"),
    "experiments",
    *("azure.yaml", "infra"),
    "hosting",
)
"""Files and folders of the repository."""
LAB_EXPERIMENTS = ("threads-blocking-io", "processes-cpu", "async-blocked-loop")
"""The experiments of the lab, in the order in which they are reported."""


def showcase_files(root: Path) -> Iterator[Path]:
    """
    The files of the showcase in ``root``, relative to it, without caches, environments and other hidden files.

    Raises FileNotFoundError where a part is missing.
    """
    for part in SHOWCASE_PARTS:
        path = root / part
        if not path.exists():
            raise FileNotFoundError(f"{path} is missing, a part of the showcase")
        below = sorted(each.relative_to(path) for each in path.rglob("*") if each.is_file())
        yield from (Path(part) / each for each in below if is_shipped(each))
        if path.is_file():
            yield Path(part)


def is_shipped(file: Path) -> bool:
    """Whether a file below a folder of the showcase belongs to it."""
    return not any(name.startswith(".") or name == "__pycache__" for name in file.parts)
