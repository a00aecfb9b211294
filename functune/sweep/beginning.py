"""The beginning of a run: experiments with their files, the host kind, and the run folder."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from functune import environ
from functune.analysis.verdict.recommendation import aim_of
from functune.azure.site_id import names_site
from functune.errors import UsageError
from functune.experiments.file import read_experiments, require_unique_names
from functune.experiments.inputs import require_variables, with_inputs
from functune.experiments.model import Experiment, Workload
from functune.experiments.planned import left_out_in_words, planned_settings
from functune.experiments.request_source import VARIABLE
from functune.hosts import registry
from functune.hosts.fitting import fitting_host
from functune.hosts.kinds import HostKind
from functune.hosts.served_app import ServedApp
from functune.load.load_workers import binds_loopback
from functune.run.environment import Environment, collect_environment, without_secret
from functune.run.folder import RunFolder
from functune.sweep.apps import on_fitting_hosts

type Agree = Callable[[HostKind, Sequence[Experiment]], Sequence[Experiment]]
"""Gives the experiments as they are to be measured on a host kind, or raises UsageError."""


def experiments_and_inputs(files: Sequence[Path]) -> tuple[list[Experiment], dict[str, bytes]]:
    """
    The experiments of the files as a run folder contains them, and the contents of the files that they name.

    Raises ExperimentError for a file that cannot be used, and for a ``${NAME}`` that is not in the environment.
    """
    return with_their_inputs((experiment, file.parent) for file in files for experiment in read_experiments(file))


def with_their_inputs(found: Iterable[tuple[Experiment, Path]]) -> tuple[list[Experiment], dict[str, bytes]]:
    """The same for experiments, each with the folder in which the paths in it begin."""
    asked: list[Experiment] = []
    inputs: dict[str, bytes] = {}
    for experiment, folder in found:
        require_variables(experiment, folder, environ.process_environ())
        packed, contents = with_inputs(experiment, folder)
        asked.append(packed)
        inputs |= contents
    require_unique_names(asked)
    return asked, inputs


def with_values(asked: Sequence[Experiment], values: Mapping[str, Any], load: Mapping[str, Any]) -> list[Experiment]:
    """
    The experiments with other values for some of their keys, and for some of those of their load.

    Raises UsageError for an objective that cannot be read.
    """
    changed = [msgspec.structs.replace(one, **values, load=msgspec.structs.replace(one.load, **load)) for one in asked]
    for one in changed:
        aim_of(one)
    return changed


def begin_run(
    asked: Sequence[Experiment],
    *,
    inputs: Mapping[str, bytes],
    out: Path,
    app: ServedApp,
    host: str | None,
    key: str | None,
    python: str | None,
    command: Sequence[str],
    on_note: Callable[[str], None],
    agree: Agree = lambda kind, asked: asked,
) -> tuple[RunFolder, HostKind]:
    """
    A new run folder and the host kind. Raises UsageError for an app or settings that the host cannot apply.

    ``host`` is the one that is named, None for the one that fits, and ``python`` the interpreter whose packages the app
    gets. ``agree`` is asked before an app on Azure is changed, and notes name the settings that are left out.
    """
    asked = [on_fitting_hosts(experiment, app, host=host, python=python) for experiment in asked]
    host = fitting_host(host, app, python=python)
    if names_site(host):
        asked = agree(registry.host_kind(host, key=key, route=first_route(asked[0].workload), python=python), asked)
    kind = host_kind_for(asked, host, key=key, python=python)
    environment = environment_of(app, kind, host=host, key=key, python=python, command=command)
    for experiment in asked:
        for sentence in left_out_in_words(experiment.settings):
            on_note(f"{experiment.name}: {sentence}")
    return RunFolder.create(out, asked, environment, inputs=inputs), kind


def host_kind_for(asked: Sequence[Experiment], host: str, *, key: str | None, python: str | None) -> HostKind:
    """The host kind, checked against the settings of the experiments."""
    kind = registry.host_kind(host, key=key, route=first_route(asked[0].workload), python=python)
    hosts = dict.fromkeys(host for each in asked for host in each.settings.host)
    kind = registry.kind_for_settings(kind, hosts, python=python)
    kind.require_settable(
        dict.fromkeys(setting for each in asked for setting in planned_settings(each.settings)),
        with_target=[each.name for each in asked if each.workload.target is not None],
    )
    return kind


def first_route(workload: Workload) -> str:
    """A route to reach the app at a URL with before it is measured."""
    plain = [each.route for each in workload.requests if each.values is None and not VARIABLE.search(each.route)]
    return next(iter((*workload.routes, *plain)), "/")


def environment_of(
    app: ServedApp, kind: HostKind, *, host: str, key: str | None, python: str | None, command: Sequence[str]
) -> Environment:
    """The environment now. The key is not in it, also where the command contains it."""
    return collect_environment(
        script_root=app.folder if kind.runs_script_root else None,
        host=kind.name,
        host_kind=host.rstrip("/"),
        command=without_secret(command, key),
        app=app.entry,
        app_python=python,
    )


def require_usable_load(asked: Sequence[Experiment], *, host: str, binds: bool = False) -> None:
    """
    Raise UsageError for an address that nobody uses, and for load processes elsewhere that cannot reach the host.

    ``host`` is the host kind, and ``binds`` whether --load-bind is given.
    """
    led = [each for each in asked if each.load.workers]
    if binds and not led:
        raise UsageError("--load-bind without --load-workers: no process connects; add --load-workers N, or omit it")
    for each in led:
        if not binds_loopback(each.load.bind) and "://" not in host:
            raise UsageError(
                f"--load-workers at {each.load.bind} with --host {host}: the host listens on the loopback interface, "
                "which other machines cannot reach; allowed is a URL as --host, or --load-bind 127.0.0.1:5557"
            )
