"""Bookings of an account."""

import azure.functions as func
from bank import account

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route("booking")
def booking(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(str(account.book(req.params.get("amount", "1"))))
