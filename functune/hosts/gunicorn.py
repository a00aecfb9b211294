"""
Gunicorn: ``--host gunicorn:gthread`` and the other classes of workers.

Sources: the settings documentation of Gunicorn 27 (workers, threads, worker_class).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from functune.errors import UsageError
from functune.hosts.kinds import StartedKind
from functune.hosts.served_app import ServedApp
from functune.hosts.web_server import WebServer, WebServerKind
from functune.packages.server_packages import require_server
from functune.setting import WEB_SERVERS, Setting

LISTENS = re.compile(r"Listening at: (http://\S+)")
_NAMES = tuple(host for host, facts in WEB_SERVERS.items() if facts.worker_class is not None)


@dataclass(frozen=True, slots=True)
class GunicornKind(WebServerKind):
    """Gunicorn with workers of one class."""

    variant: str = "gthread"
    """The word after the colon of ``--host gunicorn:…``."""

    def __post_init__(self) -> None:
        require_server("gunicorn")
        if self.host not in _NAMES:
            raise UsageError(f"--host {self.host}: there is no such class of workers; allowed: {', '.join(_NAMES)}")

    @property
    def host(self) -> str:
        """Its value of ``--host``."""
        return f"gunicorn:{self.variant}"

    @property
    def name(self) -> str:
        """The name of the host in environment.json."""
        return f"Gunicorn with {self.variant} workers"

    def running(self, app: ServedApp, *, setting: Setting, app_settings: Mapping[str, str] = {}) -> WebServer:
        """A server with this setting."""
        # In any case, since gunicorn.conf.py or GUNICORN_CMD_ARGS may have another number, which `sync` obeys too.
        threads = msgspec.structs.replace(setting, host=self.host).threads if self.facts.threads != "pool" else None
        return WebServer(
            app,
            title="Gunicorn",
            command=[
                "gunicorn",
                *("--worker-class", str(self.facts.worker_class), "--workers", str(setting.process_count)),
                *([] if threads is None else ["--threads", str(threads)]),
                *("--bind", "127.0.0.1:0", "--no-control-socket"),
                self.module(app),
            ],
            announced=LISTENS,
            process_count=setting.process_count,
            variables=self.variables(app, setting, app_settings),
            python=self.python,
        )


STARTED = StartedKind(
    "gunicorn",
    2,
    "Gunicorn with workers of a class, such as gunicorn:gthread",
    GunicornKind,
    tuple(name.partition(":")[2] for name in _NAMES),
)
