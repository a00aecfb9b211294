"""Handlers with two queues, one behind the other: the one inside is the limit, and the calls queue for both."""

import azure.functions as func
from depot.planning import forecast, manifest
from depot.storage import parcels, shelf

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route("label")
async def label_route(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(await shelf.Shelf.shared().label())


@app.route("forecast")
async def forecast_route(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(await forecast.of_next_week())


@app.route("digest")
async def digest_route(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(await parcels.digest())


@app.route("manifest")
def manifest_route(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(manifest.checked())


@app.route("tracking")
def tracking_route(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(parcels.position())
