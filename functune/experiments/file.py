"""Experiment files: TOML in and out. An error names the file, the key, the value and the values allowed."""

import tomllib
from collections.abc import Sequence
from pathlib import Path

import msgspec
import tomli_w

from functune.errors import ExperimentError
from functune.experiments.messages import explain
from functune.experiments.model import Experiment
from functune.experiments.planned import require_single_steps


def read_experiments(path: Path) -> list[Experiment]:
    """
    The experiments of a file, in file order.

    Raises ExperimentError naming the file, the key, the value and what is allowed.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ExperimentError(f"{path}: {error.strerror}; an experiment is a TOML file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ExperimentError(f"{path}: not TOML in UTF-8: {error}") from error
    if "experiment" not in document:
        return [experiment_of(document, source=str(path), at="")]
    tables = document.pop("experiment")
    if document:
        raise ExperimentError(
            f"{path}: {', '.join(document)} next to [[experiment]]: "
            "a file holds one experiment, or [[experiment]] tables and nothing else"
        )
    if not isinstance(tables, list) or not tables:
        raise ExperimentError(f"{path}: experiment is {tables!r}: allowed are [[experiment]] tables")
    experiments = [
        experiment_of(table, source=str(path), at=f"experiment[{index}].") for index, table in enumerate(tables)
    ]
    require_unique_names(experiments, source=str(path))
    return experiments


def require_unique_names(experiments: Sequence[Experiment], *, source: str = "the experiments of the run") -> None:
    """Raise ExperimentError when two share a name, by which measurements refer to their experiment."""
    names = [experiment.name for experiment in experiments]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ExperimentError(f"{source}: name is {min(twice)!r} more than once: allowed is once, rename one of them")


def experiments_toml(experiments: Sequence[Experiment]) -> str:
    """TOML that ``read_experiments`` reads back equal: ``[[experiment]]`` tables, also for one experiment."""
    return tomli_w.dumps({"experiment": msgspec.to_builtins(experiments)})


def experiment_of(table: object, *, source: str, at: str) -> Experiment:
    """The experiment of one parsed table; ``at`` prefixes the keys in errors. Raises ExperimentError."""
    try:
        experiment = msgspec.convert(table, Experiment)
    except msgspec.ValidationError as error:
        raise ExperimentError(f"{source}: {explain(str(error), table, at)}") from error
    try:
        require_single_steps(experiment)
    except ValueError as error:
        raise ExperimentError(f"{source}: {at}{error}") from error
    return experiment
