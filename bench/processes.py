"""What the suites start: the load generator and a bare ASGI server, each in a process of its own."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bench.figure import NotMeasuredError

ROOT = Path(__file__).parent.parent
APPS = ROOT / "bench" / "apps"


async def generate(url: str, *, users: int, seconds: float, warm_up: float = 0.5) -> dict[str, float]:
    """
    Load ``url`` with ``users`` closed-loop clients and return the generator's summary: see bench.generator.

    Raises NotMeasuredError when the generator fails or an answer is not 2xx: no figure comes from failures.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.generator", url),
        *("--users", str(users), "--seconds", str(seconds), "--warm-up", str(warm_up)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    if process.returncode != 0:
        raise NotMeasuredError(f"the generator failed on {url}")
    summary: dict[str, float] = json.loads(output)
    if summary["failures"]:
        raise NotMeasuredError(f"{url}: {summary['failures']:.0f} answers were not 2xx")
    return summary


@asynccontextmanager
async def asgi_server(application: str) -> AsyncIterator[str]:
    """Serve an application of bench.asgi with uvicorn, on the host's parser and event loop; yields the base URL."""
    code = (
        "import socket, uvicorn; s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(2048); "
        "print(s.getsockname()[1], flush=True); "
        f"uvicorn.Server(uvicorn.Config('bench.asgi:{application}', http='httptools', loop='uvloop', lifespan='off', "
        "access_log=False, log_level='warning', timeout_keep_alive=130)).run(sockets=[s])"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        port = int(await process.stdout.readline())
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()
