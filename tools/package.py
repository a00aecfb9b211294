"""
Builds the deployment zip as the tools of Azure do: everything in the folder that ``.funcignore`` does not leave out.

    python -m tools.package dist/app.zip

Core Tools and azd read .funcignore themselves, with the semantics of .gitignore; ``az`` sends the zip it is given.
Refuses what is not the app's, so that a stray file is seen before it is deployed. Exit codes: 0 built, 1 refused,
2 wrong usage.
"""

import argparse
import os
import sys
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from pathspec import GitIgnoreSpec

ROOT = Path(__file__).parent.parent
IGNORE_FILE = ".funcignore"
REQUIRED = ("function_app.py", "host.json", "requirements.txt")
MOST_BYTES = 100 * 1024
"""Of the zip, without dependencies: the remote build brings those."""


class PackageError(Exception):
    """The folder does not make a package; the message says which file and what to do."""


def packaged_files(root: Path) -> list[PurePosixPath]:
    """
    Paths, relative to ``root``, of the files that would be sent. Raises PackageError without a .funcignore.

    As git does, a folder left out is not entered, so nothing below it can be taken in again.
    """
    ignore = root / IGNORE_FILE
    if not ignore.is_file():
        raise PackageError(f"{ignore} is missing; without it the whole folder would be sent")
    left_out = GitIgnoreSpec.from_lines(ignore.read_text().splitlines())
    return sorted(_walk(root, PurePosixPath(), left_out))


def _walk(root: Path, folder: PurePosixPath, left_out: GitIgnoreSpec) -> Iterator[PurePosixPath]:
    with os.scandir(root / folder) as entries:
        for entry in entries:
            path = folder / entry.name
            if entry.is_symlink():
                if not left_out.match_file(path):
                    raise PackageError(
                        f"{path} is a symbolic link; put the file itself there, or name it in {IGNORE_FILE}"
                    )
            elif entry.is_dir():
                if not left_out.match_file(f"{path}/"):
                    yield from _walk(root, path, left_out)
            elif not left_out.match_file(path):
                yield path


def is_of_the_app(path: PurePosixPath) -> bool:
    """The app's own files: the three at the top, and Python modules in ``blueprints``."""
    return str(path) in REQUIRED or (path.parts[0] == "blueprints" and path.suffix == ".py")


def check(files: Sequence[PurePosixPath]) -> None:
    """Raise PackageError naming what is missing and what is not the app's."""
    if missing := sorted(set(REQUIRED) - {str(path) for path in files}):
        raise PackageError(f"{', '.join(missing)} must be in the package, and is missing or named in {IGNORE_FILE}")
    if stray := [str(path) for path in files if not is_of_the_app(path)]:
        raise PackageError(
            f"not the app's: {', '.join(stray)}; name it in {IGNORE_FILE}, or allow it in tools/package.py"
        )


def build(root: Path, out: Path) -> list[PurePosixPath]:
    """Write the zip and return what is in it. Raises PackageError; nothing is written then."""
    files = packaged_files(root)
    check(files)
    out.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            archive.writestr(_entry(path), (root / path).read_bytes())
    if (size := out.stat().st_size) > MOST_BYTES:
        out.unlink()
        raise PackageError(f"the package has {size:,} bytes, more than {MOST_BYTES:,}; what in it is that large?")
    return files


def _entry(path: PurePosixPath) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(str(path))  # dated 1980, not today: equal files make equal zips
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16  # else unzip makes files nobody may read
    return entry


def main() -> None:
    """Build, list, exit."""
    parser = argparse.ArgumentParser(description="Build the deployment zip, list it, and refuse stray files.")
    parser.add_argument("out", type=Path, help="where to write the zip, such as dist/app.zip")
    out: Path = parser.parse_args().out
    try:
        files = build(ROOT, out)
    except PackageError as error:
        sys.exit(f"tools.package: {error}")
    for path in files:
        print(f"{(ROOT / path).stat().st_size:>8,}  {path}")
    print(f"{out}: {len(files)} files, {out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
