"""Handlers as application code has them: hashing, computing with waiting, and a pool of two connections."""

import hashlib
import os
import queue
import time

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
DOCUMENT = os.urandom(8 << 20)
connections: "queue.Queue[int]" = queue.Queue()
for _number in range(2):
    connections.put(_number)


@app.route(route="hash")
def hash_document(req: func.HttpRequest) -> func.HttpResponse:
    """Compute outside the GIL."""
    return func.HttpResponse(hashlib.sha256(DOCUMENT).hexdigest())


@app.route(route="mixed")
def price_order(req: func.HttpRequest) -> func.HttpResponse:
    """Compute for 5 ms of CPU time in Python, then wait for 45 ms."""
    end = time.thread_time() + 0.005
    while time.thread_time() < end:
        sum(range(200))
    time.sleep(0.045)
    return func.HttpResponse("ok")


@app.route(route="two-connections")
def query(req: func.HttpRequest) -> func.HttpResponse:
    """Wait for 50 ms with one of two connections."""
    connection = connections.get()
    try:
        time.sleep(0.05)
    finally:
        connections.put(connection)
    return func.HttpResponse("ok")
