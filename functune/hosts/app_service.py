"""
The command that App Service generates, run here: ``--host app-service``.

Three of its arguments differ, since they belong to the container: the address, which is one of this machine, the folder
of the app, and the configuration of the platform's image, which is not there. The application is the middleware around
the app that the platform finds. The front end of the platform and its limit of 230 s are not there either.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import ClassVar

from functune.app_service.generated import (
    CONFIG_FROM_PATH,
    GUNICORN_ARGUMENTS,
    NO_FASTAPI,
    STARTUP_SETTINGS,
    generated_arguments,
    settings_of_counts,
)
from functune.app_service.startup import gunicorn_words
from functune.errors import UsageError
from functune.hosts.gunicorn import LISTENS
from functune.hosts.kinds import StartedKind
from functune.hosts.platform_start import PlatformStart, platform_start
from functune.hosts.served_app import ServedApp
from functune.hosts.web_server import WebServer, WebServerKind
from functune.packages.server_packages import require_server
from functune.setting import Setting
from functune.web_servers import APP_SERVICE_HOST

_PORT = "PORT"
_PLATFORM_PORT = "8000"
"""What the app sees; the server takes a free port of this machine."""
_IMAGE_CONFIG = "python:functune.app_service.image_config"


@dataclass(frozen=True, slots=True)
class AppServiceKind(WebServerKind):
    """
    Gunicorn as App Service starts it for the folder of an app.

    Processes and threads are set as on the platform, by WEB_CONCURRENCY or the PYTHON_ settings.
    """

    variant: str = ""
    """``fastapi`` where the platform starts the app by that step."""
    name: ClassVar[str] = "Gunicorn by the command of App Service"

    def __post_init__(self) -> None:
        require_server("gunicorn")
        if self.host not in (APP_SERVICE_HOST, f"{APP_SERVICE_HOST}:fastapi"):
            raise UsageError(f"--host {self.host}: allowed is {APP_SERVICE_HOST}, which finds the app by itself")

    @property
    def host(self) -> str:
        """Its value of ``--host``."""
        return f"{APP_SERVICE_HOST}:{self.variant}" if self.variant else APP_SERVICE_HOST

    def require_settable(self, settings: Collection[Setting], *, with_target: Collection[str]) -> None:
        """Check that workers and threads are set by the knobs alone."""
        WebServerKind.require_settable(self, settings, with_target=with_target)
        named = [name for setting in settings for name, _ in setting.app_settings if name in STARTUP_SETTINGS]
        if wrong := [name for name in named if name != NO_FASTAPI]:
            raise UsageError(
                f"--host {self.host}: app_settings has {wrong[0]}, which this host sets itself: use process_count and "
                "thread_count"
            )

    def running(self, app: ServedApp, *, setting: Setting, app_settings: Mapping[str, str] = {}) -> WebServer:
        """The platform's command with this setting."""
        counts = settings_of_counts(setting.process_count, setting.thread_count)
        start = platform_start(app, {**app_settings, **dict(setting.app_settings), **counts}, python=self.python)
        served = ServedApp(app.folder, start.target, app.root)
        middleware = AppServiceKind(self.python, start.variant).module(served)
        return WebServer(
            served,
            title="Gunicorn, as App Service starts it,",
            command=gunicorn_words(start.decision.step, middleware),
            announced=LISTENS,
            process_count=start.decision.worker_count or 1,
            variables={
                **self.variables(served, setting, app_settings),
                **counts,
                _PORT: _PLATFORM_PORT,
                GUNICORN_ARGUMENTS: local_arguments(start, app),
            },
            python=self.python,
            instance=setting.instance,
        )


def local_arguments(start: PlatformStart, app: ServedApp) -> str:
    """The value of GUNICORN_CMD_ARGS, with what belongs to the container replaced by what is here."""
    settings = {**start.deployed.settings, CONFIG_FROM_PATH: _IMAGE_CONFIG}
    words = generated_arguments(settings, cores=start.deployed.cores, folder=f"'{app.resolved}'")
    # The control socket would be one file in the home directory for all servers of this machine.
    return " ".join([*words, "--bind=127.0.0.1:0", "--no-control-socket"])


STARTED = StartedKind(
    APP_SERVICE_HOST,
    4,
    "the command that App Service generates for the folder",
    AppServiceKind,
    ("fastapi",),
)
