"""The folder of a run for which none is named."""

from datetime import UTC, datetime
from pathlib import Path

RUNS_FOLDER = Path("runs")


def new_run_path() -> Path:
    """By date and time in UTC, below ./runs."""
    return RUNS_FOLDER / datetime.now(UTC).strftime("%Y-%m-%d-%H%M%S")
