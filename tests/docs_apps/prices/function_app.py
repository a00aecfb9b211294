"""Prices of a catalogue that another service keeps."""

import azure.functions as func
from catalogue import service

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route("price")
async def price(req: func.HttpRequest) -> func.HttpResponse:
    found = service.current_price()
    return func.HttpResponse(found)
