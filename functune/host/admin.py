"""The admin endpoints of the host: status, ping and the function list, as JSON the real host's tools understand."""

import json
import os
import platform
import time
import uuid
from collections.abc import Sequence
from typing import Any

from functune.host.application import Application
from functune.host.functions import Function
from functune.host.settings import THREAD_COUNT_SOURCE
from functune.host.shaping import HttpAnswer
from functune.host.whole_numbers import parse_whole_number
from functune.setting import THREAD_COUNT

_VERSION = "4.functune"
_JSON = [(b"content-type", b"application/json; charset=utf-8")]
_NOT_FOUND = HttpAnswer(404, [], b"")


class Admin:
    """
    Answers ``/admin/…``. ``application`` is None while no app is loaded; ``state`` then says whether one will be.

    The status has one key more than that of the real host: ``workers`` with ``configured``, ``ready`` and ``pids``,
    and the threads of each worker as they are set.
    A host that times calls also answers ``functune/times``.
    """

    def __init__(self, base_url: str, configured_workers: int) -> None:
        self.application: Application | None = None
        self.state = "Initialized"
        self._base_url = base_url
        self._configured_workers = configured_workers
        self._instance_id = uuid.uuid4().hex
        self._started = time.monotonic()

    def answer(self, method: str, path: str) -> HttpAnswer:
        """The answer for a decoded path below ``/admin/``; 404 for any other endpoint of the real host."""
        match method, path.lower().strip("/").split("/")[1:]:
            case "GET", ["host", "status"]:
                return _json(self._status())
            case "GET" | "POST", ["host", "ping"]:
                return HttpAnswer(200, [(b"cache-control", b"no-store, no-cache")], b"")
            case "GET", ["functions"]:
                return _json([self._describe(function) for function in self._all()])
            case "GET", ["functune", "times"]:
                return self._times()
            case "GET", ["functions", name]:
                found = next((function for function in self._all() if function.name.lower() == name), None)
                return _NOT_FOUND if found is None else _json(self._describe(found))
            case _:
                return _NOT_FOUND

    def _all(self) -> Sequence[Function]:
        return self.application.functions.functions if self.application is not None else ()

    def _status(self) -> dict[str, Any]:
        supervisor = self.application.supervisor if self.application is not None else None
        pids = supervisor.ready_pids if supervisor is not None else []
        environ = self.application.settings.worker.environ if self.application is not None else {}
        return {
            "id": f"{platform.node().lower()}-functune",
            "state": self.state,
            "version": _VERSION,
            "versionDetails": _VERSION,
            "instanceId": self._instance_id,
            "computerName": platform.node(),
            "processUptime": int((time.monotonic() - self._started) * 1000),
            "workers": {
                "configured": supervisor.configured_count if supervisor is not None else self._configured_workers,
                "ready": len(pids),
                "pids": pids,
                "threads": parse_whole_number(environ.get(THREAD_COUNT, "")),
                "threadsSource": environ.get(THREAD_COUNT_SOURCE),
            },
        }

    def _times(self) -> HttpAnswer:
        """The calls of each worker since it started, read without asking the worker; 404 where none are timed."""
        application, now = self.application, time.perf_counter()
        if application is None or not application.settings.worker.times:
            return _NOT_FOUND
        workers = application.supervisor.call_totals(now)
        return _json(
            {"front": os.getpid(), "at": now, "workers": {str(pid): each._asdict() for pid, each in workers.items()}}
        )

    def _describe(self, function: Function) -> dict[str, Any]:
        metadata = function.metadata
        href = f"{self._base_url}/admin/functions/{function.name}"
        invoke_url = None if function.route is None else f"{self._base_url}/{function.route}".lower()
        return {
            "name": function.name,
            "href": href,
            "invoke_url_template": invoke_url,
            "language": "python",
            "config": {
                "name": function.name,
                "entryPoint": metadata.entry_point,
                "scriptFile": metadata.script_file,
                "language": "python",
                "functionDirectory": metadata.directory,
                "bindings": list(function.bindings),
            },
            "isDisabled": function.is_disabled,
            "isDirect": True,
            "isProxy": False,
        }


def _json(document: object) -> HttpAnswer:
    return HttpAnswer(200, list(_JSON), json.dumps(document).encode())
