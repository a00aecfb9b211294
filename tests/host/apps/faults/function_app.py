"""
An app whose functions break the worker that runs them.

With the setting STARTS, a folder, every worker that starts leaves a file there. Once there are more than BREAK_AFTER of
them the import fails, and once there are more than MENDED_AFTER it does not any longer.
"""

import asyncio
import os
import resource
import sys
import time
import uuid
from pathlib import Path

import azure.functions as func

if "STARTS" in os.environ:
    starts = Path(os.environ["STARTS"])
    (starts / uuid.uuid4().hex).touch()
    number = len(list(starts.iterdir()))
    if int(os.environ["BREAK_AFTER"]) < number <= float(os.environ.get("MENDED_AFTER", "inf")):
        raise RuntimeError("this worker was told to break")

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route("pid")
async def pid(req: func.HttpRequest) -> str:
    return str(os.getpid())


@app.route("wait")
async def wait(req: func.HttpRequest) -> str:
    print("waiting", flush=True)
    await asyncio.sleep(float(req.params["s"]))
    return str(os.getpid())


@app.route("held")
def held(req: func.HttpRequest) -> str:
    """Returns once the file ``until`` is there."""
    print("waiting", flush=True)
    while not Path(req.params["until"]).exists():
        time.sleep(0.01)
    return str(os.getpid())


@app.route("sleep")
def sleep(req: func.HttpRequest) -> str:
    time.sleep(float(req.params["s"]))
    return str(os.getpid())


@app.route("exit")
def leave(req: func.HttpRequest) -> str:
    """Ends the worker in the middle of the call."""
    os._exit(int(req.params["code"]))


@app.route("hang")
async def hang(req: func.HttpRequest) -> str:
    """Blocks the event loop for good."""
    print("hanging", flush=True)
    time.sleep(3600)  # noqa: ASYNC251 - the mistake is the point
    return "never"


@app.route("grow")
def grow(req: func.HttpRequest) -> str:
    """Takes memory without end, under a limit that makes it end soon."""
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + 64 * 1024**2, resource.RLIM_INFINITY))
    kept = []
    try:
        while True:
            kept.append(bytearray(1024**2))
    except MemoryError:
        os.abort()  # what the kernel's out-of-memory killer would do to it, without filling the machine first


@app.route("prints")
def prints(req: func.HttpRequest) -> str:
    """Megabytes of output, on both streams, with and without line ends."""
    for _ in range(64):
        print("x" * 32_768, file=sys.stdout)
        print("y" * 32_768, end="", file=sys.stderr)
    print("the last line", flush=True)
    return str(os.getpid())
