"""Uvicorn: ``--host uvicorn``."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from functune.hosts.kinds import StartedKind
from functune.hosts.served_app import ServedApp
from functune.hosts.web_server import WebServer, WebServerKind
from functune.packages.server_packages import require_server
from functune.setting import Setting

_RUNS = re.compile(r"Uvicorn running on (http://\S+)")


@dataclass(frozen=True, slots=True)
class UvicornKind(WebServerKind):
    """Uvicorn, with its own supervisor for several processes."""

    name: ClassVar[str] = "Uvicorn"
    host: ClassVar[str] = "uvicorn"

    def __post_init__(self) -> None:
        require_server(self.host)

    def running(self, app: ServedApp, *, setting: Setting, app_settings: Mapping[str, str] = {}) -> WebServer:
        """A server with this setting; the threads of a function app are those of its runtime."""
        return WebServer(
            app,
            title=self.name,
            command=[
                *("uvicorn", self.module(app), "--host", "127.0.0.1", "--port", "0", "--no-access-log"),
                *("--workers", str(setting.process_count)),
            ],
            announced=_RUNS,
            process_count=setting.process_count,
            variables=self.variables(app, setting, app_settings),
            python=self.python,
            instance=setting.instance,
        )


STARTED = StartedKind("uvicorn", 3, "Uvicorn", UvicornKind)
