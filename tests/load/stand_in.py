"""
A stand-in for the host, run as a process: ``python stand_in.py THREADS PORT`` prints the port when it listens.

It reports times. The PORT is kept for it, so that nobody else gets it when it ends.

``/sleep?ms=100`` takes one of THREADS places for that long, as a thread pool would; ``/burn?ms=100`` computes for that
long; ``/fail?ms=5`` answers 500 after that long, not in UTF-8, ``/moved?ms=5`` redirects to it, ``/hang`` never
answers, and ``/die`` ends the process.
"""

import asyncio
import os
import signal
import sys
import time
from urllib.parse import parse_qs

import uvicorn

from functune.host.parent import end_with_parent
from functune.timing.calls import CallTimes
from functune.timing.header import SERVER_TIMING, WORKER, server_timing, worker_value

THREADS = asyncio.Semaphore(int(sys.argv[1]))
STATUSES = {"/fail": 500, "/moved": 302}
in_flight = 0


async def app(scope, receive, send):
    """Answer one request."""
    path, milliseconds = scope["path"], float(parse_qs(scope["query_string"].decode()).get("ms", ["0"])[0])
    if path == "/hang":
        await asyncio.Event().wait()
    if path == "/die":
        os._exit(1)
    if path == "/burn":
        until = time.process_time() + milliseconds / 1000
        while time.process_time() < until:
            pass
        milliseconds = 0
    if path in STATUSES:
        await asyncio.sleep(milliseconds / 1000)
        status, body, times = STATUSES[path], b"\xff", []
    else:
        status, body, times = 200, b"{}", await sleep(scope, milliseconds)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)), (b"location", b"/fail")]
    headers += times
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def sleep(scope, milliseconds):
    """The headers of a handler that slept."""
    global in_flight
    sent_at = float(dict(scope["headers"])[b"x-sent-at"])
    async with THREADS:
        in_flight += 1
        began, wait, busy = time.perf_counter(), max(time.time() - sent_at, 0), in_flight
        if milliseconds:
            await asyncio.sleep(milliseconds / 1000)
        in_flight -= 1
    pid, service = os.getpid(), time.perf_counter() - began
    times = CallTimes(began, service, cpu=0.0, loop=None, hold=None, pid=pid, thread=pid, calls=busy)
    timing = server_timing(times, wait=wait)
    return [(SERVER_TIMING.encode(), timing), (WORKER.encode(), worker_value(times))]


end_with_parent(signal.SIGKILL)  # a test that kills the sweep leaves nobody else to end it
options = {"lifespan": "off", "ws": "none", "log_level": "error", "access_log": False}
# A load that was stopped for some seconds finds its connections open.
config = uvicorn.Config(app, port=int(sys.argv[2]), timeout_keep_alive=600, **options)
socket = config.bind_socket()
socket.listen()  # a load may connect before the server has started
print(socket.getsockname()[1], flush=True)
uvicorn.Server(config).run(sockets=[socket])
