"""The flags that choose the load processes: --load-processes, --load-workers and --load-bind."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from functune.environ import URL_KEY, process_environ
from functune.errors import UsageError
from functune.experiments.inputs import variable_names
from functune.experiments.model import BIND, MOST_LOAD_PROCESSES, Experiment

LOAD_FLAGS = ("load_processes", "load_workers", "load_bind")


def load_options[Command: Callable[..., Any]](command: Command) -> Command:
    """Add the flags, as the parameters of LOAD_FLAGS."""
    processes = click.option(
        "--load-processes",
        type=click.IntRange(1, MOST_LOAD_PROCESSES),
        metavar="N",
        help="Send the requests from N processes of this machine, which share the users.  [default: 1]",
    )
    workers = click.option(
        "--load-workers",
        type=click.IntRange(1, MOST_LOAD_PROCESSES),
        metavar="N",
        help="Send the requests from N processes that you start, usually on other machines; functune prints their "
        "commands.",
    )
    bind = click.option(
        "--load-bind",
        metavar="ADDRESS:PORT",
        help="Address that the processes of --load-workers connect to.  [default: 127.0.0.1:5557, this machine alone]",
    )
    return processes(workers(bind(command)))


def load_overrides(
    *, load_processes: int | None, load_workers: int | None, load_bind: str | None
) -> dict[str, int | str]:
    """The keys of a load that the flags set. Raises UsageError for flags that do not fit each other."""
    if load_processes is not None and load_workers is not None:
        raise UsageError(
            f"--load-processes {load_processes} with --load-workers {load_workers}: allowed is one of them; a load is "
            "sent either from this machine or by the load processes that you start"
        )
    changed: dict[str, int | str] = {}
    if load_processes is not None:
        changed |= {"processes": load_processes, "workers": 0}
    if load_workers is not None:
        changed |= {"processes": 1, "workers": load_workers}
    if load_bind is not None:
        if not BIND.fullmatch(load_bind):
            raise UsageError(
                f"--load-bind {load_bind}: allowed is ADDRESS:PORT, with a port up to 65535, such as 10.0.0.4:5557"
            )
        changed["bind"] = load_bind
    return changed


def announce_load_workers(asked: Sequence[Experiment], folder: Path, *, key: str | None = None) -> None:
    """Print what to run on the machines that send requests, once for each address; nothing where this machine does."""
    from functune.load.load_workers import instructions

    for bind in dict.fromkeys(each.load.bind for each in asked if each.load.workers):
        led = [each for each in asked if each.load.workers and each.load.bind == bind]
        secrets = {name for each in led for name in variable_names(each.workload, folder)}
        secrets |= {URL_KEY} if key or process_environ().get(URL_KEY) else set()
        for line in instructions(max(each.load.workers for each in led), bind, secrets):
            click.echo(line)
