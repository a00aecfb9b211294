"""The weather at the places of an archive."""

import azure.functions as func
from weather import places

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route("places")
def list_places(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(", ".join(places.every_place()))
