"""Folders given on the command line."""

from pathlib import Path

from functune.errors import UsageError
from functune.run.folder import ENVIRONMENT, MEASUREMENTS
from functune.run.new_path import RUNS_FOLDER


def existing_folder(folder: Path, name: str) -> Path:
    """The folder of an app, as the option or argument ``name`` has it. Raises UsageError when there is none."""
    if not folder.is_dir():
        problem = "it is not a folder" if folder.exists() else "there is no such folder"
        raise UsageError(f"{name} {folder}: {problem}; name the folder of an app")
    return folder


def run_folders() -> list[Path]:
    """The run folders below ./runs, the one that was written last first."""
    return sorted((file.parent for file in RUNS_FOLDER.glob(f"*/{ENVIRONMENT}")), key=last_written, reverse=True)


def last_written(run: Path) -> float:
    """When a run was begun, or measured its last step, as epoch seconds; 0 for one that is gone meanwhile."""
    files = (run / ENVIRONMENT, run / MEASUREMENTS)
    return max((file.stat().st_mtime for file in files if file.exists()), default=0.0)


def run_or_newest(run: Path | None) -> Path:
    """The run that is named, else the newest below ./runs. Raises UsageError when there is none."""
    if run is not None:
        return run
    if not (found := run_folders()):
        raise UsageError(f"there is no run in {RUNS_FOLDER.resolve()}: name the folder of a run, or begin one")
    return found[0]


def shipped_experiments() -> list[Path]:
    """The experiment files in ./experiments. Raises UsageError when there is none."""
    found = experiment_files_here()
    if not found:
        raise UsageError(
            "there is no experiments/*.toml here; name the experiment files to run, or write one with `functune init`; "
            "`functune demo` has some to try"
        )
    return found


def experiment_files_here() -> list[Path]:
    """The experiment files in ./experiments; possibly none."""
    return sorted(Path("experiments").glob("*.toml"))
