"""Handlers of known times. Each is named after what it does."""

import asyncio
import hashlib
import os
import threading
import time

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
lock = threading.Lock()
DATA = bytes(4_000_000)


def done(**headers: str) -> func.HttpResponse:
    return func.HttpResponse('{"elapsedMs": 1}', headers=headers)


def seconds(req: func.HttpRequest) -> float:
    return int(req.params.get("ms", "0")) / 1000


@app.route("sleep")
def sleep(req: func.HttpRequest) -> func.HttpResponse:
    time.sleep(seconds(req))
    return done()


@app.route("burn")
def burn(req: func.HttpRequest) -> func.HttpResponse:
    until = time.thread_time() + seconds(req)
    while time.thread_time() < until:
        pass
    return done()


@app.route("hash")
def hash_outside_the_gil(req: func.HttpRequest) -> func.HttpResponse:
    for _ in range(10):
        hashlib.sha256(DATA)
    return done()


@app.route("locked")
def locked(req: func.HttpRequest) -> func.HttpResponse:
    with lock:
        time.sleep(seconds(req))
    return done()


@app.route("blocking")
async def blocking(req: func.HttpRequest) -> func.HttpResponse:
    time.sleep(seconds(req))  # noqa: ASYNC251  (the fault that is measured)
    return done()


@app.route("awaiting")
async def awaiting(req: func.HttpRequest) -> func.HttpResponse:
    await asyncio.sleep(seconds(req))
    return done()


@app.route("failing")
def failing(req: func.HttpRequest) -> func.HttpResponse:
    time.sleep(0.02)
    raise ValueError("of the app")


@app.route("failing-async")
async def failing_async(req: func.HttpRequest) -> func.HttpResponse:
    await asyncio.sleep(0.02)
    raise ValueError("of the app")


@app.route("cancelling")
async def cancelling(req: func.HttpRequest) -> func.HttpResponse:
    await asyncio.sleep(0.02)
    raise asyncio.CancelledError


@app.route("own-header")
def own_header(req: func.HttpRequest) -> func.HttpResponse:
    return done(
        **{"Server-Timing": "db;dur=53.2, service;dur=90000", "x-functune-worker": "1;thread=1;calls=1;kind=def"}
    )


@app.route("dying")
def dying(req: func.HttpRequest) -> func.HttpResponse:
    os._exit(3)
