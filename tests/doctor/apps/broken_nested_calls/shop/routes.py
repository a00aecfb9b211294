import asyncio

import azure.functions as func

from .services import ReportService
from .services import prices as price_service

blueprint = func.Blueprint()
reports = ReportService("https://reports.example")


@blueprint.route(route="report", methods=["GET"])
async def report(req: func.HttpRequest) -> func.HttpResponse:
    body = await reports.build(req.params["id"])
    return func.HttpResponse(body)


@blueprint.route(route="price", methods=["GET"])
async def price(req: func.HttpRequest) -> func.HttpResponse:
    wanted = [price_service.current(item) for item in req.params["items"].split(",")]
    return func.HttpResponse(str(await asyncio.gather(*wanted)))
