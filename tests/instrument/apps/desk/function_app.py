"""An app whose handlers wait, compute and answer in every way that the runtime allows."""

import asyncio
import threading
import time

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
MEETING = threading.Barrier(4)
ALWAYS = func.HttpResponse("always the same", headers={"Server-Timing": "db;dur=53.2"})


def seconds(req: func.HttpRequest) -> float:
    return int(req.params.get("ms", "0")) / 1000


def meet(req: func.HttpRequest) -> None:
    """Wait for the other three calls of a meeting, where this one is to take part."""
    if "meet" in req.params:
        MEETING.wait(30)


def compute(duration: float) -> None:
    until = time.thread_time() + duration
    while time.thread_time() < until:
        pass


@app.route("wait")
def wait(req: func.HttpRequest) -> func.HttpResponse:
    meet(req)
    time.sleep(seconds(req))
    return func.HttpResponse("waited", status_code=201)


@app.route("compute")
def compute_in_a_thread(req: func.HttpRequest) -> func.HttpResponse:
    compute(seconds(req))
    return func.HttpResponse("computed")


@app.route("awaiting")
async def awaiting(req: func.HttpRequest) -> func.HttpResponse:
    await asyncio.sleep(seconds(req))
    return func.HttpResponse("awaited")


@app.route("blocking")
async def blocking(req: func.HttpRequest) -> func.HttpResponse:
    compute(seconds(req))
    await asyncio.sleep(seconds(req))
    compute(seconds(req) / 2)
    return func.HttpResponse("blocked")


@app.route("text")
def text(req: func.HttpRequest) -> str:
    """The text that the caller asks for, returned as ``str``."""
    return req.get_body().decode()


@app.route("nothing")
async def nothing(req: func.HttpRequest):
    return None


@app.route("shared")
def shared(req: func.HttpRequest) -> func.HttpResponse:
    meet(req)
    time.sleep(seconds(req))
    return ALWAYS


@app.route("set", binding_arg_name="answer")
def set_by_parameter(req: func.HttpRequest, answer: func.Out[func.HttpResponse]) -> None:
    answer.set(func.HttpResponse("set", status_code=202, headers={"x-own": "1"}))


@app.route("set-text", binding_arg_name="answer")
def set_text(req: func.HttpRequest, answer: func.Out[str]) -> None:
    answer.set("2024-01-31T10:00:00Z")


@app.route("unset", binding_arg_name="answer")
async def unset(req: func.HttpRequest, answer: func.Out[func.HttpResponse]) -> None:
    """Set no answer."""


@app.route("context")
async def context(req: func.HttpRequest, context: func.Context) -> str:
    return context.function_name


@app.route("failing")
async def failing(req: func.HttpRequest) -> func.HttpResponse:
    raise ValueError("on purpose")
