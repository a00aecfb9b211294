"""The flag --resume of functune sweep: the run that is continued, with the app and the host it was begun with."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from functune import environ
from functune.errors import UsageError
from functune.experiments.inputs import require_variables
from functune.hosts.kinds import HostKind
from functune.hosts.served_app import ServedApp
from functune.run.environment import Environment
from functune.run.folder import RunFolder
from functune.web_servers import WEB_SERVERS


def refuse_with_resume(*, files: Sequence[Path], out: Path | None, **overrides: Any) -> None:
    """Raise UsageError for arguments that would change a run that was begun."""
    if files or out is not None:
        raise UsageError("--resume RUN continues the experiments of that run: omit the files and --out")
    if given := [f"--{name.replace('_', '-')}" for name, value in overrides.items() if value is not None]:
        raise UsageError(
            f"{', '.join(given)} with --resume: a run continues as it was begun; omit it, or begin another run"
        )


def reopened(
    resume: Path, *, script_root: Path | None, entry: str | None, host: str | None, key: str | None
) -> tuple[RunFolder, ServedApp, HostKind]:
    """
    The run folder to continue, with the app and the host kind it was begun with.

    Raises UsageError when another app or host is named, RunFolderError when the app or the machine has changed.
    """
    from functune.sweep.beginning import environment_of, host_kind_for

    folder = RunFolder.open_to_resume(resume)
    begun = folder.environment
    app = ServedApp(app_of(begun, script_root), begun.app)
    if entry is not None and entry != begun.app:
        measured_app = "a function app" if begun.app is None else begun.app
        raise UsageError(f"--app {entry}: the run measures {measured_app}; omit --app, or begin another run")
    short = begun.host_kind.partition(":")[0] if begun.host_kind in WEB_SERVERS else begun.host_kind
    if host is not None and host.rstrip("/") not in (begun.host_kind, short):
        raise UsageError(f"--host {host}: the run measures on {begun.host_kind}; omit --host, or begin another run")
    python = str(Path(begun.app_python).expanduser()) if begun.app_python else None
    kind = host_kind_for(folder.experiments, begun.host_kind, key=key, python=python)
    for experiment in folder.experiments:
        require_variables(experiment, folder.path, environ.process_environ())
    command = ["functune", *sys.argv[1:]]
    folder.reopen(environment_of(app, kind, host=begun.host_kind, key=key, python=python, command=command))
    return folder, app, kind


def app_of(begun: Environment, script_root: Path | None) -> Path:
    """The folder of the app of a run. Raises UsageError when ``script_root`` is another folder, or the app is gone."""
    if begun.script_root is None:  # the app runs at a URL
        if script_root is not None:
            raise UsageError(f"--script-root {script_root}: the run measures the app at {begun.host_kind}; omit it")
        return Path()
    app = Path(begun.script_root).expanduser()
    if script_root is not None and script_root.resolve() != app.resolve():
        raise UsageError(
            f"--script-root {script_root}: the run measures the app in {app}; omit --script-root, or begin another run"
        )
    if not app.is_dir():
        raise UsageError(f"the app of the run was in {app}, and there is no such folder now; begin another run")
    return app
