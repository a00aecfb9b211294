"""Orders, whose articles an old stock system reserves."""

import azure.functions as func
from shop import stock

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route("orders")
def orders(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(stock.reserve())
