"""A Flask app."""

import time

from flask import Flask, Response

app = Flask(__name__)


@app.get("/wait")
def wait():
    time.sleep(0.1)
    return "waited"


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

    return Response(parts())


@app.get("/failing")
def failing():
    raise ValueError("on purpose")
