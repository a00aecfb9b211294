"""An app with a package of its own, a route that waits and one that blocks its event loop."""

import time

import azure.functions as func
from cachetools import TTLCache

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
ORDERS: TTLCache[str, str] = TTLCache(maxsize=100, ttl=60)


@app.route("orders", methods=["GET"])
def orders(req: func.HttpRequest) -> func.HttpResponse:
    time.sleep(0.05)
    return func.HttpResponse(str(len(ORDERS)))


@app.route("orders/{number}", methods=["POST"])
async def order(req: func.HttpRequest) -> func.HttpResponse:
    time.sleep(0.01)  # noqa: ASYNC251 - a fault on purpose
    ORDERS[req.route_params["number"]] = "new"
    return func.HttpResponse(status_code=201)
