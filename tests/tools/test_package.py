"""The deployment zip holds the app and nothing else."""

import subprocess
import sys
import zipfile
from pathlib import Path, PurePosixPath

import pytest

from tools.package import MOST_BYTES, ROOT, PackageError, build, packaged_files

TOP = {"function_app.py", "functune_times.py", "blueprints", "host.json", "requirements.txt"}
"""What this repository deploys."""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """A small app with a .funcignore."""
    root = tmp_path / "app"
    write(root, "function_app.py", "host.json", "requirements.txt", "blueprints/a.py", "tests/test_a.py", "README.md")
    (root / ".funcignore").write_text(".funcignore\ntests/\n*.md\n")
    return root


def write(root: Path, *paths: str, content: str = "x") -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content)


def names(files: list[PurePosixPath]) -> set[str]:
    return {str(path) for path in files}


def test_package_of_this_repository_holds_the_app_alone_and_is_small(tmp_path: Path) -> None:
    files = build(ROOT, tmp_path / "app.zip")
    assert {path.parts[0] for path in files} == TOP
    assert names(files) == set(zipfile.ZipFile(tmp_path / "app.zip").namelist())
    assert (tmp_path / "app.zip").stat().st_size < MOST_BYTES


def test_everything_at_the_top_is_the_apps_or_left_out() -> None:
    """A new file or folder of the repository stays out until .funcignore names it."""
    assert {path.parts[0] for path in packaged_files(ROOT)} == TOP


def test_package_leaves_out_what_funcignore_names(app: Path, tmp_path: Path) -> None:
    assert names(build(app, tmp_path / "app.zip")) == {
        *("function_app.py", "host.json", "requirements.txt", "blueprints/a.py")
    }


def test_funcignore_takes_back_in_what_an_exclamation_mark_names(app: Path) -> None:
    (app / ".funcignore").write_text(".funcignore\ntests/*\n!tests/test_a.py\n*.md\n!README.md\n")
    assert {"tests/test_a.py", "README.md"} <= names(packaged_files(app))


def test_funcignore_takes_nothing_back_in_from_a_folder_left_out(app: Path) -> None:
    (app / ".funcignore").write_text("tests/\n!tests/test_a.py\n")
    assert "tests/test_a.py" not in names(packaged_files(app))


@pytest.mark.parametrize("stray", ["notes.txt", "blueprints/data.csv", "local.settings.json", "lab/__init__.py"])
def test_stray_file_is_refused_by_name_and_nothing_is_written(app: Path, stray: str, tmp_path: Path) -> None:
    write(app, stray)
    with pytest.raises(PackageError, match=stray):
        build(app, tmp_path / "app.zip")
    assert not (tmp_path / "app.zip").exists()


def test_symbolic_link_is_refused(app: Path, tmp_path: Path) -> None:
    (app / "blueprints" / "b.py").symlink_to(app / "function_app.py")
    with pytest.raises(PackageError, match=r"blueprints/b\.py is a symbolic link"):
        build(app, tmp_path / "app.zip")


@pytest.mark.parametrize("missing", ["host.json", "function_app.py", "requirements.txt"])
def test_missing_file_of_the_app_is_refused_by_name(app: Path, missing: str, tmp_path: Path) -> None:
    (app / missing).unlink()
    with pytest.raises(PackageError, match=missing):
        build(app, tmp_path / "app.zip")


def test_missing_funcignore_is_refused(app: Path, tmp_path: Path) -> None:
    (app / ".funcignore").unlink()
    with pytest.raises(PackageError, match=r"\.funcignore is missing"):
        build(app, tmp_path / "app.zip")


def test_large_package_is_refused_and_not_left_behind(app: Path, tmp_path: Path) -> None:
    noise = "".join(chr(33 + (number * number * 7919) % 89) for number in range(4 * MOST_BYTES))
    write(app, "blueprints/large.py", content=noise + "".join(map(str, range(MOST_BYTES))))
    with pytest.raises(PackageError, match="more than"):
        build(app, tmp_path / "app.zip")
    assert not (tmp_path / "app.zip").exists()


def test_equal_files_make_equal_packages(app: Path, tmp_path: Path) -> None:
    build(app, tmp_path / "first.zip")
    (app / "host.json").touch()
    build(app, tmp_path / "second.zip")
    assert (tmp_path / "first.zip").read_bytes() == (tmp_path / "second.zip").read_bytes()


def test_command_lists_what_it_packed(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tools.package", str(tmp_path / "app.zip")]
    outcome = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert "  function_app.py" in outcome.stdout
    assert outcome.stdout.splitlines()[-1].startswith(str(tmp_path / "app.zip"))
