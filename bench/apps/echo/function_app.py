"""Answers every request, for bench.faults and bench.fuzz."""

import asyncio
import time

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route("async/{token}")
async def echo_async(req: func.HttpRequest) -> func.HttpResponse:
    await asyncio.sleep(float(req.params.get("s", 0)))
    return func.HttpResponse(req.route_params["token"])


@app.route("sync/{token}")
def echo_sync(req: func.HttpRequest) -> func.HttpResponse:
    time.sleep(float(req.params.get("s", 0)))
    return func.HttpResponse(req.route_params["token"])


@app.route("{*rest}")
async def rest(req: func.HttpRequest) -> func.HttpResponse:
    """Read every part of the request that bench.fuzz sends, down to the last header."""
    seen = [req.method, req.url, *req.params.values(), *req.headers.values(), *req.route_params.values()]
    return func.HttpResponse(f"{len(seen)} and {len(req.get_body())}")
