"""The event loops that handlers get."""

import asyncio
import colorsys  # noqa: F401 - nothing else imports it, so a test can wait for it
import json

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


def module_of(loop):
    return type(loop).__module__


async def running():
    return module_of(asyncio.get_running_loop())


@app.route("sync")
def sync(req: func.HttpRequest) -> func.HttpResponse:
    new = asyncio.new_event_loop()
    new.close()
    with asyncio.Runner() as runner:
        loops = {"run": asyncio.run(running()), "new": module_of(new), "runner": runner.run(running())}
    return func.HttpResponse(json.dumps(loops), mimetype="application/json")


@app.route("async")
async def asynchronous(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(json.dumps({"running": await running()}), mimetype="application/json")
