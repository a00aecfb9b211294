"""
Builds the deployment zip as Azure's tools do: every file of the folder that ``.funcignore`` does not exclude.

    python -m tools.package dist/app.zip

Core Tools and azd read .funcignore themselves, by rules close to those of .gitignore (tests/tools/ignore_rules.py);
``az`` sends the zip it is given.
A file that is not part of the app is refused, so that no stray file is deployed. Exit codes: 0 built, 1 refused,
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
ALLOWED = (*REQUIRED, "functune_times.py")
"""The files of the app in the top folder."""
MOST_BYTES = 100 * 1024
"""Largest zip allowed. Dependencies are not in it: the remote build installs them."""


class PackageError(Exception):
    """The folder cannot be packaged; the message names the file and says what to do."""


def packaged_files(root: Path) -> list[PurePosixPath]:
    """
    Paths, relative to ``root``, of the files to send. Raises PackageError where there is no .funcignore.

    An excluded folder is not entered, as in git, so no rule can include a file below it again.
    """
    ignore = root / IGNORE_FILE
    if not ignore.is_file():
        raise PackageError(f"{ignore} is missing; without it the whole folder would be sent")
    excluded = GitIgnoreSpec.from_lines(ignore.read_text().splitlines())
    return sorted(_walk(root, PurePosixPath(), excluded))


def _walk(root: Path, folder: PurePosixPath, excluded: GitIgnoreSpec) -> Iterator[PurePosixPath]:
    with os.scandir(root / folder) as entries:
        for entry in entries:
            path = folder / entry.name
            if entry.is_symlink():
                if not excluded.match_file(path):
                    raise PackageError(
                        f"{path} is a symbolic link; replace it with the file, or name it in {IGNORE_FILE}"
                    )
            elif entry.is_dir():
                if not excluded.match_file(f"{path}/"):
                    yield from _walk(root, path, excluded)
            elif not excluded.match_file(path):
                yield path


def is_of_the_app(path: PurePosixPath) -> bool:
    """Whether the file belongs to the app: it is allowed in the top folder, or is a Python module in ``blueprints``."""
    return str(path) in ALLOWED or (path.parts[0] == "blueprints" and path.suffix == ".py")


def check(files: Sequence[PurePosixPath]) -> None:
    """Raise PackageError for the first problem: files that are missing, or files that are not part of the app."""
    if missing := sorted(set(REQUIRED) - {str(path) for path in files}):
        raise PackageError(f"{', '.join(missing)} must be in the package, but is missing or named in {IGNORE_FILE}")
    if stray := [str(path) for path in files if not is_of_the_app(path)]:
        raise PackageError(
            f"not part of the app: {', '.join(stray)}; name it in {IGNORE_FILE}, or allow it in tools/package.py"
        )


def build(root: Path, out: Path) -> list[PurePosixPath]:
    """Write the zip and return the paths in it. Raises PackageError, and then leaves no zip."""
    files = packaged_files(root)
    check(files)
    out.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            archive.writestr(_entry(path), (root / path).read_bytes())
    if (size := out.stat().st_size) > MOST_BYTES:
        out.unlink()
        raise PackageError(
            f"the package has {size:,} bytes, more than {MOST_BYTES:,}; name the large file in {IGNORE_FILE}"
        )
    return files


def _entry(path: PurePosixPath) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(str(path))  # its date is 1980, so that equal files make equal zips
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16  # without it unzip creates files that nobody may read
    return entry


def main() -> None:
    """Build the zip, list its files, exit."""
    parser = argparse.ArgumentParser(description="Build the deployment zip, list its files, and refuse stray ones.")
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
