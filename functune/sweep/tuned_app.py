"""The app of ``functune tune``: the host that fits the app and the plan, and the setting that it has at present."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from functune import environ
from functune.app_service.generated import GUNICORN_ARGUMENTS, NO_FASTAPI, STARTUP_SETTINGS, WEB_CONCURRENCY
from functune.azure.site_id import names_site
from functune.errors import UsageError
from functune.host.local_settings import read_local_settings
from functune.hosts import registry
from functune.hosts.configured import configured_setting, server_setting
from functune.hosts.fitting import GUNICORN, fitting_host
from functune.hosts.served_app import ServedApp
from functune.plans.registry import PLANS
from functune.setting import KNOBS, MAX_PROCESS_COUNT, MAX_THREAD_COUNT, THREAD_COUNT, Setting
from functune.web_servers import WEB_SERVERS, is_app_service


def tuned_host(host: str | None, app: ServedApp, *, plan: str, python: str | None) -> str:
    """
    The full name of the host; without a name the one that fits the app, and Gunicorn for a plan without Functions.

    Raises UsageError for a URL, whose settings cannot be changed from here, for a host that does not run the app, and
    for a plan that does not have the host.
    """
    if host is not None and "://" in host:
        raise UsageError(
            "--host with a URL: tune changes settings, which is not possible for an app at a URL: allowed are "
            f"{', '.join(registry.STARTED_KINDS)}; `functune sweep --host URL` measures the settings that an app has"
        )
    if names_site(host):
        raise UsageError(
            f"--host {host}: each setting would restart the app, which takes longer than a search within a budget. "
            f"Write an experiment, as in docs/azure-live.md, and run `functune sweep EXPERIMENT.toml --host {host}`"
        )
    if host is None and not PLANS[plan].allows(Setting(host="local")):
        host = GUNICORN
    name = fitting_host(host, app, python=python)
    on_host = Setting(host=name)
    if not PLANS[plan].allows(on_host):
        allowed = ", ".join(each for each, other in PLANS.items() if other.allows(on_host))
        raise UsageError(f"--for {plan} with --host {name}, which {PLANS[plan].title} does not run: allowed: {allowed}")
    return name


def present_setting(app: ServedApp, host: str, now: Sequence[str]) -> Setting:
    """
    The present setting: that of the environment, and for a Functions host of local.settings.json, with the values of
    --now over it.

    Raises UsageError for a number that no experiment can contain.
    """
    setting = read_setting(app, host, dict(named_value(text) for text in now))
    for name, most in (("process_count", MAX_PROCESS_COUNT), ("thread_count", MAX_THREAD_COUNT)):
        if (value := getattr(setting, name) or 1) > most:
            raise UsageError(
                f"{name} of the present setting is {value}: allowed is a whole number from 1 to {most}; give the "
                "setting to compare with by --now"
            )
    return setting


def read_setting(app: ServedApp, host: str, given: Mapping[str, str]) -> Setting:
    """The setting with the values of --now, which may have any number."""
    if host in WEB_SERVERS:
        read = {WEB_CONCURRENCY, *([GUNICORN_ARGUMENTS] if WEB_SERVERS[host].worker_class else [])}
        read |= set(STARTUP_SETTINGS) - {NO_FASTAPI} if is_app_service(host) else set()
        others = {name: value for name, value in given.items() if name not in {*read, THREAD_COUNT}}
        in_file = read_local_settings(app.folder).values if app.entry is None else {}
        pool = {name: value for name, value in in_file.items() if name == THREAD_COUNT}
        setting = server_setting(host, app, {**pool, **environ.process_environ(), **given})
        return msgspec.structs.replace(setting, app_settings=tuple(sorted(others.items())))
    return functions_setting(app.folder, given)


def named_value(text: str) -> tuple[str, str]:
    """The name and the value of a --now."""
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise UsageError(f"--now {text}: allowed is KEY=VALUE, such as FUNCTIONS_WORKER_PROCESS_COUNT=2")
    return name, value


def functions_setting(app: Path, given: Mapping[str, str]) -> Setting:
    """The present setting on a Functions host, with the given app settings over it."""
    setting = configured_setting(app)
    named = {knob.variable: knob.name for knob in KNOBS if knob.variable is not None}
    others: dict[str, str] = {}
    for name, value in given.items():
        if name not in named:
            others[name] = value
        elif value.isdecimal() and int(value) > 0:
            setting = msgspec.structs.replace(setting, **{named[name]: int(value)})
        else:
            raise UsageError(f"--now {name}={value}: allowed is a whole number from 1")
    return msgspec.structs.replace(setting, app_settings=tuple(sorted(others.items())))
