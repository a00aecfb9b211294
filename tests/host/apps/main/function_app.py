"""What the tests of the host call: each function shows one thing."""

import asyncio
import json
import logging
import os
import threading
import time
import uuid
from pathlib import Path

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


def as_json(document):
    return func.HttpResponse(json.dumps(document), mimetype="application/json")


def me():
    return {"pid": os.getpid(), "thread": threading.current_thread().name}


@app.route("sync/sleep", methods=["GET"])
def sync_sleep(req: func.HttpRequest) -> func.HttpResponse:
    time.sleep(int(req.params.get("ms", "0")) / 1000)
    return as_json(me())


@app.route("sync/held", methods=["GET"])
def sync_held(req: func.HttpRequest) -> func.HttpResponse:
    """Leaves a file named after the process in ``folder``, and returns once the file ``go`` is there."""
    folder, give_up = Path(req.params["folder"]), time.monotonic() + 60
    (folder / f"{os.getpid()}-{uuid.uuid4().hex}").touch()
    while not (folder / "go").exists() and time.monotonic() < give_up:
        time.sleep(0.05)
    return as_json(me())


@app.route("async/sleep", methods=["GET"])
async def async_sleep(req: func.HttpRequest) -> func.HttpResponse:
    await asyncio.sleep(int(req.params.get("ms", "0")) / 1000)
    return as_json(me() | {"token": req.params.get("token")})


@app.route("describe")
def describe(req: func.HttpRequest) -> func.HttpResponse:
    return as_json(
        {
            "method": req.method,
            "url": req.url,
            "params": dict(req.params),
            "headers": dict(req.headers),
            "length": len(req.get_body()),
        }
    )


@app.route("traced")
def traced(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    return as_json({"parent": context.trace_context.trace_parent, "state": context.trace_context.trace_state})


@app.route("items/{id:int}/{name?}")
async def items(req: func.HttpRequest) -> func.HttpResponse:
    return as_json(dict(req.route_params))


@app.route("files/{*path}")
def files(req: func.HttpRequest) -> func.HttpResponse:
    return as_json(dict(req.route_params))


@app.route("mirror", methods=["POST"])
async def mirror(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(req.get_body(), mimetype="application/octet-stream")


@app.route("text", methods=["POST"])
def text(req: func.HttpRequest) -> str:
    return req.get_body().decode("unicode-escape")


@app.route("respond", methods=["POST"])
def respond(req: func.HttpRequest) -> func.HttpResponse:
    """The response described by the request's body, whatever it holds."""
    return func.HttpResponse(**json.loads(req.get_body()))


@app.route("returns/nothing")
def returns_nothing(req: func.HttpRequest):
    return None


@app.route("boom/sync")
def boom_sync(req: func.HttpRequest) -> func.HttpResponse:
    print("printed before the sync boom")
    raise ValueError("sync boom")


@app.route("boom/async")
async def boom_async(req: func.HttpRequest) -> func.HttpResponse:
    raise ValueError("async boom")


@app.route("boom/surrogate")
def boom_surrogate(req: func.HttpRequest) -> func.HttpResponse:
    raise ValueError("\udcff in a message")


@app.route("boom/cancelled")
async def boom_cancelled(req: func.HttpRequest) -> func.HttpResponse:
    raise asyncio.CancelledError


@app.route("says")
def says(req: func.HttpRequest) -> func.HttpResponse:
    print("printed", req.params["token"])
    logging.info("logged %s", req.params["token"])
    logging.debug("debugged %s", req.params["token"])
    logging.info("surrogate \udcff %s", req.params["token"])
    thread = threading.Thread(target=lambda: logging.getLogger("mine").warning("threaded %s", req.params["token"]))
    thread.start()
    thread.join()
    return as_json({})


@app.route("environ")
def environ(req: func.HttpRequest) -> func.HttpResponse:
    return as_json({name: os.environ.get(name) for name in req.params})


@app.route("block/later")
async def block_later(req: func.HttpRequest) -> func.HttpResponse:
    """Answers, and then blocks the event loop for good."""

    def block():
        print("blocking now", flush=True)
        time.sleep(3600)

    asyncio.get_running_loop().call_later(0.05, block)
    return as_json(me())


@app.generic_trigger(arg_name="req", type="httpTrigger", route="generic/out", authLevel="anonymous")
@app.generic_output_binding(arg_name="res", type="http")
def generic_out(req: func.HttpRequest, res: func.Out[func.HttpResponse]) -> None:
    if "set" in req.params:
        res.set(func.HttpResponse("created", status_code=201))


@app.generic_trigger(arg_name="req", type="httpTrigger", route="generic/silent", authLevel="anonymous")
def generic_silent(req: func.HttpRequest) -> None:
    return None


@app.generic_trigger(arg_name="req", type="httpTrigger", route="generic/talkative", authLevel="anonymous")
def generic_talkative(req: func.HttpRequest):
    return "nobody binds this"


@app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *")
def tick(timer: func.TimerRequest) -> None:
    raise AssertionError("the local host runs HTTP triggers only")
