"""Folders given on the command line."""

from datetime import UTC, datetime
from pathlib import Path

from functune.errors import UsageError


def existing_folder(script_root: Path) -> Path:
    """The folder of an app. Raises UsageError when there is none."""
    if not script_root.is_dir():
        raise UsageError(f"--script-root {script_root}: there is no such folder")
    return script_root


def new_run_path() -> Path:
    """The folder of a run for which none is named: by date and time in UTC, below ./runs."""
    return Path("runs") / datetime.now(UTC).strftime("%Y-%m-%d-%H%M%S")


def shipped_experiments() -> list[Path]:
    """The experiment files in ./experiments. Raises UsageError when there is none."""
    found = sorted(Path("experiments").glob("*.toml"))
    if not found:
        raise UsageError(
            "there is no experiments/*.toml here; name the experiment files to run, or write one with `functune init`; "
            "`functune demo` has some to try"
        )
    return found
