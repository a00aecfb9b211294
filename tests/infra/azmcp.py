"""
Questions to azmcp, a program in the npm package @azure/mcp-linux-x64, which `make equipment` installs.

The program contains Bicep's types and needs no network. It knows one API version of each resource type. It takes about
a second of CPU to start and a tenth of that to answer, so one process answers all questions. azmcp is a server of the
Model Context Protocol: it speaks JSON-RPC over its stdin and stdout, one message a line.
https://modelcontextprotocol.io/specification/2025-06-18/basic/lifecycle
"""

import contextlib
import itertools
import json
import os
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import Any

PROTOCOL_VERSION = "2025-06-18"
_TOOL = "bicepschema_get"
_VARIABLES = {
    "AZURE_MCP_COLLECT_TELEMETRY": "false",
    # It ends before code that .NET has compiled better, and a collector of its own, would pay: a third of its CPU time.
    "DOTNET_TieredPGO": "0",
    "DOTNET_TC_CallCountThreshold": "1000",
    "DOTNET_gcConcurrent": "0",
}


class AzmcpError(Exception):
    """azmcp did not answer, or not with types; the message has its own words."""


class Azmcp:
    """One process of azmcp; close it."""

    def __init__(self, program: Path, timeout: float = 60) -> None:
        """Start the process; it is killed when an answer takes longer than ``timeout``."""
        self._timeout = timeout
        self._ids = itertools.count()
        self._log = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        self._process = subprocess.Popen(
            [program, "server", "start", "--tool", _TOOL],
            env={**os.environ, **_VARIABLES},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            encoding="utf-8",
        )
        self._initialized = False

    def types(self, resource_type: str) -> str | None:
        """
        The types of one resource type as a JSON document; None where azmcp has no definition of it.

        Raises AzmcpError when it fails otherwise, also where there is no such resource type.
        """
        if not self._initialized:
            self._initialize()
        answer = self._call("tools/call", {"name": _TOOL, "arguments": {"resource-type": resource_type}})
        text: str = answer["content"][0]["text"]
        if not answer.get("isError"):
            return text
        if f"{resource_type} with apiVersion" in text:  # it has the name of the type but no definition
            return None
        raise AzmcpError(f"azmcp on {resource_type}: {text}")

    def close(self) -> int:
        """End the process and return its exit code; it is killed when the end of its stdin does not end it."""
        assert self._process.stdin
        assert self._process.stdout
        with contextlib.suppress(BrokenPipeError):  # the process has ended already
            self._process.stdin.close()
        try:
            self._process.wait(self._timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._log.close()
        return self._process.returncode

    def _initialize(self) -> None:
        client = {"name": "tests", "version": "1"}
        self._call("initialize", {"protocolVersion": PROTOCOL_VERSION, "capabilities": {}, "clientInfo": client})
        self._send({"method": "notifications/initialized"})
        self._initialized = True

    def _call(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        number = next(self._ids)
        self._send({"id": number, "method": method, "params": params})
        answer = self._receive(number)
        if "error" in answer:
            raise AzmcpError(f"azmcp on {method}: {answer['error']}")
        result: dict[str, Any] = answer["result"]
        return result

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):  # the process has ended; _receive says why
            self._process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
            self._process.stdin.flush()

    def _receive(self, number: int) -> dict[str, Any]:
        """The answer with this id; other lines are notifications, or remarks that azmcp also writes to its stdout."""
        assert self._process.stdout
        alarm = threading.Timer(self._timeout, self._process.kill)
        alarm.start()
        try:
            for message in (json.loads(line) for line in self._process.stdout if line.startswith("{")):
                if message.get("id") == number:
                    answer: dict[str, Any] = message
                    return answer
        finally:
            alarm.cancel()
        code = self._process.wait(self._timeout)
        self._log.seek(0)
        limit = f"it is killed when an answer takes longer than {self._timeout:g} s"
        raise AzmcpError(f"azmcp ended with exit code {code} ({limit}): {self._log.read().strip()}")
