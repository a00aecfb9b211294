"""
Behaves as ``func start`` of Core Tools 4.14 does, as far as functune relies on it, where Core Tools are not installed.

    func start --port 7071 --script-root DIR

Each worker process is a local host with one worker, so the app is really served. Like the original: an empty variable
hides no value of local.settings.json; the first worker is not announced when others follow; the second starts at once,
each later one after a pause; the status names no workers; SIGINT ends it and its workers, SIGKILL leaves them behind.

FUNC_STAND_IN makes it misbehave, by words with commas between: ``busy:FILE`` finds the port taken until FILE exists,
``missing`` starts one worker less than it announces, ``error`` stays in the state Error, and ``deaf`` ignores SIGINT.
"""

import asyncio
import itertools
import os
import re
import socket
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import httpx
import uvicorn

from functune.host.local_settings import read_local_settings
from functune.setting import PROCESS_COUNT

PAUSE = 0.3
"""Seconds before the third worker and each later one; 10 in the original."""
WORKER = Path(__file__).with_name("func_worker.py")
WORDS = os.environ.get("FUNC_STAND_IN", "").split(",")


class Deaf(uvicorn.Server):
    """Takes no notice of signals."""

    def handle_exit(self, sig, frame):
        """Serve on."""


class Start:
    """One ``func start``, on a socket that has its port."""

    def __init__(self, bound, script_root):
        self.bound = bound
        self.script_root = script_root
        self.workers = []
        self.urls = []
        self.turns = itertools.count(1)
        self.client = httpx.AsyncClient(
            trust_env=False, verify=False, timeout=120, limits=httpx.Limits(max_connections=None)
        )

    async def run(self):
        """Serve until SIGINT."""
        print("\nAzure Functions Core Tools\nCore Tools Version:       4.14.0 (64-bit)\n", flush=True)
        self.read_local_settings()
        process_count = int(os.environ.get(PROCESS_COUNT) or 1)
        kind = Deaf if "deaf" in WORDS else uvicorn.Server
        config = uvicorn.Config(self, lifespan="off", log_level="error", timeout_graceful_shutdown=2)
        server = kind(config)
        try:
            await self.start_worker()
            serving = asyncio.create_task(server.serve(sockets=[self.bound]))
            print("\nFunctions:\n\n\thello: [GET] ...\n", flush=True)
            await self.start_others(process_count)
            await serving
        finally:
            for worker in self.workers:
                with suppress(ProcessLookupError):  # it has ended by itself
                    worker.kill()

    def read_local_settings(self):
        """Take what the environment has not, or has empty."""
        for name, value in read_local_settings(self.script_root).values.items():
            if os.environ.get(name):
                print(
                    f"Skipping '{name}' from local settings as it's already defined in current environment variables."
                )
            else:
                os.environ[name] = value
        if not os.environ.get("FUNCTIONS_WORKER_RUNTIME"):
            sys.exit("Worker runtime cannot be 'None'. Please set a valid runtime.")

    async def start_others(self, process_count):
        """Start the second worker and all later ones, and announce what the original announces."""
        for number in range(2, process_count + 1):
            if number > 2:
                await asyncio.sleep(PAUSE)
            if number < process_count or "missing" not in WORDS:
                await self.start_worker()
            announce()
        if process_count == 1:
            announce()

    async def start_worker(self):
        """Start one and wait until it serves."""
        number = str(len(self.workers) + 1)
        worker = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", str(WORKER), "--workerId", number, str(self.script_root)),
            env={**os.environ, PROCESS_COUNT: "1"},
            stdout=asyncio.subprocess.PIPE,
        )
        self.workers.append(worker)
        async for line in worker.stdout:
            if found := re.search(rb"listening on (\S+)", line):
                self.urls.append(found[1].decode())
                break
        else:
            sys.exit("Initializing worker process failed\nExceeded language worker restart retry count")

    async def __call__(self, scope, receive, send):
        """Answer the status, and pass all else on to the workers in turn."""
        if scope["path"] == "/admin/host/status":
            state = "Error" if "error" in WORDS else "Running"
            answer = httpx.Response(200, json={"state": state, "version": "4.1052.200", "errors": ["the reason"]})
        else:
            target = f"{scope['path']}?{scope['query_string'].decode()}".rstrip("?")
            headers = {name: value for name, value in scope["headers"] if name != b"host"}
            answer = await self.client.get(self.urls[next(self.turns) % len(self.urls)] + target, headers=headers)
        headers = [(b"content-type", answer.headers.get("content-type", "").encode())]
        await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": answer.content})


def announce():
    """The line editors wait for."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00")
    print(f"[{now}Z] Worker process started and initialized.", flush=True)


def start(port, script_root):
    """``func start``. It takes the port at once, lest another program takes it while the first worker starts."""
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    is_free = True
    try:
        bound.bind(("127.0.0.1", port))
    except OSError:
        is_free = False
    for word in WORDS:
        if word.startswith("busy:") and not Path(word[5:]).exists():
            Path(word[5:]).touch()
            is_free = False
    if not is_free:
        sys.exit(
            f"Port {port} is unavailable. Close the process using that port, or specify another port using --port."
        )
    asyncio.run(Start(bound, script_root).run())


match sys.argv[1:]:
    case ["start", "--port", port, "--script-root", folder]:
        start(int(port), Path(folder))
    case unknown:
        sys.exit(f"Unable to find action for {unknown}")
