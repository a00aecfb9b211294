"""
Writes the requirements.txt files: every package that the .in files need, with its version and the hashes of its files.

    python -m tools.lock                 keeps the locked versions where the .in files allow them
    python -m tools.lock --upgrade       takes the newest versions

With one hash in the file, pip and uv refuse any package that has none, and any file with another hash. So the remote
build installs what was tested, and nothing that was published since.
"""

import argparse
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from uv import find_uv_bin

ROOT = Path(__file__).parent.parent


class Lock(NamedTuple):
    """A requirements.txt: its folder, the oldest Python it is for, and the locks whose versions it takes."""

    folder: str
    python: str
    constraints: tuple[str, ...] = ()


LOCKS = (
    # Oryx has used an older Python than the app asks for (azure-dev, issue 8538), and the app runs on it.
    Lock(".", "3.10"),
    Lock("hosting", "3.13", ("requirements.txt",)),
)


def write_locks(root: Path, *flags: str) -> None:
    """Write each requirements.txt below ``root``. Raises CalledProcessError; uv has then printed the reason."""
    for lock in LOCKS:
        source, target = (Path(lock.folder, name) for name in ("requirements.in", "requirements.txt"))
        # For every platform: a developer installs the same file on Windows or a Mac.
        command = [find_uv_bin(), "pip", "compile", "--quiet", "--universal", "--python-version", lock.python]
        command += ["--generate-hashes", "--no-header", "--no-config", *flags]
        command += [word for file in lock.constraints for word in ("--constraint", file)]
        subprocess.run([*command, str(source), "--output-file", str(target)], cwd=root, check=True)
        text = (root / target).read_text()
        (root / target).write_text(f"# Written by `make lock` from {source}; change that file.\n{text}")


def main() -> None:
    """Write the files, exit."""
    parser = argparse.ArgumentParser(description="Write the requirements.txt files from the .in files.")
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions that the .in files allow")
    try:
        write_locks(ROOT, *(["--upgrade"] if parser.parse_args().upgrade else []))
    except subprocess.CalledProcessError as error:
        sys.exit(f"tools.lock: uv ended with {error.returncode}; its message is above")


if __name__ == "__main__":
    main()
