"""The values that a shell completes: run folders, experiment files and their experiments, hosts, sizes."""

from collections.abc import Iterable
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from functune.cli.folders import experiment_files_here, run_folders
from functune.errors import FunctuneError
from functune.run.folder import EXPERIMENTS
from functune.shapes import APP_SERVICE_SIZES, CONTAINER_APPS_SIZES


class RunPath(click.Path):
    """The folder of a run; those below ./runs are completed, the newest first."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
        """The runs that begin like this, else any folder."""
        return fitting(map(str, run_folders()), incomplete) or [CompletionItem(incomplete, type="dir")]


class ExperimentPath(click.Path):
    """An experiment file; those in ./experiments are completed."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
        """The experiments that begin like this, else any file."""
        return fitting(map(str, experiment_files_here()), incomplete) or [CompletionItem(incomplete, type="file")]


def complete_experiments(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """The experiments of the run that the command line names."""
    from functune.experiments.file import read_experiments

    # The option that waits for its value keeps click from handing the words before it to the arguments.
    folders = [Path(word) for word in (ctx.params.get("folder"), *ctx.args) if word is not None]
    try:
        names = [each.name for each in read_experiments(folders[0] / EXPERIMENTS)] if folders else []
    except (FunctuneError, OSError):  # the command itself says what is wrong; a shell shows only values
        names = []
    return fitting(names, incomplete)


def complete_hosts(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """The hosts that are started here, with their variants."""
    from functune.hosts.registry import STARTED_KINDS

    names = [
        name
        for kind in STARTED_KINDS.values()
        for name in (kind.name, *(f"{kind.name}:{variant}" for variant in kind.variants))
    ]
    return fitting(names, incomplete)


def complete_sizes(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """The sizes of an instance on the plan that the command line names, else on each that has them."""
    sizes = {"app-service": tuple(APP_SERVICE_SIZES), "container-apps": tuple(CONTAINER_APPS_SIZES)}
    of_all = [name for names in sizes.values() for name in names]
    return fitting(sizes.get(str(ctx.params.get("plan")), of_all), incomplete)


def fitting(values: Iterable[str], incomplete: str) -> list[CompletionItem[str]]:
    """The values that begin like this."""
    return [CompletionItem(value) for value in values if value.startswith(incomplete)]
