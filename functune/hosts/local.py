"""The local host, ``functune serve``, as a child process."""

import os
import re
import signal
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import httpx

from functune.environ import child_environ
from functune.errors import HostError
from functune.host.console import LISTENING
from functune.hosts.app_process import lent_python
from functune.hosts.kinds import StartedKind
from functune.hosts.knobs import flags_of, limiter_variables, require_function_app
from functune.hosts.program import Program
from functune.hosts.quota import require_quotas
from functune.hosts.served_app import ServedApp
from functune.hosts.started import START_TIMEOUT, StartedHost, host_status
from functune.setting import Setting
from functune.shapes import InstanceShape

_URL = re.compile(re.escape(LISTENING) + r" (http://\S+)")
_START_AND_STOP = 1.2
"""Seconds for any number of workers, since they start together."""
_MESSAGE_LINES = 100
"""The longest message of ``functune serve``: with the frames of the app, and the places of its packages."""
_FLAGS = {"per_instance_concurrency": "--per-instance-concurrency"}
_APPLIED = ("app_settings", "host", "instance", "limiter_tokens")


@dataclass(frozen=True, slots=True)
class LocalHostKind:
    """
    The host of functune itself. It needs nothing that is not installed with functune.

    ``python`` is the interpreter whose packages the app gets; None for the packages that the app comes with.
    """

    python: str | None = None
    name: ClassVar[str] = "functune local host"
    runs_script_root: ClassVar[bool] = True

    def has_sampler(self, setting: Setting) -> bool:
        """Whether its workers write profiles."""
        return True

    def require_settable(self, settings: Collection[Setting], *, with_target: Collection[str]) -> None:
        """Check that each knob has a variable or a flag, and that the kernel can limit the instances."""
        for setting in settings:
            flags_of(setting, _FLAGS, host="local", applied=_APPLIED)
        require_quotas(settings)

    def seconds(self, setting: Setting) -> float:
        """About how long a host takes to start and stop, in seconds."""
        return _START_AND_STOP

    def running(self, app: ServedApp, *, setting: Setting, app_settings: Mapping[str, str] = {}) -> "HostProcess":
        """
        A host with this setting::

            async with LOCAL_HOST.running(ServedApp(Path(".")), setting=Setting(thread_count=16)) as host:
                host.base_url  # http://127.0.0.1:43211
        """
        require_function_app(app, host="local")
        # An empty variable counts as unset, and still hides a value in local.settings.json.
        variables = {name: value or "" for name, value in setting.app_setting_values().items()}
        python = self.python or lent_python(app)
        return HostProcess(
            app.folder,
            process_count=setting.process_count,
            environ=child_environ({**app_settings, **variables, **limiter_variables(setting)}),
            flags=[
                *flags_of(setting, _FLAGS, host="local", applied=_APPLIED),
                *(["--python", python] if python else []),
            ],
            instance=setting.instance,
        )


LOCAL_HOST = LocalHostKind()
STARTED = StartedKind("local", 0, "functune's own host", LocalHostKind)


class HostProcess(StartedHost):
    """One ``functune serve``, without the pauses and the watching that only get in the way of a measurement."""

    title = "the local host"

    def __init__(
        self,
        app: Path,
        *,
        process_count: int,
        environ: Mapping[str, str],
        flags: Sequence[str] = (),
        times: bool = True,
        instance: InstanceShape | None = None,
    ) -> None:
        super().__init__(start_timeout=START_TIMEOUT, instance=instance)
        self._app = app
        self._process_count = process_count
        self._environ = environ
        self._flags = flags
        self._times = times

    async def launch(self) -> Program:
        """Start ``functune serve`` on a free port."""
        command = self.confined(
            *(sys.executable, "-P", "-m", "functune.cli", "serve", "--port", "0", "--script-root", str(self._app)),
            # A sweep measures the steady state, and waits for all workers before it.
            *("--worker-startup-interval", "0", "--no-startup-stall", "--no-watch"),
            *(["--times"] if self._times else []),
            *self._flags,
            *("--end-with", str(os.getpid())),
        )
        return await Program.start(
            *command,
            environ=self._environ,
            on_line=self._find_base_url,
        )

    def _find_base_url(self, line: str) -> None:
        if not self.base_url and (found := _URL.search(line)):
            self.base_url = found[1]

    async def is_ready(self, client: httpx.AsyncClient) -> bool:
        """Whether the host counts as many ready workers as it was asked to start."""
        if not self.base_url:
            return False
        workers = (await host_status(client, self.base_url)).get("workers", {})
        return bool(workers.get("ready", 0) >= self._process_count)

    def start_error(self) -> HostError:
        """The message of ``functune serve``; its last lines where it ended without one."""
        _, found, message = f"\n{self.tail(_MESSAGE_LINES)}".rpartition("\nfunctune: ")
        reason = f": {message}" if found else f"; its last lines:\n{self.tail()}"
        return HostError(f"{self.title} could not start{reason}")

    def ask_to_end(self, program: Program) -> None:
        """
        Have the host end without draining.

        The calls still in flight are those that a load generator dropped when it ended, and one slow thread can hold a
        queue of them for many seconds.
        """
        program.send(signal.SIGTERM)
        program.send(signal.SIGINT)  # the second signal drops what is in flight
