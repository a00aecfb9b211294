"""
An app with a package of its own and two routes.

One blocks its event loop. The other takes the orders 101 to 120, whose bodies are signed, and puts them into a queue.
"""

import hashlib
import hmac
import os
import time

import azure.functions as func
from cachetools import TTLCache

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
ORDERS: TTLCache[str, bytes] = TTLCache(maxsize=100, ttl=60)


@app.route("orders", methods=["GET"])
async def orders(req: func.HttpRequest) -> func.HttpResponse:
    time.sleep(0.01)  # noqa: ASYNC251 - a fault on purpose
    return func.HttpResponse(str(len(ORDERS)))


@app.route("orders/{number}", methods=["POST"])
@app.queue_output(arg_name="message", queue_name="orders", connection="STORE")
def order(req: func.HttpRequest, message: func.Out[str]) -> func.HttpResponse:
    number, body = req.route_params["number"], req.get_body()
    expected = hmac.digest(os.environ["SIGNING_KEY"].encode(), body, hashlib.sha256).hex()
    if not hmac.compare_digest(expected, req.headers.get("x-signature", "")):
        return func.HttpResponse("the signature is wrong", status_code=401)
    if not 101 <= int(number) <= 120:
        return func.HttpResponse("no such order", status_code=404)
    time.sleep(0.2)
    ORDERS[number] = body
    message.set(number)
    return func.HttpResponse(status_code=202)
