"""Handlers of known times. Each is named after what it does."""

import asyncio
import hashlib
import os
import threading
import time
from pathlib import Path

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
lock = threading.Lock()
DATA = bytes(4_000_000)


def done(**headers: str) -> func.HttpResponse:
    return func.HttpResponse('{"elapsedMs": 1}', headers=headers)


def seconds(req: func.HttpRequest) -> float:
    return int(req.params.get("ms", "0")) / 1000


def pass_time(req: func.HttpRequest) -> None:
    """Wait for the file ``until``, where it is given, and then for ``ms``."""
    give_up = time.monotonic() + 60
    while "until" in req.params and not Path(req.params["until"]).exists() and time.monotonic() < give_up:
        time.sleep(0.01)
    time.sleep(seconds(req))


@app.route("sleep")
def sleep(req: func.HttpRequest) -> func.HttpResponse:
    pass_time(req)
    return done(**{"x-served-by": f"{os.getpid()} {threading.get_native_id()}"})


@app.route("burn")
def burn(req: func.HttpRequest) -> func.HttpResponse:
    until = time.thread_time() + seconds(req)
    while time.thread_time() < until:
        pass
    return done()


@app.route("hash")
def hash_outside_the_gil(req: func.HttpRequest) -> func.HttpResponse:
    until = time.thread_time() + seconds(req)
    while time.thread_time() < until:
        hashlib.sha256(DATA)
    return done()


@app.route("locked")
def locked(req: func.HttpRequest) -> func.HttpResponse:
    with lock:
        time.sleep(seconds(req))
    return done()


@app.route("blocking")
async def blocking(req: func.HttpRequest) -> func.HttpResponse:
    pass_time(req)  # the fault that is measured
    return done()


@app.route("awaiting")
async def awaiting(req: func.HttpRequest) -> func.HttpResponse:
    await asyncio.sleep(seconds(req))
    return done()


@app.route("failing")
def failing(req: func.HttpRequest) -> func.HttpResponse:
    time.sleep(0.03)
    raise ValueError("of the app")


@app.route("failing-async")
async def failing_async(req: func.HttpRequest) -> func.HttpResponse:
    await asyncio.sleep(0.03)
    raise ValueError("of the app")


@app.route("cancelling")
async def cancelling(req: func.HttpRequest) -> func.HttpResponse:
    await asyncio.sleep(0.03)
    raise asyncio.CancelledError


@app.route("own-header")
def own_header(req: func.HttpRequest) -> func.HttpResponse:
    return done(
        **{"Server-Timing": "db;dur=53.2, service;dur=90000", "x-functune-worker": "1;thread=1;calls=1;kind=def"}
    )


@app.route("dying")
def dying(req: func.HttpRequest) -> func.HttpResponse:
    os._exit(3)
