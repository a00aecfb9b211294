"""``functune serve`` as a child process, seen as a user sees it: its output, its exit code, its HTTP."""

import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

APPS = Path(__file__).parent / "apps"
LIMITED_HOST = Path(__file__).parent / "limited_host.py"
_PATIENCE = 60.0
"""Seconds any one condition may take on a busy machine."""


def wait_until(condition: Callable[[], Any], what: str, *, timeout: float = _PATIENCE, pause: float = 0.01) -> Any:
    """
    The first true value of ``condition``, which is asked every ``pause`` seconds.

    Fails naming ``what`` when it does not come.
    """
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < deadline, f"within {timeout:g} s there was no {what}"
        time.sleep(pause)
    return value


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that ended and waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def children(pid: int) -> list[int]:
    """Pids of the processes this one started."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


class Sent:
    """A request that the host has read, on a connection of its own."""

    def __init__(self, connection: HTTPConnection) -> None:
        self._connection = connection

    def answer(self) -> httpx.Response:
        """Its answer, waited for."""
        with closing(self._connection):
            answer = self._connection.getresponse()
            return httpx.Response(answer.status, headers=answer.getheaders(), content=answer.read())

    def is_answered(self, *, within: float = 0) -> bool:
        """Whether the answer has begun to arrive, now or within so many seconds."""
        return bool(select.select([self._connection.sock], [], [], within)[0])

    def give_up(self) -> None:
        """Close the connection without waiting for the answer."""
        self._connection.close()


class Serving:
    """
    One run of ``functune serve`` on a free port::

        with Serving(APPS / "main", FUNCTIONS_WORKER_PROCESS_COUNT="2") as host:
            host.ready()
            httpx.get(f"{host.url}/api/hello")

    Flags follow the folder, settings are keywords; process and thread count are unset unless given. With ``limits``,
    limited_host.py serves instead of the command, and takes no flags. Files are watched with ``--watch`` only.
    ``program`` is another ``functune``, and ``cwd`` the folder it is called in.
    """

    def __init__(
        self,
        script_root: Path,
        *flags: str,
        limits: dict[str, dict[str, Any]] | None = None,
        program: Path | None = None,
        cwd: Path | None = None,
        **environ: str,
    ) -> None:
        defaults = {"FUNCTIONS_WORKER_PROCESS_COUNT": "", "PYTHON_THREADPOOL_THREAD_COUNT": ""}
        port = [] if "--port" in flags else ["--port", "0"]
        watch = [] if "--watch" in flags else ["--no-watch"]
        functune = [sys.executable, "-P", "-m", "functune.cli"] if program is None else [program]
        command = [*functune, "serve", "--script-root", script_root, *port, *watch, *flags]
        if limits is not None:
            command = [sys.executable, "-P", LIMITED_HOST, script_root, json.dumps(limits)]
        self._start(command, cwd=cwd, env={**os.environ, **defaults, **environ})

    def _start(self, command: Sequence[str | Path], *, cwd: Path | None, env: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            command,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        self.url = ""
        self._sent: list[Sent] = []
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.ended()
        for sent in self._sent:
            sent.give_up()
        if error is not None:
            print(self.text)

    @property
    def text(self) -> str:
        """Everything printed so far."""
        return "\n".join(self.lines)

    def line(self, pattern: str) -> re.Match[str]:
        """The first line ``pattern`` is found in, now or later."""
        compiled = re.compile(pattern)

        def search() -> re.Match[str] | None:
            is_reading = self._reader.is_alive()  # asked first: the last lines read are searched too
            found = next((match for line in list(self.lines) if (match := compiled.search(line))), None)
            assert found or is_reading, f"it ended without a line with {pattern!r}:\n{self.text}"
            return found

        found: re.Match[str] = wait_until(search, f"line with {pattern!r}")
        return found

    def ready(self) -> Self:
        """Return once every configured worker serves."""
        self.url = self.line(r"Host started, listening on (\S+)")[1]
        # A request to the host costs more than a look at a file or a list.
        wait_until(self._has_all_workers, "host with all its workers", pause=0.05)
        return self

    def workers(self) -> dict[str, Any]:
        """``configured``, ``ready`` and ``pids`` of the worker processes."""
        workers: dict[str, Any] = self.get("/admin/host/status").json()["workers"]
        return workers

    def _has_all_workers(self) -> bool:
        workers = self.workers()
        return bool(workers["ready"] == workers["configured"])

    def get(self, path: str, **request: Any) -> httpx.Response:
        """GET one path."""
        return self.request("GET", path, **request)

    def request(self, method: str, path: str, **request: Any) -> httpx.Response:
        """One request on a connection of its own; ``verify=False`` spares plain HTTP the reading of certificates."""
        return httpx.request(method, f"{self.url}{path}", trust_env=False, verify=False, timeout=_PATIENCE, **request)

    def send(self, path: str) -> Sent:
        """A GET that the host has read by now. Several of them are in the host in this order, all at once."""
        url = urlsplit(self.url)
        connection = HTTPConnection(url.hostname or "", url.port or 0, timeout=_PATIENCE)
        self._sent.append(sent := Sent(connection))
        connection.request("GET", path)
        # It came before this one, which is answered.
        assert self.get("/admin/host/ping").status_code == 200
        return sent

    def connect(self) -> socket.socket:
        """A bare connection."""
        url = urlsplit(self.url)
        return socket.create_connection((url.hostname or "", url.port or 0), timeout=_PATIENCE)

    def ended(self) -> int:
        """The exit code, once the process has ended and all it printed was read."""
        code = self.process.wait(_PATIENCE)
        self._reader.join(_PATIENCE)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
