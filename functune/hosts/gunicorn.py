"""
Gunicorn: ``--host gunicorn:gthread`` and the other classes of workers.

Sources: the settings documentation of Gunicorn 27 (workers, threads, worker_class).
"""

import re
import shlex
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import msgspec

from functune.app_service.generated import GUNICORN_ARGUMENTS
from functune.errors import UsageError
from functune.hosts.kinds import StartedKind
from functune.hosts.served_app import ServedApp
from functune.hosts.web_server import WebServer, WebServerKind
from functune.packages.server_packages import require_server
from functune.setting import Setting
from functune.web_servers import WEB_SERVERS

LISTENS = re.compile(r"Listening at: (http://\S+)")
_OF_KNOBS = {
    **dict.fromkeys(("-w", "--workers"), "process_count"),
    **dict.fromkeys(("-k", "--worker-class"), "host"),
    "--threads": "thread_count",
}
"""Arguments that the command line has too, which Gunicorn prefers without a word."""
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

    def require_settable(self, settings: Collection[Setting], *, with_target: Collection[str]) -> None:
        """Check that it has each knob, and that no argument among the app settings would be ignored."""
        WebServerKind.require_settable(self, settings, with_target=with_target)
        for setting in settings:
            for word in arguments_of(setting):
                flag = word.partition("=")[0] if word.startswith("--") else word[:2]
                if flag in _OF_KNOBS:
                    raise UsageError(
                        f"--host {self.host}: app_settings holds {GUNICORN_ARGUMENTS} with {word}, which Gunicorn "
                        f"would ignore: it is set by {_OF_KNOBS[flag]}"
                    )

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
            instance=setting.instance,
        )


def arguments_of(setting: Setting) -> list[str]:
    """The words of GUNICORN_CMD_ARGS among the app settings. Raises UsageError for a quotation mark without its end."""
    text = dict(setting.app_settings).get(GUNICORN_ARGUMENTS, "")
    try:
        return shlex.split(text)
    except ValueError as error:
        raise UsageError(
            f"app_settings holds {GUNICORN_ARGUMENTS} = {text!r}, which is not a command line: {error}"
        ) from None


STARTED = StartedKind(
    "gunicorn",
    2,
    "Gunicorn with workers of a class, such as gunicorn:gthread",
    GunicornKind,
    tuple(name.partition(":")[2] for name in _NAMES),
)
