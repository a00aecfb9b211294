"""Folders given on the command line."""

from pathlib import Path

from functune.errors import UsageError


def existing_folder(script_root: Path) -> Path:
    """The folder of an app. Raises UsageError when there is none."""
    if not script_root.is_dir():
        raise UsageError(f"--script-root {script_root}: there is no such folder")
    return script_root


def shipped_experiments() -> list[Path]:
    """The experiment files in ./experiments. Raises UsageError when there is none."""
    found = sorted(Path("experiments").glob("*.toml"))
    if not found:
        raise UsageError(
            "there is no experiments/*.toml here; name the experiment files to run, or write one with `functune init`; "
            "`functune demo` has some to try"
        )
    return found
