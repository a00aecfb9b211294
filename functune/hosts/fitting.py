"""The host that fits an app: the class of Gunicorn's workers by the interface of the app."""

from dataclasses import replace

from functune.errors import UsageError
from functune.hosts.described import describe_app
from functune.hosts.platform_start import platform_start
from functune.hosts.served_app import ServedApp
from functune.web_servers import GUNICORN_FOR, WEB_SERVERS, is_app_service

GUNICORN = "gunicorn"


def fitting_host(host: str | None, app: ServedApp, *, python: str | None) -> str:
    """
    The full name of a host for an app: ``gunicorn`` gets the class of workers that fits, and so does no name at all.

    A function app runs on the local host where none is named. Raises UsageError for a host that does not serve the
    interface of the app, and as ``describe_app`` does.
    """
    if is_app_service(host):
        return platform_start(app, python=python).host
    if app.entry is None:
        return GUNICORN_FOR["wsgi"] if host == GUNICORN else host or "local"
    asked = host or GUNICORN
    if asked not in WEB_SERVERS and asked.partition(":")[0] != GUNICORN:
        raise UsageError(
            f"the app {app.entry} with --host {asked}: allowed are gunicorn and uvicorn, which run any WSGI or ASGI "
            "app; --host local and func run function apps, and an app at a URL runs already"
        )
    described = describe_app(app, python)
    interface = described.interface
    name = GUNICORN_FOR[interface] if asked == GUNICORN else asked
    facts = WEB_SERVERS.get(name)
    if facts is not None and facts.interface != interface:
        fitting = " or ".join(
            each for each, other in WEB_SERVERS.items() if other.interface == interface and not is_app_service(each)
        )
        raise UsageError(
            f"{app.entry} is {described.in_words}; {name} serves {facts.interface.upper()}: use --host {fitting}"
        )
    return name


def app_on_host(app: ServedApp, host: str | None, *, python: str | None) -> ServedApp:
    """The app that a host runs: on App Service the one that the platform finds in the folder. Raises UsageError."""
    if app.entry is not None or not is_app_service(host):
        return app
    return replace(app, entry=platform_start(app, python=python).target)
