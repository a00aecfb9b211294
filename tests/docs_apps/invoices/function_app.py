"""Invoices as tables of text."""

import azure.functions as func
from tabulate import tabulate

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route("invoice")
def invoice(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(tabulate([["pens", 3, 4.5]], headers=["article", "count", "price"]))
