"""The arguments of the API, checked as the keys of an experiment file are."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from functune.azure.site_id import names_site
from functune.errors import UsageError
from functune.experiments.file import experiment_of, read_experiments
from functune.experiments.model import Experiment
from functune.sweep.beginning import with_values
from functune.sweep.tuning import TuningAim

type ExperimentSource = str | Path | Mapping[str, Any]
"""The path of an experiment file, or its content as a dict, whose paths begin in the working directory."""


def sources(given: ExperimentSource | Sequence[ExperimentSource]) -> Iterator[tuple[Experiment, Path]]:
    """Each experiment with the folder in which the paths in it begin. Raises ExperimentError."""
    for each in [given] if isinstance(given, str | Path | Mapping) else given:
        if isinstance(each, Mapping):
            yield experiment_of(dict(each), source="the experiment", at=""), Path()
        else:
            yield from ((experiment, Path(each).parent) for experiment in read_experiments(Path(each)))


def checked_experiments(
    asked: Sequence[Experiment], *, values: Mapping[str, Any], load: Mapping[str, Any]
) -> list[Experiment]:
    """
    The experiments with other values, where these are not None.

    Raises ExperimentError for a value that an experiment file could not have.
    """
    given = [{name: value for name, value in each.items() if value is not None} for each in (values, load)]
    changed = with_values(asked, *given)
    return [experiment_of(msgspec.to_builtins(each), source="the arguments", at="") for each in changed]


def app_folder(script_root: str | Path) -> Path:
    """The folder of the app. Raises UsageError where there is none."""
    folder = Path(script_root)
    if not folder.is_dir():
        raise UsageError(f"script_root is {str(script_root)!r}: there is no such folder; name the folder of an app")
    return folder


def require_own_machine(asked: Sequence[Experiment], host: str | None) -> None:
    """Raise UsageError for what asks questions on the terminal, or needs commands on other machines."""
    if names_site(host):
        raise UsageError(
            f"host is {host!r}: allowed are a host kind and a URL; `functune sweep --host azure:ID` changes an app on "
            "Azure, after it has shown the cost and asked"
        )
    for each in asked:
        if each.load.workers:
            raise UsageError(
                f"{each.name}: load.workers is {each.load.workers}: allowed is 0; `functune sweep` prints the commands "
                "for the other machines"
            )


def tuning_aim(**values: Any) -> TuningAim:
    """The aim of a search. Raises UsageError for a value that it cannot have."""
    try:
        return msgspec.convert(values, TuningAim)
    except msgspec.ValidationError as error:
        raise UsageError(f"an argument of tune_route cannot be used: {error}") from error
