"""
Gunicorn with the function app: ``--host gunicorn:gthread`` and the other classes of workers.

Sources: the settings documentation of Gunicorn 27 (workers, threads, worker_class).
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from functune.errors import UsageError
from functune.hosts.kinds import StartedKind
from functune.hosts.knobs import require_knobs
from functune.hosts.web_server import SERVER_START_AND_STOP, WebServer
from functune.packages.server_packages import require_server
from functune.setting import GUNICORN_CLASSES, THREAD_COUNT, Setting

_LISTENS = re.compile(r"Listening at: (http://\S+)")


@dataclass(frozen=True, slots=True)
class WorkerClass:
    """A class of Gunicorn's workers."""

    argument: str
    """Its value of ``--worker-class``."""
    target: str
    """The application that runs the function app in it."""
    has_threads: bool
    """Whether its own threads run ``def`` functions, as many as ``--threads``."""
    has_pool: bool
    """Whether the thread pool of the Functions runtime runs them."""


WORKER_CLASSES: Mapping[str, WorkerClass] = {
    "gthread": WorkerClass("gthread", "functune.wsgi:app", has_threads=True, has_pool=False),
    "sync": WorkerClass("sync", "functune.wsgi:app", has_threads=False, has_pool=False),
    "asgi": WorkerClass("asgi", "functune.asgi:app", has_threads=False, has_pool=True),
    "uvicorn": WorkerClass(GUNICORN_CLASSES["uvicorn"], "functune.asgi:app", has_threads=False, has_pool=True),
}
"""By the word after the colon of ``--host gunicorn:…``."""


@dataclass(frozen=True, slots=True)
class GunicornKind:
    """Gunicorn with workers of one class."""

    python: str | None = None
    variant: str = "gthread"
    runs_script_root: ClassVar[bool] = True

    def __post_init__(self) -> None:
        require_server("gunicorn")
        if self.variant not in WORKER_CLASSES:
            allowed = ", ".join(f"gunicorn:{name}" for name in WORKER_CLASSES)
            raise UsageError(f"--host gunicorn:{self.variant}: there is no such class of workers; allowed: {allowed}")

    @property
    def name(self) -> str:
        """The name of the host in environment.json."""
        return f"Gunicorn with {self.variant} workers"

    @property
    def _class(self) -> WorkerClass:
        return WORKER_CLASSES[self.variant]

    def has_sampler(self, setting: Setting) -> bool:
        """Whether its workers write profiles."""
        return True

    def require_settable(self, settings: Collection[Setting], *, with_target: Collection[str]) -> None:
        """Check that the class of workers has each knob."""
        for setting in settings:
            require_knobs(setting, host=f"gunicorn:{self.variant}")

    def seconds(self, setting: Setting) -> float:
        """About how long a server takes to start and stop, in seconds."""
        return SERVER_START_AND_STOP

    def running(self, app: Path, *, setting: Setting, app_settings: Mapping[str, str] = {}) -> WebServer:
        """A server with this setting."""
        threads = [] if setting.thread_count is None else ["--threads", str(setting.thread_count)]
        pool = {} if setting.thread_count is None else {THREAD_COUNT: str(setting.thread_count)}
        return WebServer(
            app,
            title="Gunicorn",
            command=[
                "gunicorn",
                *("--worker-class", self._class.argument, "--workers", str(setting.process_count)),
                *(threads if self._class.has_threads else []),
                *("--bind", "127.0.0.1:0", "--no-control-socket", self._class.target),
            ],
            announced=_LISTENS,
            process_count=setting.process_count,
            variables={**app_settings, **dict(setting.app_settings), **(pool if self._class.has_pool else {})},
            python=self.python,
        )


STARTED = StartedKind(
    "gunicorn", 2, "Gunicorn with workers of a class, such as gunicorn:gthread", GunicornKind, tuple(WORKER_CLASSES)
)
