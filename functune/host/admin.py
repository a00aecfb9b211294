"""The admin endpoints of the host: status, ping and the function list, as JSON the real host's tools understand."""

import json
import platform
import time
import uuid
from collections.abc import Sequence
from typing import Any

from functune.host.functions import Function, FunctionSet
from functune.host.shaping import Answer
from functune.host.supervisor import HOST_VERSION, Supervisor
from functune.settings import HostSettings

_JSON = [(b"content-type", b"application/json; charset=utf-8")]
_NOT_FOUND = Answer(404, [], b"")


class Admin:
    """
    Answers ``/admin/…``. ``functions`` is None until the app is indexed.

    The status carries one key more than the real host's: ``workers`` with ``configured``, ``ready`` and ``pids``.
    """

    def __init__(self, settings: HostSettings, supervisor: Supervisor, base_url: str) -> None:
        self.functions: FunctionSet | None = None
        self._settings = settings
        self._supervisor = supervisor
        self._base_url = base_url
        self._instance_id = uuid.uuid4().hex
        self._started = time.monotonic()

    def answer(self, method: str, path: str) -> Answer:
        """The answer for a decoded path below ``/admin/``; 404 for what is not served here."""
        match method, path.lower().strip("/").split("/")[1:]:
            case "GET", ["host", "status"]:
                return _json(self._status())
            case "GET" | "POST", ["host", "ping"]:
                return Answer(200, [(b"cache-control", b"no-store, no-cache")], b"")
            case "GET", ["functions"]:
                return _json([self._describe(function) for function in self._all()])
            case "GET", ["functions", name]:
                found = next((function for function in self._all() if function.name.lower() == name), None)
                return _NOT_FOUND if found is None else _json(self._describe(found))
            case _:
                return _NOT_FOUND

    def _all(self) -> Sequence[Function]:
        return self.functions.functions if self.functions is not None else ()

    def _status(self) -> dict[str, Any]:
        pids = self._supervisor.ready_pids
        return {
            "id": f"{platform.node().lower()}-functune",
            "state": "Running" if self.functions is not None else "Initialized",
            "version": HOST_VERSION,
            "versionDetails": HOST_VERSION,
            "instanceId": self._instance_id,
            "computerName": platform.node(),
            "processUptime": int((time.monotonic() - self._started) * 1000),
            "workers": {
                "configured": self._supervisor.configured_count,
                "ready": len(pids),
                "pids": pids,
            },
        }

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


def _json(document: object) -> Answer:
    return Answer(200, list(_JSON), json.dumps(document).encode())
