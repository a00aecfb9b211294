"""A blob as an input and a queue as an output, which only the extensions of the real host serve."""

import time

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route("price")
@app.blob_input(arg_name="prices", path="lists/prices.json", connection="STORE")
def price(req: func.HttpRequest, prices: func.InputStream) -> str:
    return prices.read().decode()


@app.route("order", methods=["POST"])
@app.queue_output(arg_name="message", queue_name="orders", connection="STORE")
def order(req: func.HttpRequest, message: func.Out[str]) -> func.HttpResponse:
    time.sleep(0.1)
    message.set(req.get_body().decode())
    return func.HttpResponse(status_code=202)
