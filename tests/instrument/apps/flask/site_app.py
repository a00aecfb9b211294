"""A Flask app."""

import os
import threading
import time
from pathlib import Path

from flask import Flask, Response, request

app = Flask(__name__)


@app.get("/wait")
def wait():
    time.sleep(0.1)
    return "waited"


@app.get("/held")
def held():
    """Name the process and the thread in the folder that the caller names, and wait for the file ``go`` there."""
    folder = Path(request.args["folder"])
    (folder / f"{os.getpid()}.{threading.get_native_id()}").touch()
    wait_for(folder / "go")
    return "held"


def wait_for(path):
    """Wait until a file exists, for longer than the client waits for an answer."""
    until = time.monotonic() + 60
    while not path.exists() and time.monotonic() < until:
        time.sleep(0.01)


@app.get("/compute")
def compute():
    until = time.thread_time() + 0.1
    while time.thread_time() < until:
        pass
    return "computed", 203, {"Server-Timing": "db;dur=53.2, service;dur=9"}


@app.get("/streamed")
def streamed():
    def parts():
        for _ in range(5):
            yield "part "
            time.sleep(0.1)
        if path:
            wait_for(Path(path))

    path = request.query_string.decode()
    return Response(parts())


@app.get("/failing")
def failing():
    raise ValueError("on purpose")
