"""Uvicorn with the function app: ``--host uvicorn``."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from functune.hosts.kinds import StartedKind
from functune.hosts.knobs import require_knobs
from functune.hosts.web_server import SERVER_START_AND_STOP, WebServer
from functune.packages.server_packages import require_server
from functune.setting import THREAD_COUNT, Setting

_RUNS = re.compile(r"Uvicorn running on (http://\S+)")


@dataclass(frozen=True, slots=True)
class UvicornKind:
    """Uvicorn, with its own supervisor for several processes."""

    python: str | None = None
    name: ClassVar[str] = "Uvicorn"
    runs_script_root: ClassVar[bool] = True

    def __post_init__(self) -> None:
        require_server("uvicorn")

    def has_sampler(self, setting: Setting) -> bool:
        """Whether its workers write profiles."""
        return True

    def require_settable(self, settings: Collection[Setting], *, with_target: Collection[str]) -> None:
        """Check that it has each knob."""
        for setting in settings:
            require_knobs(setting, host="uvicorn")

    def seconds(self, setting: Setting) -> float:
        """About how long a server takes to start and stop, in seconds."""
        return SERVER_START_AND_STOP

    def running(self, app: Path, *, setting: Setting, app_settings: Mapping[str, str] = {}) -> WebServer:
        """A server with this setting; its threads are those of the Functions runtime."""
        pool = {} if setting.thread_count is None else {THREAD_COUNT: str(setting.thread_count)}
        return WebServer(
            app,
            title="Uvicorn",
            command=[
                *("uvicorn", "functune.asgi:app", "--host", "127.0.0.1", "--port", "0", "--no-access-log"),
                *("--workers", str(setting.process_count)),
            ],
            announced=_RUNS,
            process_count=setting.process_count,
            variables={**app_settings, **dict(setting.app_settings), **pool},
            python=self.python,
        )


STARTED = StartedKind("uvicorn", 3, "Uvicorn", UvicornKind)
