"""The showcase in a folder of the user's: complete, and without the loss of any file."""

import subprocess
from pathlib import Path

import pytest

from functune.errors import UsageError
from functune.experiments.file import read_experiments
from functune.showcase.folder import showcase_root, write_showcase
from functune.showcase.parts import LAB_EXPERIMENTS, SHOWCASE_PARTS, showcase_files

ROOT = Path(__file__).parents[2]


def contents(folder: Path) -> dict[str, bytes]:
    """The files of a folder by path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_showcase_is_what_the_repository_has_of_its_parts() -> None:
    asked = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *SHOWCASE_PARTS]
    known = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert sorted(map(str, showcase_files(ROOT))) == sorted(known)


def test_caches_and_environments_are_no_part_of_it(tmp_path: Path) -> None:
    write_showcase(tmp_path)
    before = list(showcase_files(tmp_path))
    for path in ("blueprints/__pycache__/fetch.cpython-313.pyc", "experiments/apps/flask/.venv/pyvenv.cfg"):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).touch()
    assert list(showcase_files(tmp_path)) == before


def test_written_showcase_is_the_one_of_the_repository(tmp_path: Path) -> None:
    written = write_showcase(tmp_path / "new" / "folder")
    files = contents(tmp_path / "new" / "folder")
    assert len(files) == written
    assert files == {str(file): (ROOT / file).read_bytes() for file in showcase_files(showcase_root())}
    assert (tmp_path / "new" / "folder" / "infra" / "deploy.sh").stat().st_mode & 0o100


def test_written_showcase_has_the_experiments_of_the_lab(tmp_path: Path) -> None:
    write_showcase(tmp_path)
    asked = [read_experiments(tmp_path / "experiments" / f"{name}.toml") for name in LAB_EXPERIMENTS]
    assert [experiment.name for [experiment] in asked] == list(LAB_EXPERIMENTS)


def test_only_missing_files_are_written(tmp_path: Path) -> None:
    write_showcase(tmp_path)
    (tmp_path / "host.json").unlink()
    (tmp_path / "notes.txt").write_text("mine")
    assert write_showcase(tmp_path) == 1
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert write_showcase(tmp_path) == 0


def test_file_that_differs_is_kept_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text("{}")
    with pytest.raises(UsageError, match=r"not overwritten: host\.json; name a new folder with --dir"):
        write_showcase(tmp_path)
    assert contents(tmp_path) == {"host.json": b"{}"}


def test_several_files_that_differ_are_counted(tmp_path: Path) -> None:
    write_showcase(tmp_path)
    for name in SHOWCASE_PARTS[:2]:
        (tmp_path / name).write_text("changed")
    for path in (tmp_path / "infra" / "queries").iterdir():
        path.write_text("changed")
    with pytest.raises(UsageError, match=r"function_app\.py, functune_times\.py, infra/queries/\S+ and 6 more; name"):
        write_showcase(tmp_path)


@pytest.mark.parametrize("place", ["blueprints", "."])
def test_file_in_the_place_of_a_folder_is_kept(place: str, tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    (folder / place).parent.mkdir(exist_ok=True)
    (folder / place).write_text("mine")
    with pytest.raises(UsageError, match=r"cannot be written: .*name another folder with --dir"):
        write_showcase(folder)
    assert (folder / place).read_text() == "mine"


def test_link_to_nowhere_is_not_followed(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "demo", tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "host.json").symlink_to(elsewhere)
    with pytest.raises(UsageError, match="cannot be written"):
        write_showcase(folder)
    assert not elsewhere.exists()
