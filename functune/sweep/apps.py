"""The app of an experiment, and the hosts that can run it."""

import msgspec

from functune.errors import UsageError
from functune.experiments.model import Experiment, Where
from functune.experiments.planned import planned_settings
from functune.hosts.fitting import fitting_host
from functune.hosts.knobs import has_threads_to_set
from functune.hosts.served_app import ServedApp
from functune.run.environment import is_elsewhere
from functune.web_servers import WEB_SERVERS


def app_for(experiment: Experiment, default: ServedApp) -> ServedApp:
    """The app that an experiment measures: the one it names, else that of the run."""
    if experiment.app is None and experiment.folder is None:
        return default
    folder = default.folder / (experiment.folder or ".")
    return ServedApp(folder, entry=experiment.app, root=default.folder)


def require_folder(experiment: Experiment, default: ServedApp) -> None:
    """Check that the folder of the app is there, inside the script root. Raises UsageError."""
    app = app_for(experiment, default)
    if not app.folder.is_dir():
        raise UsageError(f"{experiment.name}: folder is '{experiment.folder}': there is no folder {app.folder}")
    if not app.resolved.is_relative_to(default.resolved):
        raise UsageError(
            f"{experiment.name}: folder is '{experiment.folder}', which leads to {app.resolved}: allowed is a folder "
            f"inside the script root, {default.resolved}"
        )


def on_fitting_hosts(experiment: Experiment, default: ServedApp, *, host: str | None, python: str | None) -> Experiment:
    """
    The experiment with the full names of the hosts that run its app; ``host`` is that of the run, None where unset.

    The names are those that it lists; without any, that of the run where it is a web server. Raises UsageError for a
    host that cannot run the app, and for a setting that its app does not have. An app elsewhere runs already.
    """
    if host is not None and is_elsewhere(host):
        return experiment
    require_folder(experiment, default)
    app = app_for(experiment, default)
    listed = experiment.settings.host or ((host,) if host is not None else ())
    names = {each: fitting_host(each, app, python=python) for each in listed}
    full = tuple(dict.fromkeys(names.values())) or (fitting_host(None, app, python=python),)
    if not experiment.settings.host and not WEB_SERVERS.keys() & set(full):
        return experiment
    changed = with_hosts(experiment, names, full)
    require_app_threads(changed, app)
    return changed


def with_hosts(experiment: Experiment, names: dict[str, str], full: tuple[str, ...]) -> Experiment:
    """The experiment with other names for its hosts, also where its baseline and its expectations name them."""
    changed = msgspec.structs.replace(experiment, settings=msgspec.structs.replace(experiment.settings, host=full))
    if (baseline := experiment.baseline) is not None:
        host = full[0] if baseline.host is None else names.get(baseline.host, baseline.host)
        changed = msgspec.structs.replace(changed, baseline=msgspec.structs.replace(baseline, host=host))

    def renamed(where: Where) -> Where:
        return where if where.host is None else msgspec.structs.replace(where, host=names.get(where.host, where.host))

    expect = tuple(
        msgspec.structs.replace(each, where=renamed(each.where), over=None if each.over is None else renamed(each.over))
        for each in experiment.expect
    )
    return msgspec.structs.replace(changed, expect=expect)


def require_app_threads(experiment: Experiment, app: ServedApp) -> None:
    """Check that no number of threads is set for an ASGI app, which has none of its own. Raises UsageError."""
    for setting in planned_settings(experiment.settings):
        if setting.thread_count is not None and app.entry and not has_threads_to_set(setting.host or "", app):
            raise UsageError(
                f"{experiment.name}: thread_count is {setting.thread_count}, and {app.entry} is an ASGI app, whose "
                'threads only its own code sets: allowed is "unset"'
            )
