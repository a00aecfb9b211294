"""A POST API whose callers sign the body, for the orders 101 to 120, which it puts into a queue."""

import hashlib
import hmac
import os
import time

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route("orders/{id}", methods=["POST"])
@app.queue_output(arg_name="message", queue_name="orders", connection="STORE")
def orders(req: func.HttpRequest, message: func.Out[str]) -> func.HttpResponse:
    expected = hmac.digest(os.environ["SIGNING_KEY"].encode(), req.get_body(), hashlib.sha256).hex()
    if not hmac.compare_digest(expected, req.headers.get("x-signature", "")):
        return func.HttpResponse("the signature is wrong", status_code=401)
    if not 101 <= int(req.route_params["id"]) <= 120:
        return func.HttpResponse("no such order", status_code=404)
    time.sleep(0.2)
    message.set(req.route_params["id"])
    return func.HttpResponse(status_code=202)
