"""The knobs that a host sets by something other than an environment variable."""

from collections.abc import Collection, Mapping

from functune.environ import LIMITER_TOKENS
from functune.errors import UsageError
from functune.hosts.served_app import ServedApp
from functune.setting import KNOBS, Setting
from functune.web_servers import LACKING_KNOBS, WEB_SERVERS


def limiter_variables(setting: Setting) -> dict[str, str]:
    """The variable for anyio's limiter; empty where the setting leaves it to the app, whatever the environment has."""
    return {LIMITER_TOKENS: "" if setting.limiter_tokens is None else str(setting.limiter_tokens)}


def flags_of(
    setting: Setting,
    flags: Mapping[str, str],
    *,
    host: str,
    applied: Collection[str] = ("app_settings", "host", "limiter_tokens"),
) -> list[str]:
    """
    The command line flags that apply the knobs without a variable, by ``flags`` from a knob's name to its flag.

    ``applied`` are the knobs that are set in another way. Raises UsageError for a knob that has a value and no flag;
    ``host`` is the name of the kind, as ``--host`` takes it.
    """
    given: list[str] = []
    for knob in KNOBS:
        value = getattr(setting, knob.name)
        if knob.variable is not None or knob.name in applied or value is None:
            continue
        if knob.name not in flags:
            raise UsageError(
                f'--host {host}: {knob.name} is {value}, which this host cannot limit: allowed is "unset", '
                "or --host local"
            )
        given += [flags[knob.name], str(value)]
    return given


def has_threads_to_set(host: str, app: ServedApp) -> bool:
    """Whether a number of threads can be set: an ASGI app that is no function app sets them in its code alone."""
    facts = WEB_SERVERS.get(host)
    return facts is None or facts.threads == "server" or (facts.threads == "pool" and app.entry is None)


def require_function_app(app: ServedApp, *, host: str) -> None:
    """Check that an app is a function app, for a Functions host. Raises UsageError."""
    if app.entry is not None:
        raise UsageError(f"--host {host} runs function apps: {app.entry} needs --host gunicorn or uvicorn")


def require_knobs(setting: Setting, *, host: str) -> None:
    """Check that a setting has no value for a knob that the host of this name lacks. Raises UsageError."""
    for knob in KNOBS:
        value = getattr(setting, knob.name)
        if knob.name in LACKING_KNOBS[host] and value is not None:
            raise UsageError(
                f'--host {host}: {knob.name} is {value}, which this host does not have: allowed is "unset"'
            )
